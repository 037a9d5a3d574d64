import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { EXCHANGE, PUSH, requested, Stopwatch } from './cancel-world.ts'
import { monorepo, project } from './projects.ts'
import { rakeProject } from './rake-projects.ts'
import { expectGreen, newWorld, REPOSITORY } from './scenario.ts'

/** A build that says when it has begun, and would then take a minute. */
function slowBuild(before = ''): string {
  const script = 'sh "echo building; sleep 60 & sleep 60"'
  return `require "bundler/gem_tasks"\ntask(:slow) { ${before}${script} }\nRake::Task["build"].enhance([:slow])\n`
}
/** What it starts inherits that. */
const DEAF = 'trap("INT", "IGNORE"); trap("TERM", "IGNORE"); '

describe('a run that is cancelled', () => {
  it.each([
    { how: 'obeys', before: '' },
    { how: 'ignores the signal', before: DEAF },
  ])('in the build, which $how: nothing of it is left alive', async ({ before }) => {
    await using world = await newWorld()
    await world.repository(rakeProject(slowBuild(before)))
    const watch = new Stopwatch()
    const { step, error, job } = await world.run({
      step: { signal: { after: watch.start(/\| building/), intMs: 7000 } },
      meanwhile: () => {
        watch.stop()
      },
    })
    expect(step.exitCode).toBe(1)
    expect(await watch.took()).toBeLessThan(4000)
    expect(job.orphans).toEqual([])
    expect(error).toMatch(/^cancelled: The run was cancelled\./)
    expect(error).toContain('Nothing was published by this run.')
    expect(step.outputs['published']).toBe('false')
    expect(world.exchanges).toEqual([])
  })

  it('in the exchange, with a registry that does not answer: ends at once', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.inject(aim('stall', EXCHANGE))
    const watch = new Stopwatch()
    const { step, error } = await world.run({
      step: { signal: { after: watch.start(requested(world, EXCHANGE)) } },
      meanwhile: () => {
        watch.stop()
      },
    })
    expect(step.exitCode).toBe(1)
    expect(await watch.took()).toBeLessThan(1500)
    expect(error).toMatch(/^cancelled: /)
    expect(world.uploads).toEqual([])
  })

  it('in a push: lets it end, and reports it as published', async () => {
    await using world = await newWorld({ registry: { storageLatencyMs: 1500 } })
    await world.repository()
    const { step, error, gems } = await world.run({ step: { signal: { after: requested(world, PUSH) } } })
    expect(step.exitCode).toBe(1)
    expect(step.conclusion).toBe('cancelled')
    expect(error).toContain('cancelled: The run was cancelled.')
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(step.outputs['published']).toBe('true')
    expect(gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toBeUndefined()
    expectGreen(await world.run())
    expect(world.uploads).toHaveLength(1)
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toBeDefined()
  })

  it('in a push whose answer never comes: waits 5 s, says that it does not know, and the next run does', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.inject(aim('stall-after', PUSH, 1))
    const watch = new Stopwatch()
    const { step, error, gems } = await world.run({
      step: { signal: { after: watch.start(requested(world, PUSH)) } },
      meanwhile: () => {
        watch.stop()
      },
    })
    expect(step.exitCode).toBe(1)
    expect(await watch.took()).toBeLessThan(6500)
    expect(error).toContain('cancelled: The run was cancelled while rack-lens 1.2.3 was being pushed.')
    expect(error).toContain(`Its SHA-256 is ${gems[0]?.sha256 ?? ''}.`)
    expect(error).toContain('Nothing is known to be published. Not known: rack-lens 1.2.3.')
    expect(step.summary).toContain('Not known: rack-lens 1.2.3.')
    expect(step.outputs['published']).toBe('false')
    const second = await world.run()
    expectGreen(second)
    expect(second.gems).toMatchObject([{ status: 'already-published', sha256: gems[0]?.sha256 }])
  })

  it('and then terminated: exit code 143, and the report is made all the same', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.inject(aim('stall-after', PUSH, 1))
    const { step, error } = await world.run({
      step: { signal: { after: requested(world, PUSH), intMs: 100, termMs: 2000 } },
    })
    expect(step.exitCode).toBe(143)
    expect(step.exitSignal).toBeUndefined()
    expect(error).toContain('while rack-lens 1.2.3 was being pushed')
    expect(step.outputs['published']).toBe('false')
  })

  it('and then terminated in a build that ignores everything: exit code 143, nothing left alive', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(slowBuild(DEAF)))
    const { step, error, job } = await world.run({
      step: { signal: { after: /\| building/, intMs: 100, termMs: 2000 } },
    })
    expect(step.exitCode).toBe(143)
    expect(job.orphans).toEqual([])
    expect(error).toMatch(/^cancelled: /)
  })

  it('starts no push after the signal', async () => {
    await using world = await newWorld({ registry: { storageLatencyMs: 1000 } })
    await world.repository(
      monorepo(
        { name: 'lens-core', version: '1.0.0' },
        { name: 'lens-web', version: '1.0.0', lines: ['spec.add_dependency "lens-core", "1.0.0"'] },
        { name: 'lens-cli', version: '1.0.0', lines: ['spec.add_dependency "lens-web", "1.0.0"'] },
      ),
      { gems: ['lens-core', 'lens-web', 'lens-cli'] },
    )
    const first = await world.run({ step: { signal: { after: requested(world, PUSH) } } })
    expect(first.step.exitCode).toBe(1)
    expect(world.live).toEqual(['lens-core-1.0.0'])
    expect(Object.fromEntries(first.gems.map(({ name, status }) => [name, status]))).toEqual({
      'lens-core': 'pushed',
      'lens-web': 'not-tried',
      'lens-cli': 'not-tried',
    })
    expect(first.step.outputs['published']).toBe('false')
    expect(first.error).toContain('Published: lens-core 1.0.0. Not published: ')
    expectGreen(await world.run())
    expect(world.uploads).toHaveLength(3)
  })

  it('while it waits for the index: the gem is published and tagged, and that is what it says', async () => {
    await using world = await newWorld({ registry: { indexLagMs: 600_000 } })
    await world.repository(project())
    const watch = new Stopwatch()
    const { step, error } = await world.run({
      with: { 'await-timeout': '300' },
      step: { signal: { after: watch.start(/Waiting until the index/) } },
      meanwhile: () => {
        watch.stop()
      },
    })
    expect(step.exitCode).toBe(1)
    expect(await watch.took()).toBeLessThan(1500)
    expect(error).toMatch(/^cancelled: The run was cancelled\./)
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
  })
})
