import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { gemspecYaml, seedGem, tar } from '../../sandbox/registry/seed-gem.ts'
import { JOB, keyFor, PUBLISHER, push, startWorld, type World } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })
const DAY = 24 * 3600

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

describe('keys', () => {
  it.each<[string, (key: string) => string]>([
    ['no key', () => ''],
    ['an unknown key', () => `rubygems_${'0'.repeat(48)}`],
    ['a Bearer prefix', (key) => `Bearer ${key}`],
  ])('%s gets 401', async (_, spoil) => {
    const { world, key } = await worldWithKey()
    const answer = await push(world.registry, spoil(key), GEM, { accept: 'application/json' })
    const body = 'Access Denied. Please sign up for an account at https://rubygems.org'
    expect(answer).toMatchObject({ status: 401, body })
    expect((await push(world.registry, key, GEM)).status).toBe(200)
  })

  it('that have been expired get 401', async () => {
    const { world, key } = await worldWithKey()
    world.registry.expireKeys()
    expect((await push(world.registry, key, GEM)).status).toBe(401)
  })

  it('without the scope get 403, in JSON where that was asked for', async () => {
    const { registry } = await startWorld()
    const key = registry.addUserKey({ gems: ['demo'], scopes: ['index_rubygems'] })
    const body = 'This API key cannot perform the specified action on this gem.'
    expect(await push(registry, key, GEM)).toMatchObject({ status: 403, body })
    const asked = await push(registry, key, GEM, { accept: 'application/json' })
    expect(asked.body).toBe(JSON.stringify({ error: body }))
  })

  it('limited to another gem get 403', async () => {
    const { registry } = await startWorld()
    const key = registry.addUserKey({ gems: ['demo', 'other'], gem: 'other' })
    expect((await push(registry, key, GEM)).status).toBe(403)
    expect((await push(registry, key, seedGem({ name: 'other', number: '1.0.0' }))).status).toBe(200)
  })

  it('of a user who does not own the gem get 403', async () => {
    const { registry } = await startWorld()
    registry.addVersion({ name: 'demo', number: '0.9.0' }, 'ann')
    const answer = await push(registry, registry.addUserKey({ user: 'bob' }), GEM)
    expect(answer.status).toBe(403)
    expect(answer.body).toBe(
      'You do not have permission to push to this gem. Ask an owner to add you with: gem owner demo --add bob@example.com',
    )
  })
})

describe('names that may not be pushed', () => {
  const refused = { status: 403, body: 'You are not allowed to push this gem.' }

  it('gems the publisher is not attached to', async () => {
    const { world, key } = await worldWithKey()
    world.registry.addVersion({ name: 'other', number: '1.0.0' })
    expect(await push(world.registry, key, seedGem({ name: 'other', number: '2.0.0' }))).toMatchObject(refused)
  })

  it('new names without a pending publisher, or after its 12 hours', async () => {
    const { world, key } = await worldWithKey()
    const other = seedGem({ name: 'other', number: '1.0.0' })
    expect(await push(world.registry, key, other)).toMatchObject(refused)
    world.registry.addPendingPublisher({ gem: 'other', ...PUBLISHER })
    world.clock.advance(12 * 3600)
    expect(await push(world.registry, await keyFor(world), other)).toMatchObject(refused)
    expect(world.registry.versions('other')).toEqual([])
  })

  it('reserved names, also for their owners', async () => {
    const { world, key } = await worldWithKey()
    world.registry.reserveName('Demo')
    const body = 'This gem name is reserved. You are not allowed to push this gem.'
    expect(await push(world.registry, key, GEM)).toMatchObject({ status: 403, body })
  })

  it.each([
    ['demo.json', 'Name can not end with a common file extension'],
    ['demo-', 'Name can not end with a period, dash, or underscore'],
    ['a'.repeat(256), 'Name is too long (maximum is 255 characters)'],
  ])('%s', async (name, problem) => {
    const { registry } = await startWorld()
    const answer = await push(registry, registry.addUserKey({}), seedGem({ name, number: '1.0.0' }))
    expect(answer).toMatchObject({ status: 403, body: `There was a problem saving your gem: ${problem}` })
  })
})

describe('conflicts and problems', () => {
  it('a yanked version, by an owner and by a stranger', async () => {
    const { world, key } = await worldWithKey()
    await push(world.registry, key, GEM)
    world.registry.yank('demo-1.0.0')
    const tail =
      'already exists (demo-1.0.0).\nRepushing of gem versions is not allowed. Please use a new version and retry'
    expect(await push(world.registry, key, GEM)).toMatchObject({ status: 409, body: `A yanked version ${tail}` })
    world.registry.detachTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const body = `A yanked version pushed by a previous owner of this gem ${tail}`
    expect(await push(world.registry, key, GEM)).toMatchObject({ status: 409, body })
  })

  it('a version that did not finish pushing', async () => {
    const { world, key } = await worldWithKey()
    world.registry.beginUnfinishedPush('demo-1.0.0-universal-darwin-19')
    const answer = await push(world.registry, key, gem('1.0.0', { platform: 'universal-darwin-19' }))
    expect(answer).toMatchObject({
      status: 409,
      body:
        'It appears that demo-1.0.0-universal-darwin-19 did not finish pushing.\n' +
        'Please contact support@rubygems.org for assistance if you pushed this gem more than a minute ago.',
    })
    expect((await push(world.registry, key, GEM)).status).toBe(200)
  })

  it('another case of the name', async () => {
    const { registry } = await startWorld()
    const key = registry.addUserKey({ gems: ['demo'] })
    await push(registry, key, GEM)
    const answer = await push(registry, key, seedGem({ name: 'Demo', number: '2.0.0' }))
    expect(answer).toMatchObject({ status: 409, body: expect.stringMatching(/^Unable to change case/) })
    registry.yank('demo-1.0.0')
    expect((await push(registry, key, seedGem({ name: 'Demo', number: '2.0.0' }))).status).toBe(200)
    expect(registry.versions('Demo')).toHaveLength(2)
  })

  it.each([
    ['1.0 after 1.0.0', gem('1.0'), 'Canonical number has already been taken. Existing version: 1.0.0'],
    ['a dash', gem('2.0-1'), 'Number cannot contain a dash (it will be uninstallable)'],
    [
      'a resolved platform twice',
      gem('1.0.0', { yaml: { platform: 'java\noriginal_platform: jruby' } }),
      'Gem full name demo-1.0.0-java already exists, A version already exists with this number and resolved platform ["java"]',
    ],
    [
      'an original platform that is another one',
      gem('2.0.0', { yaml: { platform: 'java\noriginal_platform: x86_64-linux' } }),
      'The original platform x86_64-linux does not resolve the platform java (instead it is x86_64-linux)',
    ],
    [
      'a dependency on no gem name',
      seedGem({ name: 'demo', number: '2.0.0', dependencies: { '"!"': '>= 0' } }),
      'Dependency unresolved name must include at least one letter, Dependency unresolved name can only include letters, numbers, periods, dashes, and underscores',
    ],
    [
      'a dependency with no requirement',
      seedGem({ name: 'demo', number: '2.0.0', dependencies: { other: '!!! 1' } }),
      'Dependency requirements must be list of valid requirements',
    ],
  ])('%s', async (_, bytes, problem) => {
    const { world, key } = await worldWithKey()
    await push(world.registry, key, GEM)
    await push(world.registry, key, gem('1.0.0', { platform: 'java' }))
    const before = world.registry.snapshot()
    const answer = await push(world.registry, key, bytes)
    expect(answer).toMatchObject({ status: 403, body: `There was a problem saving your gem: ${problem}` })
    expect(world.registry.snapshot()).toBe(before)
  })

  it('a gem of which every version was yanked', async () => {
    const { world, key } = await worldWithKey()
    world.registry.yank('demo-0.0.0')
    expect(await push(world.registry, key, GEM)).toMatchObject({ status: 404, body: 'No pending publisher found' })
    expect(world.registry.ownersOf('demo')).toEqual([])
    const again = await push(world.registry, key, GEM)
    expect(again).toMatchObject({ status: 409, body: expect.stringContaining('did not finish pushing') })
  })

  it('a gem that begins afresh has lost its other publishers', async () => {
    const { world, key } = await worldWithKey()
    world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER, workflow: 'other.yml' })
    world.registry.yank('demo-0.0.0')
    world.registry.addPendingPublisher({ gem: 'demo', ...PUBLISHER })
    expect((await push(world.registry, key, GEM)).status).toBe(200)
    const other = await keyFor(world, { ...JOB, workflowFile: 'other.yml' })
    expect((await push(world.registry, other, gem('1.0.1'))).status).toBe(403)
    expect((await push(world.registry, key, gem('1.0.1'))).status).toBe(200)
  })

  it('a name that was yanked is protected between its 30th day and 100 days after the yank', async () => {
    const { registry, clock } = await startWorld()
    const stranger = registry.addUserKey({ user: 'bob' })
    registry.addVersion({ name: 'demo', number: '0.1.0' })
    clock.advance(40 * DAY)
    registry.yank('demo-0.1.0')
    clock.advance(99 * DAY)
    expect((await push(registry, stranger, GEM)).status).toBe(403)
    clock.advance(2 * DAY)
    expect((await push(registry, stranger, GEM)).status).toBe(200)
    expect(registry.ownersOf('demo')).toEqual(['bob'])
  })

  it('storage that fails leaves no row behind', async () => {
    const { world, key } = await worldWithKey()
    const before = world.registry.snapshot()
    await rm(join(world.directory, 'registry/gems'), { recursive: true })
    const answer = await push(world.registry, key, GEM)
    expect(answer).toMatchObject({ status: 500, body: 'There was a problem saving your gem. Please try again.' })
    expect(world.registry.snapshot()).toBe(before)
  })

  it('more than 500 MB are refused before they are read', async () => {
    const { world, key } = await worldWithKey()
    const { status, type } = await announce(world, key, 500 * 1024 * 1024 + 1)
    expect({ status, type }).toEqual({ status: 413, type: 'text/html' })
  })
})

async function announce(world: World, key: string, length: number): Promise<{ status: number; type: string }> {
  return await new Promise((resolve, reject) => {
    const sent = request(`${world.registry.url}/api/v1/gems`, {
      method: 'POST',
      headers: { authorization: key, 'content-length': length, 'content-type': 'application/octet-stream' },
    })
    sent.on('response', (response) => {
      resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '' })
      sent.destroy()
    })
    sent.on('error', reject)
    sent.flushHeaders()
  })
}

describe('two pushes of one version at once', () => {
  it('give one success and one that did not finish, while the first is being stored', async () => {
    const world = await startWorld({ storageLatencyMs: 300 })
    world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const keys = [await keyFor(world), await keyFor(world)]
    const first = push(world.registry, keys[0] ?? '', GEM)
    await expect.poll(() => world.registry.versions('demo').length, { interval: 5 }).toBe(2)
    const second = await push(world.registry, keys[1] ?? '', GEM)
    expect(second).toMatchObject({ status: 409, body: expect.stringContaining('demo-1.0.0 did not finish pushing') })
    expect((await first).status).toBe(200)
  })

  it('give one success and one problem that looks like a permission, where both got past the first look', async () => {
    let waiting = 0
    const verifier = {
      verify: async () => {
        waiting += 1
        await expect.poll(() => waiting, { interval: 5 }).toBe(2)
        return { accepted: true } as const
      },
    }
    const world = await startWorld({ verifier })
    world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const answers = await Promise.all(
      [await keyFor(world), await keyFor(world)].map(async (key) => {
        const form = new FormData()
        form.set('gem', new File([new Uint8Array(GEM)], 'demo-1.0.0.gem'))
        form.set('attestations', '[{}]')
        const url = `${world.registry.url}/api/v1/gems`
        const response = await fetch(url, { method: 'POST', headers: { authorization: key }, body: form })
        return { status: response.status, body: await response.text() }
      }),
    )
    const [won, lost] = answers.toSorted((one, other) => one.status - other.status)
    expect(won?.status).toBe(200)
    expect(lost?.status).toBe(403)
    expect(lost?.body).toMatch(
      /^There was a problem saving your gem: .*A version already exists with this number or platform\./,
    )
    expect(world.registry.versions('demo').filter(({ number }) => number === '1.0.0')).toHaveLength(1)
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
