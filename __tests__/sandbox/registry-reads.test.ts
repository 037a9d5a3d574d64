import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { keyFor, PUBLISHER, push, startWorld } from './registry-world.ts'

async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; headers: Headers }> {
  const response = await fetch(url, { headers })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

describe('reading versions', () => {
  it('v1 lists the live versions, newest first, with the digest of the whole gem', async () => {
    const { registry } = await startWorld()
    const key = registry.addUserKey({})
    const gem = seedGem({ name: 'demo', number: '1.10.0' })
    for (const bytes of [gem, seedGem({ name: 'demo', number: '1.9.0' }), seedGem({ name: 'demo', number: '1.8.0' })]) {
      await push(registry, key, bytes)
    }
    registry.yank('demo-1.8.0')
    const { status, body, headers } = await get(`${registry.url}/api/v1/versions/demo.json`)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('max-age=60, public')
    expect(headers.get('surrogate-control')).toBe('max-age=3600, stale-while-revalidate=1800, stale-if-error=1800')
    const sha = createHash('sha256').update(gem).digest('hex')
    expect(JSON.parse(body)).toEqual([
      expect.objectContaining({
        number: '1.10.0',
        platform: 'ruby',
        prerelease: false,
        sha,
        authors: "The sandbox's maintainer",
        licenses: ['MIT'],
        ruby_version: '>= 0',
      }),
      expect.objectContaining({ number: '1.9.0' }),
    ])
  })

  it('v1 answers 404 in text for a gem that is not there or has nothing live', async () => {
    const { registry } = await startWorld()
    registry.addVersion({ name: 'demo', number: '1.0.0' })
    registry.yank('demo-1.0.0')
    for (const name of ['demo', 'nothing']) {
      const answer = await get(`${registry.url}/api/v1/versions/${name}.json`)
      expect(answer).toMatchObject({ status: 404, body: 'This rubygem could not be found.' })
    }
  })

  it('v2 needs the platform to tell versions of one number apart', async () => {
    const { registry, clock } = await startWorld()
    registry.addVersion({ name: 'demo', number: '1.0.0' })
    clock.advance(1)
    registry.addVersion({ name: 'demo', number: '1.0.0', platform: 'java' })
    const url = `${registry.url}/api/v2/rubygems/demo/versions/1.0.0.json`
    expect(JSON.parse((await get(url)).body)).toMatchObject({ platform: 'java' })
    expect(JSON.parse((await get(`${url}?platform=ruby`)).body)).toMatchObject({
      name: 'demo',
      version: '1.0.0',
      number: '1.0.0',
      platform: 'ruby',
      yanked: false,
      gem_uri: `${registry.url}/gems/demo-1.0.0.gem`,
      dependencies: { development: [], runtime: [] },
    })
    const none = await get(`${url}?platform=x86_64-linux`)
    expect(none).toMatchObject({ status: 404, body: 'This version could not be found.' })
    const nothing = await get(`${registry.url}/api/v2/rubygems/nothing/versions/1.0.0.json`)
    expect(nothing).toMatchObject({ status: 404, body: 'This gem could not be found' })
  })

  it('v1 and v2 answer 304 to a reader who has the text', async () => {
    const { registry } = await startWorld()
    registry.addVersion({ name: 'demo', number: '1.0.0' })
    for (const path of ['v1/versions/demo.json', 'v2/rubygems/demo/versions/1.0.0.json']) {
      const etag = (await get(`${registry.url}/api/${path}`)).headers.get('etag') ?? ''
      expect(await get(`${registry.url}/api/${path}`, { 'if-none-match': etag })).toMatchObject({
        status: 304,
        body: '',
      })
    }
    registry.addVersion({ name: 'demo', number: '1.0.1' })
    expect((await get(`${registry.url}/api/v1/versions/demo.json`, { 'if-none-match': '"old"' })).status).toBe(200)
  })

  it('latest is a release for ruby where there is one, and "unknown" for nothing', async () => {
    const { registry } = await startWorld()
    const latest = async (name: string): Promise<unknown> =>
      JSON.parse((await get(`${registry.url}/api/v1/versions/${name}/latest.json`)).body)
    expect(await latest('demo')).toEqual({ version: 'unknown' })
    registry.addVersion({ name: 'demo', number: '3.0.0.pre' })
    expect(await latest('demo')).toEqual({ version: '3.0.0.pre' })
    registry.addVersion({ name: 'demo', number: '1.0.0' })
    registry.addVersion({ name: 'demo', number: '2.0.0', platform: 'java' })
    expect(await latest('demo')).toEqual({ version: '1.0.0' })
    expect(JSON.parse((await get(`${registry.url}/api/v1/gems/demo.json`)).body)).toMatchObject({
      name: 'demo',
      version: '1.0.0',
    })
    expect((await get(`${registry.url}/api/v1/gems/nothing.json`)).status).toBe(404)
  })

  it('attestations are a list also for yanked versions, and 404 for others', async () => {
    const { registry } = await startWorld()
    registry.addVersion({ name: 'demo', number: '1.0.0' })
    registry.yank('demo-1.0.0')
    expect(await get(`${registry.url}/api/v1/attestations/demo-1.0.0.json`)).toMatchObject({ status: 200, body: '[]' })
    expect((await get(`${registry.url}/api/v1/attestations/demo-2.0.0.json`)).status).toBe(404)
  })
})

describe('the bytes of a gem', () => {
  it('come with their length, also for HEAD, until the version is yanked', async () => {
    const { registry } = await startWorld()
    const gem = seedGem({ name: 'demo', number: '1.0.0' })
    await push(registry, registry.addUserKey({}), gem)
    const url = `${registry.url}/gems/demo-1.0.0.gem`
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(gem.length)])
    registry.yank('demo-1.0.0')
    expect((await get(url)).status).toBe(404)
    expect((await get(`${registry.url}/quick/Marshal.4.8/demo-1.0.0.gemspec.rz`)).status).toBe(404)
  })

  it('are not there while the version is being pushed', async () => {
    const { registry } = await startWorld()
    registry.beginUnfinishedPush('demo-1.0.0')
    expect((await get(`${registry.url}/gems/demo-1.0.0.gem`)).status).toBe(404)
    expect((await get(`${registry.url}/info/demo`)).status).toBe(404)
  })
})

describe('keys and other paths', () => {
  it('gems.json tells a live trusted publisher’s key from a dead one', async () => {
    const world = await startWorld()
    world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const url = `${world.registry.url}/api/v1/gems.json`
    const authorization = await keyFor(world)
    const forbidden = await get(url, { authorization, accept: 'application/json' })
    expect(forbidden).toMatchObject({ status: 403, body: JSON.stringify({ error: "The API key doesn't have access" }) })
    expect((await get(url, { authorization })).body).toBe("The API key doesn't have access")
    world.clock.advance(15 * 60)
    expect((await get(url, { authorization })).status).toBe(401)
    const user = world.registry.addUserKey({ scopes: ['index_rubygems'] })
    expect(JSON.parse((await get(url, { authorization: user })).body)).toMatchObject([{ name: 'demo' }])
    const pusher = world.registry.addUserKey({ scopes: ['push_rubygem'] })
    expect((await get(url, { authorization: pusher })).status).toBe(403)
  })

  it.each<[string, string, number]>([
    ['GET', '/', 200],
    ['HEAD', '/', 200],
    ['GET', '/api/v1/api_key', 410],
    ['POST', '/api/v1/api_key', 401],
    ['DELETE', '/api/v1/api_key', 404],
    ['POST', '/api/v1/api_key/revoke', 401],
    ['GET', '/api/v1/oidc/trusted_publisher/exchange_token', 404],
    ['GET', '/nowhere', 404],
    ['GET', '/info/%E0%A4%A', 400],
  ])('%s %s answers %i', async (method, path, status) => {
    const { registry } = await startWorld()
    expect((await fetch(`${registry.url}${path}`, { method })).status).toBe(status)
  })
})
