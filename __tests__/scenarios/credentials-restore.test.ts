import { appendFile, mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRegistry } from '../../sandbox/registry/registry.ts'
import {
  CLASSIC,
  configureAgain,
  gemPush,
  homeOf,
  keep,
  type Kept,
  namesIn,
  OTHERS,
  saidAfterwards,
} from './credentials-world.ts'
import { expectGreen, newWorld, REPOSITORY } from './scenario.ts'

const XDG = '.local/share/gem/credentials'

describe('what was there before the credentials action', () => {
  it.each([
    { state: 'nothing', at: CLASSIC, prior: undefined },
    { state: 'an empty file', at: CLASSIC, prior: { text: '', mode: 0o600 } },
    { state: 'a file for other servers', at: CLASSIC, prior: { text: OTHERS, mode: 0o600 } },
    { state: 'a file that everybody may read', at: CLASSIC, prior: { text: OTHERS, mode: 0o644 } },
    {
      state: 'a file without an end of line',
      at: CLASSIC,
      prior: { text: '---\n:rubygems_api_key: old_key_01234567', mode: 0o600 },
    },
    { state: 'a file where XDG wants it', at: XDG, prior: { text: OTHERS, mode: 0o600 } },
  ])('$state: serves gem push, and is back after the job', async ({ at, prior }) => {
    await using world = await newWorld()
    await world.repository()
    const { url } = world.sandbox.registry
    let home = ''
    let before: Record<string, Kept> = {}
    const ran = await world.run({
      action: 'credentials',
      before: async ({ runner }) => {
        home = runner.home
        if (prior) await keep(home, at, prior)
        before = await homeOf(home)
      },
      meanwhile: async (job) => {
        const file = (await homeOf(home))[at]
        expect(file?.mode).toBe(0o600)
        expect(file?.text).toContain(`${url}: rubygems_`)
        expect(file?.text.startsWith(prior?.text ?? '---\n')).toBe(true)
        const step = await gemPush(job, url)
        expect(step.rawStdout).toContain('Successfully registered gem: rack-lens (1.2.3)')
      },
    })
    expect(ran.error).toBe('')
    expect(await homeOf(home)).toMatchObject(before)
    expect((await namesIn(home)).includes(at)).toBe(prior !== undefined)
    expect((await namesIn(home)).includes(path.dirname(at))).toBe(prior !== undefined)
  })

  it('a symbolic link is refused, and nothing is touched', async () => {
    await using world = await newWorld()
    await world.repository()
    let home = ''
    const { step, error } = await world.run({
      action: 'credentials',
      before: async ({ runner }) => {
        home = runner.home
        await mkdir(path.join(home, '.gem'))
        await writeFile(path.join(home, 'elsewhere'), OTHERS)
        await symlink('../elsewhere', path.join(home, CLASSIC))
      },
    })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('credentials-file')
    expect(await readlink(path.join(home, CLASSIC))).toBe('../elsewhere')
    expect((await homeOf(home))['elsewhere']?.text).toBe(OTHERS)
  })
})

describe('several uses of the credentials action', () => {
  it('in one job for one server: the last key counts, and the first state comes back', async () => {
    await using world = await newWorld()
    await world.repository()
    let home = ''
    const ran = await world.run({
      action: 'credentials',
      before: async ({ runner }) => {
        home = runner.home
        await keep(home, CLASSIC, { text: OTHERS, mode: 0o640 })
      },
      meanwhile: async (job) => {
        const first = (await homeOf(home))[CLASSIC]?.text
        await configureAgain(job, world.sandbox)
        expect((await homeOf(home))[CLASSIC]?.text).not.toBe(first)
        expect((await gemPush(job, world.sandbox.registry.url)).exitCode).toBe(0)
      },
    })
    expect(ran.job.conclusion).toBe('success')
    expect(await homeOf(home)).toMatchObject({ [CLASSIC]: { text: OTHERS, mode: 0o640 } })
  })

  it('in one job for two servers: each server sees its own key', async () => {
    await using world = await newWorld()
    await world.repository()
    const { oidc, requests, registry } = world.sandbox
    await using other = await startRegistry({
      directory: path.join(world.directory, 'other-registry'),
      jwksUrl: oidc.jwksUrl,
      requests,
    })
    const token = other.addUserKey({ gems: ['rack-lens'] })
    const ran = await world.run({
      action: 'credentials',
      meanwhile: async (job) => {
        await configureAgain(job, world.sandbox, { 'gem-server': other.url, 'api-token': token })
        expect((await gemPush(job, registry.url)).exitCode).toBe(0)
        expect((await gemPush(job, other.url)).exitCode).toBe(0)
      },
    })
    expect(ran.job.conclusion).toBe('success')
    const [first, second] = world.uploads
    expect(first?.key).toMatch(/^rubygems_/)
    expect(second?.key).toBe(token)
    expect(first?.key).not.toBe(token)
    expect(other.versions('rack-lens').map(({ sha256 }) => sha256)).toEqual([second?.sha256])
  })
})

describe('on a self-hosted machine', () => {
  const machine = { machine: 'shared', runnerEnvironment: 'self-hosted' as const }
  const on = { branch: 'main', event: 'workflow_dispatch' }

  it.each([
    { state: 'no file', prior: undefined },
    { state: "the user's own key for this server", prior: { text: 'permanent_0123456789', mode: 0o640 } },
  ])('the job after one that was lost with its post step puts back what was there: $state', async ({ prior }) => {
    await using world = await newWorld()
    await world.repository()
    const { url } = world.sandbox.registry
    const permanent = prior && { text: `# mine\n${url}: ${prior.text}\n`, mode: prior.mode }
    let before: Record<string, Kept> = {}
    {
      await using lost = await world.sandbox.job({ repository: REPOSITORY, on, ...machine })
      if (permanent) await keep(lost.runner.home, CLASSIC, permanent)
      before = await homeOf(lost.runner.home)
      await configureAgain(lost, world.sandbox)
      await lost.runner.finish({ skipPost: true })
    }
    let home = ''
    const ran = await world.run({
      ...machine,
      checkout: false,
      action: 'credentials',
      before: async ({ runner }) => {
        home = runner.home
        expect((await homeOf(home))[CLASSIC]?.text).toContain(`${url}: rubygems_`)
      },
      meanwhile: async (job) => {
        expect((await gemPush(job, url)).exitCode).toBe(0)
      },
    })
    expect(ran.job.conclusion).toBe('success')
    expect(ran.log).toContain('still held the key of a run that was lost')
    const { [CLASSIC]: file, ...others } = await homeOf(home)
    expect(file).toEqual(permanent)
    expect(Object.keys(others).filter((name) => name.startsWith('.gem/.'))).toEqual([])
    expect(before[CLASSIC]).toEqual(permanent)
    expect((await namesIn(home)).includes('.gem')).toBe(prior !== undefined)
  })

  it('what a file was before somebody changed it in the job is where the post step says', async () => {
    await using world = await newWorld()
    await world.repository()
    let home = ''
    const ran = await world.run({
      action: 'credentials',
      mayHold: [CLASSIC],
      before: async ({ runner }) => {
        home = runner.home
        await keep(home, CLASSIC, { text: OTHERS, mode: 0o644 })
      },
      meanwhile: async () => appendFile(path.join(home, CLASSIC), 'https://mine.example: other_key_9876543210\n'),
    })
    expect(ran.job.conclusion).toBe('success')
    const [said = ''] = saidAfterwards(ran.job.post[0])
    expect(said).toContain('was changed by somebody else since; its previous content is in ')
    const backup = path.relative(home, said.replace(/^.* is in (.*)\.$/, '$1'))
    const { [CLASSIC]: file, [backup]: kept } = await homeOf(home)
    expect(file?.text).toContain('https://mine.example: other_key_9876543210\n')
    expect(kept?.mode).toBe(0o600)
    expect(kept?.text.replace(/^# .*\n/, '')).toBe(OTHERS)
  })
})

describe('persist-credentials on the root action', () => {
  it.each(['direct', 'rake'])('lets later steps push, after strategy %s', async (strategy) => {
    await using world = await newWorld()
    await world.repository()
    const { url } = world.sandbox.registry
    let home = ''
    const ran = await world.run({
      with: { 'persist-credentials': 'true', strategy },
      before: async ({ runner }) => {
        home = runner.home
        await keep(home, CLASSIC, { text: OTHERS, mode: 0o600 })
      },
      meanwhile: async (job) => {
        expect((await gemPush(job, url, '1.2.4')).rawStdout).toContain('Successfully registered gem: rack-lens (1.2.4)')
      },
    })
    expectGreen(ran)
    expect(world.live).toEqual(['rack-lens-1.2.3', 'rack-lens-1.2.4'])
    expect(await homeOf(home)).toMatchObject({ [CLASSIC]: { text: OTHERS, mode: 0o600 } })
    expect(saidAfterwards(ran.job.post[0])).toEqual([`${path.join(home, CLASSIC)} is as it was before this run.`])
  })

  it('is off by default: later steps find nothing', async () => {
    await using world = await newWorld()
    await world.repository()
    const ran = await world.run({
      meanwhile: async (job) => {
        expect(await namesIn(job.runner.home)).not.toContain(CLASSIC)
      },
    })
    expectGreen(ran)
    expect(saidAfterwards(ran.job.post[0])).toEqual([])
  })
})
