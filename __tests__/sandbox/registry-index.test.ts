import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gemspecYaml, seedGem, type SeedGem, tar } from '../../sandbox/registry/seed-gem.ts'
import type { Registry } from '../../sandbox/registry/registry.ts'
import { push, startWorld, type World } from './registry-world.ts'

function sha256(gem: SeedGem): string {
  return createHash('sha256').update(seedGem(gem)).digest('hex')
}

function md5(body: string): string {
  return createHash('md5').update(body).digest('hex')
}

async function get(registry: Registry, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${registry.url}${path}`, { headers })
}

async function text(registry: Registry, path: string): Promise<string> {
  return await (await get(registry, path)).text()
}

async function pushAll({ registry, clock }: World, ...gems: SeedGem[]): Promise<void> {
  const key = registry.addUserKey({})
  for (const gem of gems) {
    expect((await push(registry, key, seedGem(gem))).status).toBe(200)
    clock.advance(1)
  }
}

const DEMO = { name: 'demo', number: '1.0.0' }

function requirement(...pairs: [string, string][]): string {
  const lines = pairs.map(
    ([operator, number]) => `  - - "${operator}"\n    - !ruby/object:Gem::Version\n      version: '${number}'`,
  )
  return `!ruby/object:Gem::Requirement\n  requirements:\n${lines.join('\n')}`
}

describe('the compact index', () => {
  it('has one line for each version, in the order of their pushes', async () => {
    const world = await startWorld()
    const java = { ...DEMO, platform: 'java' }
    await pushAll(world, { name: 'base', number: '1.0' }, { ...DEMO, dependencies: { base: '~> 1.0' } }, java)
    expect(await text(world.registry, '/info/demo')).toBe(
      [
        '---',
        `1.0.0 base:~> 1.0|checksum:${sha256({ ...DEMO, dependencies: { base: '~> 1.0' } })},created_at:2026-03-01T12:00:01Z`,
        `1.0.0-java |checksum:${sha256(java)},created_at:2026-03-01T12:00:02Z`,
        '',
      ].join('\n'),
    )
    expect(await text(world.registry, '/names')).toBe('---\nbase\ndemo\n')
  })

  it('tells the Ruby and RubyGems a version needs', async () => {
    const world = await startWorld()
    const yaml = {
      required_ruby_version: requirement(['>=', '3.0'], ['<', '5']),
      required_rubygems_version: requirement(['>', '3.2']),
    }
    await pushAll(world, { ...DEMO, yaml })
    expect(await text(world.registry, '/info/demo')).toContain(',ruby:< 5&>= 3.0,rubygems:> 3.2,created_at:')
  })

  it('leaves out a dependency on a gem that was not there when the version came', async () => {
    const world = await startWorld()
    const dependent = { ...DEMO, dependencies: { other: '>= 0', base: '>= 1.0' } }
    await pushAll(world, { name: 'other', number: '1.0' }, dependent, { name: 'base', number: '1.0' })
    expect(await text(world.registry, '/info/demo')).toContain('1.0.0 other:>= 0|checksum')
    await pushAll(world, { ...dependent, number: '1.0.1' })
    expect(await text(world.registry, '/info/demo')).toContain('1.0.1 base:>= 1.0,other:>= 0|checksum')
  })

  it('leaves out what is needed for development only', async () => {
    const world = await startWorld()
    await pushAll(world, { name: 'base', number: '1.0' })
    const yaml = gemspecYaml({ ...DEMO, dependencies: { base: '>= 1.0' } }).replace(':runtime', ':development')
    const bytes = tar([
      ['metadata.gz', gzipSync(yaml)],
      ['data.tar.gz', gzipSync('')],
    ])
    expect((await push(world.registry, world.registry.addUserKey({}), bytes)).status).toBe(200)
    expect(await text(world.registry, '/info/demo')).toContain('\n1.0.0 |checksum')
    const details = await text(world.registry, '/api/v1/gems/demo.json')
    expect(JSON.parse(details)).toMatchObject({
      dependencies: { development: [{ name: 'base', requirements: '>= 1.0' }] },
    })
  })

  it('appends a line with the checksum of /info to /versions for every push and yank', async () => {
    const world = await startWorld()
    await pushAll(world, DEMO, { ...DEMO, platform: 'java' })
    const info = await text(world.registry, '/info/demo')
    const before = await text(world.registry, '/versions')
    expect(before).toMatch(/^created_at: 2026-03-01T12:00:00\.000Z\n---\ndemo 1\.0\.0 [0-9a-f]{32}\n/)
    expect(before.endsWith(`demo 1.0.0-java ${md5(info)}\n`)).toBe(true)
    world.registry.yank('demo-1.0.0')
    const after = await text(world.registry, '/versions')
    const left = await text(world.registry, '/info/demo')
    expect(left).not.toContain('1.0.0 |')
    expect(after).toBe(`${before}demo -1.0.0 ${md5(left)}\n`)
    world.registry.yank('demo-1.0.0-java')
    expect(await text(world.registry, '/info/demo')).toBe('---\n')
    expect(await text(world.registry, '/names')).toBe('---\n')
  })

  it('answers 404 in text for a gem that is not there', async () => {
    const { registry } = await startWorld()
    const answer = await get(registry, '/info/demo')
    expect([answer.status, await answer.text()]).toEqual([404, 'This gem could not be found'])
    expect(answer.headers.get('surrogate-control')).toContain('max-age=600')
  })
})

describe('conditional and partial reads', () => {
  it('carry a quoted MD5 and both digests', async () => {
    const world = await startWorld()
    await pushAll(world, DEMO)
    const answer = await get(world.registry, '/info/demo')
    const body = await answer.text()
    const digest = createHash('sha256').update(body).digest('base64')
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: `"${md5(body)}"`,
      digest: `sha-256=${digest}`,
      'repr-digest': `sha-256=:${digest}:`,
      'accept-ranges': 'bytes',
      'content-type': 'text/plain; charset=utf-8',
    })
  })

  it.each<[string, (etag: string, size: number) => Record<string, string>, number, (body: string) => string]>([
    ['the same ETag', (etag) => ({ 'if-none-match': etag }), 304, () => ''],
    ['a weak ETag in a list', (etag) => ({ 'if-none-match': `"x", W/${etag}` }), 304, () => ''],
    ['another ETag', () => ({ 'if-none-match': '"x"' }), 200, (body) => body],
    ['a tail', () => ({ range: 'bytes=4-' }), 206, (body) => body.slice(4)],
    ['a span', () => ({ range: 'bytes=4-9' }), 206, (body) => body.slice(4, 10)],
    ['a span beyond the end', () => ({ range: 'bytes=4-99999' }), 206, (body) => body.slice(4)],
    ['the last bytes', () => ({ range: 'bytes=-5' }), 206, (body) => body.slice(-5)],
    ['a range that starts at the end', (_, size) => ({ range: `bytes=${String(size)}-` }), 416, () => ''],
    ['several ranges', () => ({ range: 'bytes=0-1,3-4' }), 200, (body) => body],
    ['a range of what the reader has', (etag) => ({ range: 'bytes=4-', 'if-none-match': etag }), 304, () => ''],
  ])('%s', async (_, headers, status, expected) => {
    const world = await startWorld()
    await pushAll(world, DEMO)
    const whole = await get(world.registry, '/info/demo')
    const body = await whole.text()
    const answer = await get(world.registry, '/info/demo', headers(whole.headers.get('etag') ?? '', body.length))
    expect([answer.status, await answer.text()]).toEqual([status, expected(body)])
    const span = answer.headers.get('content-range')
    const size = String(body.length)
    const start = body.indexOf(expected(body))
    const spans: Record<number, string | null> = {
      206: `bytes ${String(start)}-${String(start + expected(body).length - 1)}/${size}`,
      416: `bytes */${size}`,
    }
    expect(span).toBe(spans[status] ?? null)
  })
})

describe('an index that lags', () => {
  it('shows pushes and yanks late in every index, but at once in the JSON and the files', async () => {
    const world = await startWorld({ indexLagMs: 60_000 })
    const { registry, clock } = world
    await push(registry, registry.addUserKey({}), seedGem(DEMO))
    expect((await get(registry, '/info/demo')).status).toBe(404)
    expect(await text(registry, '/versions')).not.toContain('demo')
    expect(await text(registry, '/names')).toBe('---\n')
    for (const path of ['/api/v1/versions/demo.json', '/gems/demo-1.0.0.gem']) {
      expect((await get(registry, path)).status).toBe(200)
    }
    clock.advance(59)
    expect((await get(registry, '/info/demo')).status).toBe(404)
    clock.advance(1)
    expect(await text(registry, '/info/demo')).toContain(`checksum:${sha256(DEMO)}`)
    registry.yank('demo-1.0.0')
    expect(await text(registry, '/info/demo')).toContain('1.0.0')
    clock.advance(60)
    expect(await text(registry, '/info/demo')).toBe('---\n')
  })

  it('remembers for a while that a gem was not there', async () => {
    const world = await startWorld({ negativeCacheMs: 600_000 })
    const { registry, clock } = world
    for (const path of ['/info/demo', '/api/v1/versions/demo.json'])
      expect((await get(registry, path)).status).toBe(404)
    await push(registry, registry.addUserKey({}), seedGem(DEMO))
    clock.advance(599)
    expect((await get(registry, '/info/demo')).status).toBe(404)
    expect((await get(registry, '/api/v1/versions/demo.json')).status).toBe(200)
    clock.advance(1)
    expect((await get(registry, '/info/demo')).status).toBe(200)
  })

  it('is not missed where nobody looked before the push', async () => {
    const { registry } = await startWorld({ negativeCacheMs: 600_000 })
    await push(registry, registry.addUserKey({}), seedGem(DEMO))
    expect((await get(registry, '/info/demo')).status).toBe(200)
  })

  it.each(['/info/demo', '/versions', '/api/v1/versions/demo.json', '/api/v1/versions/demo/latest.json'])(
    'gives %s as it was to the first reader after a change',
    async (path) => {
      const world = await startWorld({ staleWhileRevalidate: true })
      await pushAll(world, DEMO)
      const before = await text(world.registry, path)
      await pushAll(world, { ...DEMO, number: '2.0.0' })
      expect(await text(world.registry, path)).toBe(before)
      expect(await text(world.registry, path)).toContain('2.0.0')
    },
  )
})
