import { describe, expect, it } from 'vitest'
import { claimsOf, type JobClaims } from '../../sandbox/oidc.ts'
import type { PublisherForm } from '../../sandbox/registry/administration.ts'
import {
  exchange,
  isExchangeBody,
  JOB,
  JSON_HEADERS,
  keyFor,
  PUBLISHER,
  push,
  startWorld,
  type World,
} from './registry-world.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'

type Claims = Record<string, unknown>

async function worldWith(form: Partial<PublisherForm> = {}): Promise<World> {
  const world = await startWorld()
  world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER, ...form })
  return world
}

/** Claims as GitHub gives them, good for an exchange at the world's time. */
function goodClaims({ clock }: World, job: JobClaims = JOB): Claims {
  const iat = clock.read().getTime() / 1000
  const times = { iat, nbf: iat - 600, exp: iat + 300, jti: 'one' }
  return { ...claimsOf(job), ...times, aud: 'rubygems.org', iss: 'https://token.actions.githubusercontent.com' }
}

function without(claims: Claims, name: string): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
}

const NOT_FOUND = { status: 404, body: '{"error":"Not Found"}' }

async function outcome(response: Response): Promise<{ status: number; body: string }> {
  return { status: response.status, body: await response.text() }
}

async function exchangeClaims(world: World, claims: Claims): Promise<{ status: number; body: string }> {
  return await outcome(await exchange(world, await world.issuer.sign(claims)))
}

function decodeHeader(jwt: string): string {
  const header: unknown = JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString())
  return typeof header === 'object' && header !== null && 'kid' in header ? String(header.kid) : ''
}

describe('a successful exchange', () => {
  it('answers 201 with exactly the four fields', async () => {
    const world = await worldWith({ environment: 'release' })
    const response = await exchange(
      world,
      await world.issuer.sign(goodClaims(world, { ...JOB, environment: 'release' })),
    )
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    const body: unknown = await response.json()
    expect(body).toEqual({
      rubygems_api_key: expect.stringMatching(/^rubygems_[0-9a-f]{48}$/),
      name: 'GitHub Actions octo/demo @ .github/workflows/release.yml (release) 2026-03-01T12:00:00Z',
      scopes: ['push_rubygem'],
      expires_at: '2026-03-01T12:15:00.000Z',
    })
  })

  it('may be repeated with the same token and gives another key each time', async () => {
    const world = await worldWith()
    const jwt = await world.issuer.mint(JOB, 'rubygems.org')
    const bodies: unknown[] = [await (await exchange(world, jwt)).json(), await (await exchange(world, jwt)).json()]
    const keys = bodies.filter(isExchangeBody).map(({ rubygems_api_key: key }) => key)
    expect(new Set(keys).size).toBe(2)
  })

  it('takes the token from a form as well', async () => {
    const world = await worldWith()
    const url = `${world.registry.url}/api/v1/oidc/trusted_publisher/exchange_token`
    const body = new URLSearchParams({ jwt: await world.issuer.mint(JOB, 'rubygems.org') })
    expect((await fetch(url, { method: 'POST', body })).status).toBe(201)
  })

  it('gives a key that lives for 15 minutes', async () => {
    const world = await worldWith()
    const key = await keyFor(world)
    world.clock.advance(15 * 60 - 1)
    expect((await push(world.registry, key, seedGem({ name: 'demo', number: '1.0.0' }))).status).toBe(200)
    world.clock.advance(1)
    expect((await push(world.registry, key, seedGem({ name: 'demo', number: '1.0.1' }))).status).toBe(401)
  })
})

describe('malformed requests (400, always JSON)', () => {
  it.each<[string, unknown, string]>([
    ['no token', undefined, "Request is missing param 'jwt'"],
    ['an empty token', '', "Request is missing param 'jwt'"],
    ['two segments', 'a.b', 'Invalid JWT Format. JWT should include 3 or 5 segments.'],
    ['bad base64', '!!.!!.!!', 'invalid base64'],
    ['no JSON', 'YWJj.YWJj.YWJj', "unexpected token at 'abc'"],
  ])('%s', async (_, jwt, error) => {
    const world = await worldWith()
    const response = await exchange(world, jwt, { 'content-type': 'application/json' })
    expect(await outcome(response)).toEqual({ status: 400, body: JSON.stringify({ error }) })
  })

  it.each(['nbf', 'iat', 'exp', 'iss', 'jti'])('no %s', async (name) => {
    const world = await worldWith()
    const claims = goodClaims(world)
    const body = `{"error":"Missing/invalid ${name}"}`
    expect(await exchangeClaims(world, without(claims, name))).toEqual({ status: 400, body })
    expect(await exchangeClaims(world, { ...claims, [name]: [] })).toEqual({ status: 400, body })
  })

  it('a body that is no JSON', async () => {
    const { registry } = await worldWith()
    const url = `${registry.url}/api/v1/oidc/trusted_publisher/exchange_token`
    const response = await fetch(url, { method: 'POST', headers: JSON_HEADERS, body: '{"jwt":' })
    expect(response.status).toBe(400)
  })
})

describe('refusals (404, the reason never given)', () => {
  it.each<[string, (claims: Claims) => Claims]>([
    ['expired at this very second', (claims) => ({ ...claims, exp: claims['iat'] })],
    ['not valid until the next second', (claims) => ({ ...claims, nbf: Number(claims['iat']) + 1 })],
    ['another issuer', (claims) => ({ ...claims, iss: 'https://token.actions.githubusercontent.com/octo' })],
    ['another audience', (claims) => ({ ...claims, aud: 'https://github.com/octo' })],
    ['the right audience in a list', (claims) => ({ ...claims, aud: ['rubygems.org'] })],
    ['another repository', (claims) => ({ ...claims, repository: 'octo/other' })],
    ['the repository in another case', (claims) => ({ ...claims, repository: 'Octo/demo' })],
    ['another owner id', (claims) => ({ ...claims, repository_owner_id: '1' })],
    [
      'another workflow file',
      (claims) => ({ ...claims, job_workflow_ref: 'octo/demo/.github/workflows/ci.yml@refs/tags/v1.0.0' }),
    ],
    [
      'the workflow at another ref',
      (claims) => ({ ...claims, job_workflow_ref: 'octo/demo/.github/workflows/release.yml@refs/heads/v1' }),
    ],
    [
      'a workflow of another repository',
      (claims) => ({ ...claims, job_workflow_ref: 'octo/shared/.github/workflows/release.yml@refs/tags/v1.0.0' }),
    ],
    ['a job_workflow_ref of no workflow', (claims) => ({ ...claims, job_workflow_ref: 'octo/demo' })],
    ['neither ref nor sha', (claims) => ({ ...claims, ref: '', sha: '' })],
  ])('%s', async (_, spoil) => {
    const world = await worldWith()
    const claims = goodClaims(world)
    expect((await exchangeClaims(world, claims)).status).toBe(201)
    expect(await exchangeClaims(world, spoil(claims))).toEqual(NOT_FOUND)
  })

  it('a token signed by somebody else, or with an unknown key id, or not at all', async () => {
    const world = await worldWith()
    const stranger = await startWorld()
    await stranger.issuer.rotateKey()
    const claims = goodClaims(world)
    const kid = decodeHeader(await world.issuer.sign(claims))
    const forged = await stranger.issuer.sign(claims, { kid })
    expect(await outcome(await exchange(world, forged))).toEqual(NOT_FOUND)
    const unknown = await world.issuer.sign(claims, { kid: 'unknown' })
    expect(await outcome(await exchange(world, unknown))).toEqual(NOT_FOUND)
    const header = Buffer.from(JSON.stringify({ alg: 'none', kid })).toString('base64url')
    const unsigned = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
    expect(await outcome(await exchange(world, unsigned))).toEqual(NOT_FOUND)
    const [head = '', payload = '', signature = ''] = (await world.issuer.sign(claims)).split('.')
    const altered = Buffer.from(payload, 'base64url').toString().replace('v1.0.0', 'v1.0.1')
    const tampered = [head, Buffer.from(altered).toString('base64url'), signature].join('.')
    expect(await outcome(await exchange(world, tampered))).toEqual(NOT_FOUND)
  })

  it.each([
    [undefined, 'release', 404],
    ['release', undefined, 201],
    ['release', 'release', 201],
    ['release', 'Release', 404],
  ])('a job in environment %s and a publisher for %s: %i', async (job, publisher, status) => {
    const world = await worldWith(publisher === undefined ? {} : { environment: publisher })
    const claims = goodClaims(world, job === undefined ? JOB : { ...JOB, environment: job })
    expect((await exchangeClaims(world, claims)).status).toBe(status)
  })

  it.each([
    ['*/*', 'text/html; charset=utf-8'],
    ['application/json, */*', 'text/html; charset=utf-8'],
    ['text/html, application/json', 'text/html; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['text/plain', 'text/plain; charset=utf-8'],
  ])('Accept: %s gets %s', async (accept, type) => {
    const world = await worldWith()
    const jwt = await world.issuer.mint(JOB, 'elsewhere')
    const response = await exchange(world, jwt, { accept, 'content-type': 'application/json' })
    expect([response.status, response.headers.get('content-type')]).toEqual([404, type])
  })

  it('is a server error where a claim is missing that nothing checks for', async () => {
    const world = await worldWith()
    for (const name of ['repository', 'job_workflow_ref', 'repository_owner_id']) {
      expect((await exchangeClaims(world, without(goodClaims(world), name))).status).toBe(500)
    }
  })
})
