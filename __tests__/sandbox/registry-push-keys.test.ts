import { describe, expect, it } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { keyFor, PUBLISHER, push, startWorld, type World } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })

async function worldWithKey(): Promise<{ world: World; key: string }> {
  const world = await startWorld()
  world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
  return { world, key: await keyFor(world) }
}

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
