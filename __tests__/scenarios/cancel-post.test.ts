import { mkdtemp, readdir, rmdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { PUSH, requested } from './cancel-world.ts'
import { CLASSIC, homeOf, keep, OTHERS, saidAfterwards } from './credentials-world.ts'
import { ownRelease, rakeProject } from './rake-projects.ts'
import { ACTION, expectGreen, newWorld, REPOSITORY } from './scenario.ts'

const ON_MAIN = { repository: REPOSITORY, on: { branch: 'main', event: 'workflow_dispatch' } }

async function privateDirectories(temp: string): Promise<string[]> {
  return (await readdir(temp)).filter((name) => name.startsWith('release-gem-'))
}

describe('the post step', () => {
  it('removes what is ours and says nothing after a release', async () => {
    await using world = await newWorld()
    await world.repository()
    let temp = ''
    const ran = await world.run({
      meanwhile: async ({ runner }) => {
        temp = runner.temp
        expect(await privateDirectories(temp)).toHaveLength(1)
      },
    })
    expectGreen(ran)
    expect(ran.job.post).toMatchObject([{ exitCode: 0, annotations: [], summary: '' }])
    expect(saidAfterwards(ran.job.post[0])).toEqual([])
    expect(await privateDirectories(temp)).toEqual([])
  })

  it('removes what is ours and says nothing after a refusal', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    let temp = ''
    const { step, job } = await world.run({
      meanwhile: ({ runner }) => {
        temp = runner.temp
      },
    })
    expect(step.exitCode).toBe(1)
    expect(job.post).toMatchObject([{ exitCode: 0, annotations: [], summary: '' }])
    expect(await privateDirectories(temp)).toEqual([])
  })

  it('reports for a main step that was killed in a push', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.inject(aim('stall-after', PUSH, 1))
    let temp = ''
    const { step, job } = await world.run({
      step: { signal: { after: requested(world, PUSH), sequence: 'kill' } },
      meanwhile: ({ runner }) => {
        temp = runner.temp
      },
    })
    expect(step.exitSignal).toBe('SIGKILL')
    const [post] = job.post
    expect(post?.exitCode).toBe(0)
    expect(post?.annotations).toMatchObject([{ level: 'warning', title: 'Release interrupted' }])
    const says = 'rack-lens 1.2.3 (ruby): unknown: a push may have begun, so that the registry has it or not'
    expect(post?.annotations[0]?.message).toContain(says)
    expect(post?.summary).toContain(says)
    expect(post?.summary).not.toContain('Nothing was published')
    expect(await privateDirectories(temp)).toEqual([])
    const second = await world.run()
    expectGreen(second)
    expect(second.gems).toMatchObject([{ status: 'already-published' }])
  })

  it('reports that nothing was published for a main step that was killed before', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject('require "bundler/gem_tasks"\ntask(:slow) { sleep 60 }\ntask build: :slow\n'))
    const { job } = await world.run({
      step: { signal: { after: /\$ rake build/, sequence: 'kill' } },
    })
    expect(job.post[0]?.annotations[0]?.message).toContain('Nothing was published before it stopped.')
    expect(job.post[0]?.exitCode).toBe(0)
  })

  it('removes the socket of a main step that was killed, also where its path was too long for RUNNER_TEMP', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('sh "echo working; sleep 60"')))
    const elsewhere = await mkdtemp('/tmp/s-')
    const { step, job } = await world.run({
      machine: 'm'.repeat(100),
      env: { TMPDIR: elsewhere },
      step: { signal: { after: /\| working/, sequence: 'kill' } },
      meanwhile: async ({ runner }) => {
        expect(await privateDirectories(elsewhere)).toEqual(await privateDirectories(runner.temp))
      },
    })
    expect(step.exitSignal).toBe('SIGKILL')
    expect(job.post[0]?.exitCode).toBe(0)
    expect(await readdir(elsewhere)).toEqual([])
    await rmdir(elsewhere)
  })

  it('puts the credentials back for a main step that was killed in a release task', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('sh "echo working; sleep 60"')))
    let home = ''
    const { step, job } = await world.run({
      step: { signal: { after: /\| working/, sequence: 'kill' } },
      before: async ({ runner }) => {
        home = runner.home
        await keep(home, CLASSIC, { text: OTHERS, mode: 0o644 })
      },
      meanwhile: async () => {
        expect((await homeOf(home))[CLASSIC]?.text).toContain('rubygems_')
      },
    })
    expect(step.exitSignal).toBe('SIGKILL')
    expect((await homeOf(home))[CLASSIC]).toEqual({ text: OTHERS, mode: 0o644 })
    expect(job.post[0]?.exitCode).toBe(0)
    expect(job.post[0]?.annotations[0]?.message).toContain('rack-lens 1.2.3 (ruby): unknown')
  })

  it('is not needed for that: where the machine was lost in a release task, the next job puts the credentials back', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('sh "echo working; sleep 60"')))
    const machine = { machine: 'shared', runnerEnvironment: 'self-hosted' as const }
    const permanent = { text: `${world.sandbox.registry.url}: permanent_0123456789\n`, mode: 0o644 }
    {
      await using lost = await world.sandbox.job({ ...ON_MAIN, ...machine })
      const { runner } = lost
      await keep(runner.home, CLASSIC, permanent)
      await runner.uses(ACTION, {
        with: { 'gem-server': world.sandbox.registry.url, strategy: 'rake' },
        signal: { after: /\| working/, sequence: 'kill' },
      })
      await runner.finish({ skipPost: true })
      expect((await homeOf(runner.home))[CLASSIC]?.text).not.toContain('permanent_')
    }
    let home = ''
    const { job } = await world.run({
      ...machine,
      checkout: false,
      action: 'credentials',
      before: ({ runner }) => {
        home = runner.home
      },
    })
    expect(job.conclusion).toBe('success')
    expect((await homeOf(home))[CLASSIC]).toEqual(permanent)
    expect((await readdir(`${home}/.gem`)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('claims nothing for a main step that was killed after its notes were gone', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('sh "rm -rf $RUNNER_TEMP/release-gem-*; echo working; sleep 60"')))
    const { job } = await world.run({ step: { signal: { after: /\| working/, sequence: 'kill' } } })
    expect(job.post[0]?.annotations[0]?.message).toContain('What it had published is not known')
    expect(job.post[0]?.exitCode).toBe(0)
  })

  it('is not needed: where the machine was lost, a re-run finishes', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.inject(aim('stall-after', PUSH, 1))
    {
      await using lost = await world.sandbox.job(ON_MAIN)
      const { runner } = lost
      await runner.uses(ACTION, {
        with: { 'gem-server': world.sandbox.registry.url },
        signal: { after: requested(world, PUSH), sequence: 'kill' },
      })
      await runner.finish({ skipPost: true })
    }
    const again = await world.run({ runAttempt: 2 })
    expectGreen(again)
    expect(world.uploads).toHaveLength(1)
    expect(again.gems).toMatchObject([{ status: 'already-published', sha256: world.published('rack-lens-1.2.3') }])
    expect(again.step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
  })
})
