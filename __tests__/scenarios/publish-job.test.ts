import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { expectGreen, newWorld } from './scenario.ts'

/** Programs a release may think of, each of which only writes down that it was started. */
async function tripwires(directory: string): Promise<{ path: string; started: () => Promise<string> }> {
  const programs = path.join(directory, 'programs')
  const list = path.join(directory, 'started.txt')
  await mkdir(programs)
  await writeFile(list, '')
  for (const name of ['ruby', 'gem', 'bundle', 'rake', 'git', 'gpg', 'sh', 'bash', 'node', 'env']) {
    const file = path.join(programs, name)
    await writeFile(file, `#!/bin/sh\necho "${name} $*" >>"${list}"\n`)
    await chmod(file, 0o755)
  }
  return { path: programs, started: () => readFile(list, 'utf8') }
}

describe('a publish job', () => {
  it('starts no program, though there are a checkout, Ruby and git', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository(project())
    const programs = await tripwires(world.directory)
    const ran = await world.run({
      ...prebuilt(undefined, { with: { 'github-release': 'true' } }),
      checkout: true,
      path: programs.path,
    })
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ status: 'pushed', attested: true }])
    expect(await programs.started()).toBe('')
  })

  it('would be noticed if it did: a build starts git and Ruby', async () => {
    await using world = await newWorld()
    await world.repository()
    const programs = await tripwires(world.directory)
    const { step } = await world.run({ path: programs.path })
    expect(step.exitCode).toBe(1)
    expect(await programs.started()).toMatch(/^git /m)
  })
})
