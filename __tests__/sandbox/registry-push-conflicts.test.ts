import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
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
