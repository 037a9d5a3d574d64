import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { expectRefused } from './refusal.ts'
import { expectGreen, newWorld, type Ran, type RunOptions, type ScenarioWorld } from './scenario.ts'

const WITHOUT_ID_TOKEN = { permissions: { contents: 'write' } as const }

async function released(world: ScenarioWorld, options: RunOptions): Promise<Ran> {
  const ran = await world.run(prebuilt(undefined, options))
  expectGreen(ran)
  expect(ran.gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
  return ran
}

describe('ways to authenticate', () => {
  it('trusted publisher: one token for this audience, one exchange, and the key of the exchange pushes', async () => {
    await using world = await newWorld()
    await world.repository()
    const { log } = await released(world, {})
    expect(world.requests('oidc').filter((request) => request.includes('audience='))).toEqual([
      expect.stringMatching(/audience=rubygems\.org$/),
    ])
    expect(world.exchanges).toEqual(['POST /api/v1/oidc/trusted_publisher/exchange_token'])
    expect(world.uploads[0]?.key).toMatch(/^rubygems_[0-9a-f]{48}$/)
    expect(log).toContain('trusted publisher (GitHub Actions octo/rack-lens @ .github/workflows/release.yml')
  })

  it('trusted publisher with an environment', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    world.sandbox.registry.addTrustedPublisher({
      gem: 'rack-lens',
      repository: 'octo/rack-lens',
      workflow: 'release.yml',
      environment: 'rubygems',
    })
    const { log } = await released(world, { environment: 'rubygems' })
    expect(log).toContain('Authenticated at ')
  })

  it('trusted publisher without an environment, for a job in one', async () => {
    await using world = await newWorld()
    await world.repository()
    const { log } = await released(world, { environment: 'rubygems' })
    expect(log).toContain('Authenticated at ')
  })

  it('pending trusted publisher of a gem that never was', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    world.sandbox.registry.addPendingPublisher({
      gem: 'rack-lens',
      repository: 'octo/rack-lens',
      workflow: 'release.yml',
    })
    await released(world, {})
    expect(world.sandbox.registry.ownersOf('rack-lens')).toEqual(['maintainer'])
  })

  it('API key role', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    const role = world.sandbox.registry.addApiKeyRole({ gem: 'rack-lens' })
    const { log } = await released(world, { with: { 'role-to-assume': role } })
    expect(world.exchanges).toEqual([`POST /api/v1/oidc/api_key_roles/${role}/assume_role`])
    expect(log).toContain('API key role')
  })

  it('API key role with an audience of its own', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    const role = world.sandbox.registry.addApiKeyRole({
      gem: 'rack-lens',
      conditions: [{ operator: 'string_equals', claim: 'aud', value: 'gems.example' }],
    })
    await released(world, { with: { 'role-to-assume': role, audience: 'gems.example' } })
    expect(world.live).toEqual(['rack-lens-1.2.3'])
    await expectRefused(world, {
      ...prebuilt([{ name: 'rack-lens', number: '1.2.4' }], { with: { 'role-to-assume': role } }),
      code: 'exchange-refused',
      says: ['API key role', 'audience "rubygems.org"', 'repository octo/rack-lens'],
    })
  })

  it('static token, without a permission for ID tokens', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    const key = world.sandbox.registry.addUserKey({ gems: ['rack-lens'] })
    await released(world, { ...WITHOUT_ID_TOKEN, with: { 'api-token': key } })
    expect(world.exchanges).toEqual([])
    expect(world.uploads.map((upload) => upload.key)).toEqual([key])
  })

  it('the variable GEM_HOST_API_KEY with `setup-trusted-publisher: false`', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: [] })
    const key = world.sandbox.registry.addUserKey({ gems: ['rack-lens'] })
    await released(world, {
      ...WITHOUT_ID_TOKEN,
      with: { 'setup-trusted-publisher': 'false' },
      step: { env: { GEM_HOST_API_KEY: key } },
    })
    expect(world.uploads.map((upload) => upload.key)).toEqual([key])
  })

  it.each(['.gem/credentials', '.local/share/gem/credentials'])(
    'the file ~/%s with `setup-trusted-publisher: false`, which stays as it is',
    async (file) => {
      await using world = await newWorld()
      await world.repository(undefined, { gems: [] })
      const key = world.sandbox.registry.addUserKey({ gems: ['rack-lens'] })
      const text = `---\n:rubygems_api_key: rubygems_${'0'.repeat(48)}\n${world.sandbox.registry.url}: ${key}\n`
      let after = ''
      await released(world, {
        ...WITHOUT_ID_TOKEN,
        with: { 'setup-trusted-publisher': 'false' },
        before: ({ runner }) => writePrivately(path.join(runner.home, file), text),
        meanwhile: async ({ runner }) => {
          after = await readFile(path.join(runner.home, file), 'utf8')
        },
        mayHold: [file],
      })
      expect(world.uploads.map((upload) => upload.key)).toEqual([key])
      expect(after).toBe(text)
    },
  )

  it('nothing at all with `setup-trusted-publisher: false` is refused, with the places that were looked at', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefused(world, {
      ...prebuilt(undefined, {
        with: { 'setup-trusted-publisher': 'false' },
        // The key of another server is not sent to this one.
        before: ({ runner }) =>
          writePrivately(
            path.join(runner.home, '.gem/credentials'),
            `---\n:rubygems_api_key: rubygems_${'0'.repeat(48)}\n`,
          ),
      }),
      code: 'no-credentials',
      says: ['setup-trusted-publisher', 'GEM_HOST_API_KEY', world.sandbox.registry.url, '.gem/credentials'],
    })
    expect(world.uploads).toEqual([])
  })
})

async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o600)
}
