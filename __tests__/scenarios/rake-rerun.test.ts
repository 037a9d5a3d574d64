import { cp } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { aim, type Fault } from '../../sandbox/faults.ts'
import { ownRelease, rakeProject } from './rake-projects.ts'
import { ACTION, expectGreen, newWorld, REPOSITORY } from './scenario.ts'

const GEM_TASKS = 'require "bundler/gem_tasks"\n'
const MOON = 'abort "the moon is wrong" if ENV["MOON"] == "wrong"'

/** Every key it hands out dies before a push would be finished. */
function shortLivedKeys(): Fault {
  return {
    name: 'short-lived keys',
    times: Number.POSITIVE_INFINITY,
    on: ({ path: at }) => at.endsWith('/exchange_token'),
    async play({ handle }) {
      const real = await handle()
      const body: unknown = typeof real.body === 'string' ? JSON.parse(real.body) : {}
      const expires = new Date(Date.now() + 100_000).toISOString()
      return { ...real, body: JSON.stringify(Object.assign({}, body, { expires_at: expires })) }
    },
  }
}

describe('a release task that fails', () => {
  it('before the push: nothing is out, and the next run finishes', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(`${GEM_TASKS}Rake::Task["release:guard_clean"].enhance { ${MOON} }\n`))
    const first = await world.run({ env: { MOON: 'wrong' } })
    expect(first.step.exitCode).toBe(1)
    expect(first.error).toMatch(/^release-task-failed: `rake release` failed with exit code 1\.\n/)
    expect(first.error).toContain('the moon is wrong')
    expect(first.error).toContain('Nothing was published by this run.')
    expect(first.step.outputs['published']).toBe('false')
    expectGreen(await world.run({ env: { MOON: 'right' } }))
    expect(world.live).toEqual(['rack-lens-1.2.3'])
  })

  it('after the push: the gem is out, and the next run finishes without sending it', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(`${GEM_TASKS}Rake::Task["release"].enhance { ${MOON} }\n`))
    const first = await world.run({ env: { MOON: 'wrong' } })
    expect(first.step.exitCode).toBe(1)
    expect(first.error).toContain('the moon is wrong')
    expect(first.error).toContain('rack-lens 1.2.3 is published on')
    expect(first.step.outputs['published']).toBe('true')
    const second = await world.run()
    expectGreen(second)
    expect(world.uploads).toHaveLength(1)
    expect(second.gems).toMatchObject([{ status: 'already-published', sha256: world.published('rack-lens-1.2.3') }])
  })
})

describe('tags of the remote', () => {
  it('are known to the task, although the checkout has none', async () => {
    await using world = await newWorld()
    const sha = await world.repository(rakeProject(GEM_TASKS), { tag: 'v1.2.3' })
    const before = await world.sandbox.github.repository(REPOSITORY).refs()
    const ran = await world.run({ with: { strategy: 'rake' } })
    expectGreen(ran)
    expect(ran.log).toContain('| Tag v1.2.3 has already been created.')
    expect(await world.sandbox.github.repository(REPOSITORY).refs()).toEqual(before)
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ commit: sha })
  })

  it('stop the run where one of them is on another commit', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(GEM_TASKS), { tag: 'v1.2.3' })
    await world.sandbox.github.repository(REPOSITORY).commit({ 'README.md': '# more\n' })
    const { step, error } = await world.run({ with: { strategy: 'rake' } })
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^tag-commit-mismatch: The tag v1\.2\.3 names commit/)
    expect(world.exchanges).toEqual([])
  })

  it.each([
    { times: 1, warned: '' },
    { times: 3, warned: 'Tags not fetched: git fetch failed with exit code 128.' },
  ])('are asked for again after $times failures', async ({ times, warned }) => {
    await using world = await newWorld()
    await world.repository(rakeProject(GEM_TASKS))
    const ran = await world.run({
      with: { strategy: 'rake' },
      before: () => {
        world.sandbox.github.inject(aim('503-html', { path: /info\/refs\?service=git-upload-pack/ }, times))
      },
    })
    expectGreen(ran)
    expect(ran.warnings.split('\n')[0]).toBe(warned)
    expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
  })
})

describe('around a release task', () => {
  it('prints commands of the runner as the text they are', async () => {
    await using world = await newWorld()
    const tricks = ['::error::boo', '##[error]boo', '::add-mask::release', '::notice title=x::boo', '::endgroup::']
    await world.repository(
      rakeProject(
        ownRelease(
          ...tricks.map((text) => `puts ${JSON.stringify(text).replace('#', String.raw`\#`)}`),
          'stand_in "push", GEM',
        ),
      ),
    )
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.step.annotations).toEqual([])
    expect(ran.log).toContain('| : :error::boo')
    expect(ran.step.masks.map(({ value }) => value)).not.toContain('release')
  })

  it('replaces a key that is about to expire, and masks the new one in the middle of foreign output', async () => {
    await using world = await newWorld()
    world.sandbox.registry.inject(shortLivedKeys())
    await world.repository(
      rakeProject(`${GEM_TASKS}task(:talk) { puts "talk" }\ntask build: :talk\ntask release: :talk\n`),
    )
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.step.ignoredCommands).toEqual([])
    expect(world.exchanges.length).toBeGreaterThan(1)
    const key = world.uploads[0]?.key ?? ''
    expect(ran.step.masks.map(({ value }) => value)).toContain(key)
  })

  it('works where the paths of workspace and action have spaces and quotes in them', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(GEM_TASKS))
    const action = path.join(world.directory, "my machine's action")
    for (const part of ['action.yml', 'dist']) {
      await cp(path.join(ACTION, part), path.join(action, part), { recursive: true })
    }
    const ran = await world.run({
      machine: "the team's own very long-named machine, kept in the cellar",
      action: path.relative(ACTION, action),
      with: { strategy: 'rake' },
    })
    expectGreen(ran)
    expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
  })
})
