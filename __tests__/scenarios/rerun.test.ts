import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { newWorld, REPOSITORY } from './scenario.ts'

describe('the same release once more', () => {
  it('sends nothing, asks for no key, leaves the tag alone, and is green', async () => {
    await using world = await newWorld()
    await world.repository(project())
    const first = await world.run()
    expect(first.error).toBe('')
    const before = await world.public()
    const requests = world.sandbox.requests.length

    const second = await world.run({ runAttempt: 2 })
    expect(second.error).toBe('')
    expect(second.step.exitCode).toBe(0)
    expect(second.gems).toMatchObject([{ status: 'already-published', sha256: first.gems[0]?.sha256 }])
    expect(second.step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
    expect(second.step.summary).toContain('`already-published`')
    expect(await world.public()).toEqual(before)
    const since = world.sandbox.requests.slice(requests).filter(({ service }) => service !== 'git')
    expect(since.filter(({ method, service }) => method !== 'GET' || service === 'oidc')).toEqual([])
  })

  it('makes the tag that is missing, without sending the gem again', async () => {
    await using world = await newWorld()
    const sha = await world.repository()
    await world.run(prebuilt(undefined, { with: { tag: 'false' } }))
    expect(world.live).toEqual(['rack-lens-1.2.3'])
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toBeUndefined()

    const { error, gems, step } = await world.run(prebuilt(undefined, { runAttempt: 2 }))
    expect(error).toBe('')
    expect(gems).toMatchObject([{ status: 'already-published' }])
    expect(step.outputs['tag']).toBe('v1.2.3')
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ commit: sha })
    expect(world.uploads).toHaveLength(1)
    expect(world.exchanges).toHaveLength(1)
  })

  it('pushes the gem where only the tag was made', async () => {
    await using world = await newWorld()
    const sha = await world.repository()
    const repository = world.sandbox.github.repository(REPOSITORY)
    await repository.createTag('v1.2.3', sha)
    const before = (await world.public()).refs
    const { error, gems } = await world.run(prebuilt())
    expect(error).toBe('')
    expect(gems).toMatchObject([{ status: 'pushed' }])
    expect((await world.public()).refs).toEqual(before)
  })

  it('is red where the version is out with other bytes, before a key exists', async () => {
    await using world = await newWorld()
    await world.repository()
    await world.run(prebuilt())
    const other = { name: 'rack-lens', number: '1.2.3', yaml: { summary: 'Another gem under the same number' } }
    const before = await world.public()
    const { error, step } = await world.run(prebuilt([other]))
    expect(error).toMatch(/^version-taken: rack-lens 1\.2\.3 is already on /)
    expect(error).toContain('Different metadata: "summary: Another gem under the same number".')
    expect(step.exitCode).toBe(1)
    expect(await world.public()).toEqual(before)
    expect(world.uploads).toHaveLength(1)
    expect(world.exchanges).toHaveLength(1)
  })
})
