import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { PUSH, requested, Stopwatch } from './cancel-world.ts'
import { namesIn } from './credentials-world.ts'
import { ownRelease, rakeProject } from './rake-projects.ts'
import { expectGreen, newWorld } from './scenario.ts'

const GEM_TASKS = 'require "bundler/gem_tasks"\n'

describe('a release task that is cancelled', () => {
  it('while its push is on the way: the push ends, and the run says that the gem is out', async () => {
    await using world = await newWorld({ registry: { storageLatencyMs: 1500 } })
    await world.repository(rakeProject(GEM_TASKS))
    const { step, job, error, gems } = await world.run({
      with: { strategy: 'rake' },
      step: { signal: { after: requested(world, PUSH) } },
      meanwhile: async ({ runner }) => {
        expect(await namesIn(runner.home)).not.toContain('.gem')
      },
    })
    expect(step.exitCode).toBe(1)
    expect(job.orphans).toEqual([])
    expect(error).toMatch(/^cancelled: /)
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(step.outputs['published']).toBe('true')
    expect(gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
    expectGreen(await world.run({ with: { strategy: 'rake' } }))
    expect(world.uploads).toHaveLength(1)
  })

  it('while the answer to its push never comes: ends after 5 s without knowing', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(GEM_TASKS))
    world.sandbox.registry.inject(aim('stall-after', PUSH, 1))
    const watch = new Stopwatch()
    const { step, error } = await world.run({
      with: { strategy: 'rake' },
      step: { signal: { after: watch.start(requested(world, PUSH)) } },
      meanwhile: () => {
        watch.stop()
      },
    })
    expect(step.exitCode).toBe(1)
    expect(await watch.took()).toBeLessThan(7000)
    expect(error).toContain('Nothing is known to be published. Not known: rack-lens 1.2.3.')
    expect(step.outputs['published']).toBe('false')
  })

  it('while it works on its own: nobody knows what it did, and the key is gone', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('client "push", GEM', 'sh "echo working; sleep 60"')))
    const { step, job, error } = await world.run({
      step: { signal: { after: /\| working/ } },
      meanwhile: async ({ runner }) => {
        expect(await namesIn(runner.home)).not.toContain('.gem')
      },
    })
    expect(step.exitCode).toBe(1)
    expect(job.orphans).toEqual([])
    expect(error).toContain('Nothing is known to be published. Not known: rack-lens 1.2.3.')
  })

  it('after a gem push of its own: what that did is known', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('sh "gem push #{GEM} && echo working; sleep 60"')))
    const { step, job, error } = await world.run({ step: { signal: { after: /\| working/ } } })
    expect(step.exitCode).toBe(1)
    expect(job.orphans).toEqual([])
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(step.outputs['published']).toBe('true')
  })
})
