import { describe, expect, it } from 'vitest'
import { project } from './projects.ts'
import { newWorld, REPOSITORY, type ScenarioWorld } from './scenario.ts'

/** Nothing of the release can be seen from outside. */
async function expectNothingPublic(world: ScenarioWorld): Promise<void> {
  expect(world.requests('registry').filter((line) => line === 'POST /api/v1/gems')).toEqual([])
  const refs = Object.keys(await world.sandbox.github.repository(REPOSITORY).refs())
  expect(refs).toEqual(['refs/heads/main'])
  expect(world.sandbox.github.releases(REPOSITORY)).toEqual([])
}

describe('a dry run', () => {
  it('does everything but public acts, and says what a real run would do', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step, log, gems } = await world.run({ with: { 'dry-run': 'true', 'github-release': 'true' } })
    expect(step.exitCode, log).toBe(0)
    await expectNothingPublic(world)
    expect(gems).toMatchObject([{ name: 'rack-lens', status: 'would-push' }])
    expect(step.outputs).toMatchObject({ published: 'false', version: '1.2.3', tag: '' })
    expect(step.outputs['checksums']).toMatch(/^[0-9a-f]{64} {2}rack-lens-1\.2\.3\.gem$/)
    expect(world.requests('registry')).toContain('POST /api/v1/oidc/trusted_publisher/exchange_token')
    expect(log).toContain('rack-lens 1.2.3 would be pushed')
    expect(log).toContain('Tag v1.2.3 would be created.')
    expect(log).toContain('A GitHub Release of v1.2.3 would be made.')
    for (const value of ['Repository owner: octo', 'Repository name: rack-lens', 'Workflow filename: release.yml']) {
      expect(log).toContain(value)
    }
    expect(step.summary).toContain('Dry run: rack-lens 1.2.3 would be pushed')
  })

  it('fails where a real run would: unknown publisher, missing permission to tag', async () => {
    await using world = await newWorld()
    await world.repository(project(), { gems: [] })
    const refused = await world.run({ with: { 'dry-run': 'true' } })
    expect(refused.step.exitCode).toBe(1)
    expect(refused.error).toContain('exchange-refused')
    const untagged = await world.run({
      with: { 'dry-run': 'true' },
      permissions: { 'id-token': 'write', contents: 'read' },
    })
    expect(untagged.step.exitCode).toBe(1)
    expect(untagged.error).toContain('tag-not-permitted')
    await expectNothingPublic(world)
  })

  it('does what it can without an ID token, and says what it could not check', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step, log } = await world.run({ with: { 'dry-run': 'true' }, permissions: { contents: 'write' } })
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('Not checked: whether the gem server accepts this job.')
    await expectNothingPublic(world)
  })

  it('may follow a pull request, where a real run may not', async () => {
    await using world = await newWorld()
    await world.repository()
    const on = { branch: 'main', event: 'pull_request' }
    // A job of a fork's pull request has a token that may read, whatever the workflow says.
    const { step, log } = await world.run({ on, with: { 'dry-run': 'true' }, permissions: { contents: 'read' } })
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('A real run would be refused')
    expect(log).toContain('Not checked: whether a real run could tag.')
    const target = await world.run({
      on: { branch: 'main', event: 'pull_request_target' },
      with: { 'dry-run': 'true' },
    })
    expect(target.error).toContain('event-not-allowed')
    await expectNothingPublic(world)
  })

  it('does not run a customised release task', async () => {
    await using world = await newWorld()
    const rakefile = 'require "bundler/gem_tasks"\ntask(:announce) { abort "the task ran" }\ntask release: :announce\n'
    await world.repository(project({ rakefile }))
    const { step, log } = await world.run({ with: { 'dry-run': 'true' } })
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('The release task is not run in a dry run')
    await expectNothingPublic(world)
  })

  it('knows what is published already', async () => {
    await using world = await newWorld()
    await world.repository()
    expect((await world.run()).step.exitCode).toBe(0)
    const { log, gems } = await world.run({ with: { 'dry-run': 'true' } })
    expect(gems).toMatchObject([{ status: 'already-published' }])
    expect(log).toContain('is on 127.0.0.1')
  })
})
