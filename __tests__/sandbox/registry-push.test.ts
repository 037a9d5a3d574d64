import { gzipSync } from 'node:zlib'
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { gemspecYaml, seedGem, tar } from '../../sandbox/registry/seed-gem.ts'
import { keyFor, PUBLISHER, push, startWorld, type World } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })

async function worldWithKey(): Promise<{ world: World; key: string }> {
  const world = await startWorld()
  world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
  return { world, key: await keyFor(world) }
}

function gem(number: string, rest: { name?: string; platform?: string; yaml?: Record<string, string> } = {}): Buffer {
  return seedGem({ name: 'demo', number, ...rest })
}

describe('a successful push', () => {
  it('answers 200 in plain text and keeps the bytes', async () => {
    const { world, key } = await worldWithKey()
    const answer = await push(world.registry, key, GEM)
    expect(answer).toMatchObject({ status: 200, body: 'Successfully registered gem: demo (1.0.0)' })
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const served = await fetch(`${world.registry.url}/gems/demo-1.0.0.gem`)
    expect(Buffer.from(await served.arrayBuffer())).toEqual(GEM)
    expect(world.registry.versions('demo').at(-1)).toMatchObject({
      number: '1.0.0',
      platform: 'ruby',
      sha256: createHash('sha256').update(GEM).digest('hex'),
      indexed: true,
      pushedBy: 'GitHub Actions octo/demo @ .github/workflows/release.yml 2026-03-01T12:00:00Z',
    })
  })

  it('names the platform', async () => {
    const { world, key } = await worldWithKey()
    const answer = await push(world.registry, key, gem('1.0.0', { platform: 'x86_64-linux' }))
    expect(answer.body).toBe('Successfully registered gem: demo (1.0.0-x86_64-linux)')
  })

  it('turns a pending publisher into the owner and publisher of a new gem', async () => {
    const world = await startWorld()
    world.registry.addPendingPublisher({ gem: 'Demo', ...PUBLISHER, user: 'ann' })
    const key = await keyFor(world)
    expect((await push(world.registry, key, GEM)).status).toBe(200)
    expect(world.registry.ownersOf('demo')).toEqual(['ann'])
    world.clock.advance(13 * 3600)
    expect((await push(world.registry, await keyFor(world), gem('1.0.1'))).status).toBe(200)
  })

  it('gives a new name to the user who pushes it', async () => {
    const { registry } = await startWorld()
    expect((await push(registry, registry.addUserKey({ user: 'ann' }), GEM)).status).toBe(200)
    expect(registry.ownersOf('demo')).toEqual(['ann'])
  })

  it('serves what was spelt as the original platform', async () => {
    const { world, key } = await worldWithKey()
    const yaml = { platform: 'universal-darwin-19\noriginal_platform: universal-darwin19' }
    expect((await push(world.registry, key, gem('1.0.0', { yaml }))).body).toContain('(1.0.0-universal-darwin19)')
    expect((await fetch(`${world.registry.url}/gems/demo-1.0.0-universal-darwin19.gem`)).status).toBe(200)
  })
})

describe('pushing the same bytes again', () => {
  it('succeeds with the same key', async () => {
    const { world, key } = await worldWithKey()
    await push(world.registry, key, GEM)
    expect(await push(world.registry, key, GEM)).toMatchObject({
      status: 200,
      body: 'Gem was already pushed: demo (1.0.0)',
    })
    expect(world.registry.versions('demo')).toHaveLength(2)
  })

  it('is a conflict with another key of the same publisher', async () => {
    const { world, key } = await worldWithKey()
    await push(world.registry, key, GEM)
    const answer = await push(world.registry, await keyFor(world), GEM)
    expect(answer.status).toBe(409)
    expect(answer.body).toBe(
      'Repushing of gem versions is not allowed.\n' +
        'Please bump the version number and push a new different release.\n' +
        'See also `gem yank` if you want to unpublish the bad release.',
    )
  })

  it('is a conflict with the same key where the bytes differ', async () => {
    const { world, key } = await worldWithKey()
    await push(world.registry, key, GEM)
    const other = gem('1.0.0', { yaml: { summary: 'Something else' } })
    expect((await push(world.registry, key, other)).status).toBe(409)
  })
})

describe('what happens on the wire', () => {
  it('a push delivered twice is one push', async () => {
    const { world, key } = await worldWithKey()
    world.registry.inject(aim('duplicate-delivery', { method: 'POST', path: /gems$/ }, 1))
    expect(await push(world.registry, key, GEM)).toMatchObject({
      status: 200,
      body: 'Gem was already pushed: demo (1.0.0)',
    })
    expect(world.registry.versions('demo').map(({ number }) => number)).toEqual(['0.0.0', '1.0.0'])
  })

  it('a push whose answer is lost has happened', async () => {
    const { world, key } = await worldWithKey()
    world.registry.inject(aim('reset-after', { method: 'POST', path: /gems$/ }, 1))
    await expect(push(world.registry, key, GEM)).rejects.toThrow('fetch failed')
    expect((await push(world.registry, key, GEM)).body).toBe('Gem was already pushed: demo (1.0.0)')
  })

  it('an upload is as slow as the line', async () => {
    const { registry } = await startWorld({ uploadBytesPerSecond: 100_000 })
    const large = tar([
      ['metadata.gz', gzipSync(gemspecYaml({ name: 'demo', number: '1.0.0' }))],
      ['data.tar.gz', randomBytes(50_000)],
    ])
    const started = Date.now()
    expect((await push(registry, registry.addUserKey({}), large)).status).toBe(200)
    expect(Date.now() - started).toBeGreaterThan(450)
  })
})
