import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { CLASSIC, gemPush, homeOf, namesIn, saidAfterwards } from './credentials-world.ts'
import { newWorld, type Ran, REPOSITORY, type RunOptions, type ScenarioWorld } from './scenario.ts'

/** Runs the credentials action alone, without the inputs that only the root action has. */
async function configure(world: ScenarioWorld, options: RunOptions = {}): Promise<Ran> {
  return world.run({ action: 'credentials', ...options })
}

describe('the credentials action', () => {
  it('writes a private file that the real gem push works with, and takes it away again', async () => {
    await using world = await newWorld()
    await world.repository()
    const { registry } = world.sandbox
    const ran = await configure(world, {
      meanwhile: async (job) => {
        const { [CLASSIC]: file } = await homeOf(job.runner.home)
        expect(file?.mode).toBe(0o600)
        expect(file?.text).toMatch(new RegExp(`^---\n${registry.url}: rubygems_[0-9a-f]{48}\n$`))
        expect((await gemPush(job, registry.url)).exitCode).toBe(0)
        expect((await job.runner.run('env')).rawStdout).not.toMatch(/rubygems_|^(GEM_HOST|RUBYGEMS|BUNDLE)/m)
      },
    })
    expect(ran.error).toBe('')
    expect(world.published('rack-lens-1.2.3')).toBe(world.uploads[0]?.sha256)
    expect(ran.step.envChanges).toEqual({})
    expect(ran.step.outputs).toEqual({})
    expect(ran.job.post[0]).toMatchObject({ exitCode: 0, annotations: [] })
    expect(saidAfterwards(ran.job.post[0])).toHaveLength(1)
  })

  it('masks the key before it is anywhere, and the ID token', async () => {
    await using world = await newWorld()
    await world.repository()
    let key = ''
    const { step } = await configure(world, {
      meanwhile: async ({ runner }) => {
        const text = (await homeOf(runner.home))[CLASSIC]?.text ?? ''
        key = /rubygems_\w+/.exec(text)?.[0] ?? ''
      },
    })
    const masks = step.masks.map(({ value }) => value)
    expect(masks).toContain(key)
    expect(masks.some((value) => value.split('.').length === 3)).toBe(true)
    expect(step.ignoredCommands).toEqual([])
  })

  it('assumes an API key role', async () => {
    await using world = await newWorld()
    await world.repository()
    const role = world.sandbox.registry.addApiKeyRole({})
    const ran = await configure(world, {
      with: { 'role-to-assume': role },
      meanwhile: async (job) => {
        expect((await gemPush(job, world.sandbox.registry.url)).exitCode).toBe(0)
      },
    })
    expect(ran.error).toBe('')
    expect(world.exchanges).toEqual([`POST /api/v1/oidc/api_key_roles/${role}/assume_role`])
  })

  it('takes an API token, with no other input', async () => {
    await using world = await newWorld()
    await world.repository()
    const key = world.sandbox.registry.addUserKey({ gems: ['rack-lens'] })
    const ran = await configure(world, {
      with: { 'api-token': key },
      permissions: { contents: 'read' },
      meanwhile: async (job) => {
        expect((await gemPush(job, world.sandbox.registry.url)).exitCode).toBe(0)
      },
    })
    expect(ran.error).toBe('')
    expect(world.exchanges).toEqual([])
    expect(world.uploads).toMatchObject([{ key }])
  })

  it('is a trusted publisher when told so, for the audience that is asked for', async () => {
    await using world = await newWorld()
    await world.repository()
    const good = await configure(world, { with: { 'trusted-publisher': 'true' } })
    expect(good.error).toBe('')
    const bad = await configure(world, { with: { 'trusted-publisher': 'true', audience: 'gems.internal' } })
    expect(bad.error).toContain('exchange-refused')
    const asked = world.requests('oidc').flatMap((request) => /audience=(.*)$/.exec(request)?.[1] ?? [])
    expect(asked).toEqual(['rubygems.org', 'gems.internal'])
  })

  it('takes a server with a slash at its end for the same server', async () => {
    await using world = await newWorld()
    await world.repository()
    const { url } = world.sandbox.registry
    const { error } = await configure(world, {
      with: { 'gem-server': `${url}/` },
      meanwhile: async (job) => {
        expect((await homeOf(job.runner.home))[CLASSIC]?.text).toContain(`\n${url}: rubygems_`)
        expect((await gemPush(job, url)).exitCode).toBe(0)
      },
    })
    expect(error).toBe('')
    expect(world.exchanges).toEqual(['POST /api/v1/oidc/trusted_publisher/exchange_token'])
  })

  it('asks again where the server is in passing trouble', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.inject(aim('503-html', { path: /exchange_token/ }, 1))
    expect((await configure(world)).error).toBe('')
    expect(world.exchanges).toHaveLength(2)
  })
})

describe('the credentials action explains', () => {
  it('what to enter where the registry knows no such publisher', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    const { step, error } = await configure(world, {
      meanwhile: async ({ runner }) => {
        expect(await namesIn(runner.home)).toEqual([])
      },
    })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('exchange-refused')
    const [owner = '', name = ''] = REPOSITORY.split('/')
    for (const value of [owner, name, 'release.yml']) expect(error).toMatch(new RegExp(`: ${value}$`, 'm'))
  })

  it('a missing permission', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step, error } = await configure(world, { permissions: { contents: 'write' } })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('id-token-unavailable')
    expect(error).toContain('id-token: write')
  })

  it.each([
    {
      given: { 'api-token': 'token_0123456789', 'role-to-assume': 'rg_oidc_akr_0123456789abcdefghij' },
      says: 'together',
    },
    { given: { 'trusted-publisher': 'false' }, says: 'no way left to authenticate' },
    { given: { 'trusted-publisher': 'perhaps' }, says: 'trusted-publisher' },
    { given: { 'gem-server': 'http://gems.example.com' }, says: 'https URL' },
    { given: { 'gem-server': 'https://gems.example.com', audience: 'rubygems.org' }, says: 'audience' },
  ])('inputs that cannot be: $given', async ({ given, says }) => {
    await using world = await newWorld()
    await world.repository()
    const { step, error } = await configure(world, { with: given })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('invalid-input')
    expect(error).toContain(says)
    expect(world.exchanges).toEqual([])
  })
})
