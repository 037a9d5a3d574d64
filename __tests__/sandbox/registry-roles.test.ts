import { describe, expect, it } from 'vitest'
import { claimsOf } from '../../sandbox/oidc.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { isExchangeBody, JOB, JSON_HEADERS, push, startWorld, type World } from './registry-world.ts'

const CONDITIONS = [
  { operator: 'string_equals', claim: 'aud', value: 'rubygems.org' },
  { operator: 'string_matches', claim: 'ref', value: '^refs/tags/v' },
] as const

async function assume(world: World, role: string, jwt: unknown): Promise<Response> {
  const url = `${world.registry.url}/api/v1/oidc/api_key_roles/${role}/assume_role`
  return await fetch(url, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ jwt }) })
}

async function assumed(world: World, role: string): Promise<string> {
  const body: unknown = await (await assume(world, role, await world.issuer.mint(JOB, 'rubygems.org'))).json()
  if (!isExchangeBody(body)) throw new Error('refused')
  return body.rubygems_api_key
}

describe('assuming an API key role', () => {
  it('answers 201 with a key of the role’s user that lives as long as the role says', async () => {
    const world = await startWorld()
    const role = world.registry.addApiKeyRole({
      name: 'Release',
      user: 'ann',
      gem: 'demo',
      conditions: [...CONDITIONS],
      validForSeconds: 600,
    })
    expect(role).toMatch(/^rg_oidc_akr_[1-9a-hjkm-tv-z]{20}$/)
    const response = await assume(world, role, await world.issuer.mint(JOB, 'rubygems.org'))
    expect(response.status).toBe(201)
    const body: unknown = await response.json()
    expect(body).toEqual({
      rubygems_api_key: expect.stringMatching(/^rubygems_[0-9a-f]{48}$/),
      name: expect.stringMatching(/^Release-[0-9a-f-]{36}$/),
      scopes: ['push_rubygem'],
      gem: expect.objectContaining({ name: 'demo' }),
      expires_at: '2026-03-01T12:10:00.000Z',
    })
  })

  it('gives a key that pushes as the user, for the role’s gem only', async () => {
    const world = await startWorld()
    const key = await assumed(world, world.registry.addApiKeyRole({ user: 'ann', gem: 'demo' }))
    expect((await push(world.registry, key, seedGem({ name: 'demo', number: '1.0.0' }))).status).toBe(200)
    expect((await push(world.registry, key, seedGem({ name: 'other', number: '1.0.0' }))).status).toBe(403)
  })

  it('uses up a token: 422 the second time, also for another role', async () => {
    const world = await startWorld()
    const roles = [world.registry.addApiKeyRole({ name: 'one' }), world.registry.addApiKeyRole({ name: 'two' })]
    const jwt = await world.issuer.mint(JOB, 'rubygems.org')
    expect((await assume(world, roles[0] ?? '', jwt)).status).toBe(201)
    for (const role of roles) {
      const again = await assume(world, role, jwt)
      expect(again.status).toBe(422)
      expect(await again.text()).toBe('{"errors":{"jwt.claims.jti":["must be unique"]}}')
    }
  })

  it('refuses a name for the key that is too long', async () => {
    const world = await startWorld()
    const role = world.registry.addApiKeyRole({ name: 'n'.repeat(230) })
    const response = await assume(world, role, await world.issuer.mint(JOB, 'rubygems.org'))
    expect(await response.text()).toBe('{"errors":{"name":["is too long (maximum is 255 characters)"]}}')
  })

  it('lets the last matching statement decide', async () => {
    const world = await startWorld()
    const allow = { effect: 'allow', conditions: [] } as const
    const deny = { effect: 'deny', conditions: [CONDITIONS[1]] } as const
    const jwt = async (): Promise<string> => await world.issuer.mint(JOB, 'rubygems.org')
    const denied = world.registry.addApiKeyRole({
      statements: [
        { ...allow, conditions: [] },
        { ...deny, conditions: [CONDITIONS[1]] },
      ],
    })
    expect((await assume(world, denied, await jwt())).status).toBe(404)
    const allowed = world.registry.addApiKeyRole({
      statements: [
        { ...deny, conditions: [CONDITIONS[1]] },
        { ...allow, conditions: [] },
      ],
    })
    expect((await assume(world, allowed, await jwt())).status).toBe(201)
  })
})

describe('roles that are not given', () => {
  it('404 for an unknown role', async () => {
    const world = await startWorld()
    const response = await assume(world, `rg_oidc_akr_${'a'.repeat(20)}`, 'not even a token')
    expect([response.status, await response.text()]).toEqual([404, '{"error":"Not Found"}'])
  })

  it.each([
    ['another audience', { aud: 'https://github.com/octo' }],
    ['a ref that does not match', { ref: 'refs/heads/main' }],
    ['an expired token', { exp: 1 }],
    ['another issuer', { iss: 'https://example.com' }],
  ])('404 for %s', async (_, spoilt) => {
    const world = await startWorld()
    const role = world.registry.addApiKeyRole({ conditions: [...CONDITIONS] })
    const iat = world.clock.read().getTime() / 1000
    const good = {
      ...claimsOf(JOB),
      iat,
      nbf: iat,
      exp: iat + 300,
      aud: 'rubygems.org',
      iss: 'https://token.actions.githubusercontent.com',
    }
    expect((await assume(world, role, await world.issuer.sign({ ...good, jti: 'one' }))).status).toBe(201)
    const refused = await assume(world, role, await world.issuer.sign({ ...good, jti: 'two', ...spoilt }))
    expect([refused.status, await refused.text()]).toEqual([404, '{"error":"Not Found"}'])
  })

  it('checks the signature before the claims', async () => {
    const world = await startWorld()
    const stranger = await startWorld()
    await stranger.issuer.rotateKey()
    const role = world.registry.addApiKeyRole({})
    expect((await assume(world, role, await stranger.issuer.sign({}))).status).toBe(404)
    expect((await assume(world, role, await world.issuer.sign({}))).status).toBe(400)
    expect((await assume(world, role, undefined)).status).toBe(400)
  })
})
