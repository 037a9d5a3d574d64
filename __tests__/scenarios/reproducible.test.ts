import { describe, expect, it } from 'vitest'
import { project } from './projects.ts'
import { newWorld } from './scenario.ts'

describe('building twice', () => {
  it('is quiet about a gem that comes out the same', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step, log } = await world.run({ action: 'build', permissions: {}, with: { reproducible: 'true' } })
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('the second build has the same SHA-256')
  })

  it('names the file that differs', async () => {
    await using world = await newWorld()
    const before = ['require "tmpdir"', 'File.write(File.join(__dir__, "lib/built.rb"), "AT = #{__dir__.inspect}\\n")']
    const lines = ['spec.files += ["lib/built.rb"]']
    await world.repository(project({ before, gemspecLines: lines }))
    const { step, error } = await world.run({ action: 'build', permissions: {}, with: { reproducible: 'true' } })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('not-reproducible')
    expect(error).toContain('Different content: "lib/built.rb".')
  })
})
