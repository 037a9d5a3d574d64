import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { expectRefused, expectRefusedEarly } from './refusal.ts'
import { newWorld, PUBLISHER } from './scenario.ts'

describe('a release that the registry cannot accept', () => {
  it('of a version that is out with other bytes stops after the build, before a key exists', async () => {
    await using world = await newWorld()
    await world.repository(project())
    const { sha256 } = world.sandbox.registry.addVersion({ name: 'rack-lens', number: '1.2.3' })
    await expectRefused(world, {
      code: 'version-taken',
      says: [`SHA-256 ${sha256} there`, 'cannot be replaced', 'Bump the version'],
    })
    expect(world.exchanges).toEqual([])
    expect(world.uploads).toEqual([])
  })

  it('of a prebuilt file stops before anything else', async () => {
    await using world = await newWorld()
    await world.repository()
    const yaml = { summary: 'Another one' }
    const { sha256 } = world.sandbox.registry.addVersion({ name: 'rack-lens', number: '1.2.3', yaml })
    await expectRefusedEarly(world, { ...prebuilt(), code: 'version-taken', says: [`SHA-256 ${sha256} there`] })
    expect(world.uploads).toEqual([])
  })

  it('of a version that was yanked says so', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.addVersion({ name: 'rack-lens', number: '1.2.3' })
    world.sandbox.registry.yank('rack-lens-1.2.3')
    await expectRefused(world, {
      ...prebuilt(),
      code: 'version-yanked',
      says: ['rack-lens 1.2.3 was published', 'yanked', 'Bump the version', 'Nothing was published by this run.'],
    })
    expect(world.uploads.map(({ status }) => status)).toEqual([409])
  })

  it('of a reserved name says so', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.registry.reserveName('json-pure-ext')
    world.sandbox.registry.addPendingPublisher({ gem: 'json-pure-ext', ...PUBLISHER })
    await expectRefused(world, {
      ...prebuilt([{ name: 'json-pure-ext', number: '1.0.0' }]),
      code: 'push-refused',
      says: ['json-pure-ext 1.0.0', 'reserved', 'Choose another name'],
    })
    expect(world.uploads.map(({ status }) => status)).toEqual([403])
  })

  it('for want of `id-token: write` shows the YAML to add', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefused(world, {
      ...prebuilt(undefined, { permissions: { contents: 'write' } }),
      code: 'id-token-unavailable',
      says: ['ID token', 'permissions:\n  id-token: write', 'Nothing was published by this run.'],
    })
    expect(world.uploads).toEqual([])
  })

  it('to a gem that does not trust this workflow says where to add it', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: ['lens-core'] })
    world.sandbox.registry.addVersion({ name: 'rack-lens', number: '1.0.0' })
    await expectRefused(world, {
      ...prebuilt(),
      code: 'push-refused',
      says: ['rack-lens does not trust this workflow', `${world.sandbox.registry.url}/gems/rack-lens`],
    })
    expect(world.uploads.map(({ status }) => status)).toEqual([403])
  })

  it('with a static token that is unknown', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefused(world, {
      ...prebuilt(undefined, { with: { 'api-token': `rubygems_${'0'.repeat(48)}` } }),
      code: 'push-refused',
      says: ['input `api-token`', 'unknown there or has expired'],
    })
    expect(world.uploads.map(({ status }) => status)).toEqual([401])
  })

  it('with a key of another owner', async () => {
    await using world = await newWorld()
    await world.repository()
    const key = world.sandbox.registry.addUserKey({ user: 'mallory' })
    await expectRefused(world, {
      ...prebuilt(undefined, { with: { 'api-token': key } }),
      code: 'push-refused',
      says: ['rack-lens 1.2.3', '403'],
    })
    expect(world.uploads.map(({ status }) => status)).toEqual([403])
  })
})
