import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { accountId, type JobClaims, type OidcIssuer, startOidcIssuer } from '../../sandbox/oidc.ts'
import { JOB, temporaryDirectory, TestClock } from './registry-world.ts'

async function startIssuer(directory: string, clock = new TestClock()): Promise<OidcIssuer> {
  const issuer = await startOidcIssuer({ directory, clock: clock.read })
  onTestFinished(() => issuer[Symbol.asyncDispose]())
  return issuer
}

async function ask(url: string, token: string, audience?: string): Promise<Response> {
  const parameter = audience === undefined ? '' : `&audience=${encodeURIComponent(audience)}`
  return await fetch(`${url}${parameter}`, { headers: { authorization: `Bearer ${token}` } })
}

async function tokenFor(issuer: OidcIssuer, job: JobClaims, audience?: string): Promise<string> {
  const { requestUrl, requestToken } = issuer.registerJob(job)
  const body: unknown = await (await ask(requestUrl, requestToken, audience)).json()
  if (typeof body !== 'object' || body === null || !('value' in body)) throw new Error('no token')
  return String(body.value)
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === 'object' && value !== null && 'keys' in value
}

async function keysOf(issuer: OidcIssuer): Promise<JSONWebKeySet> {
  const keys: unknown = await (await fetch(issuer.jwksUrl)).json()
  if (!isKeySet(keys)) throw new Error('no keys')
  return keys
}

describe('the OIDC issuer', () => {
  it('signs tokens that verify against its published keys and carry GitHub’s claims', async () => {
    const clock = new TestClock()
    const issuer = await startIssuer(await temporaryDirectory(), clock)
    const token = await tokenFor(issuer, { ...JOB, eventName: 'release', actor: 'hubot' }, 'rubygems.org')

    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(await keysOf(issuer)), {
      currentDate: clock.read(),
      audience: 'rubygems.org',
      issuer: 'https://token.actions.githubusercontent.com',
    })

    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(payload).toMatchObject({
      sub: 'repo:octo/demo:ref:refs/tags/v1.0.0',
      repository: 'octo/demo',
      repository_owner: 'octo',
      repository_owner_id: accountId('octo'),
      ref_type: 'tag',
      event_name: 'release',
      actor: 'hubot',
      workflow_ref: 'octo/demo/.github/workflows/release.yml@refs/tags/v1.0.0',
      job_workflow_ref: 'octo/demo/.github/workflows/release.yml@refs/tags/v1.0.0',
      runner_environment: 'github-hosted',
    })
    const iat = clock.read().getTime() / 1000
    expect(payload).toMatchObject({ iat, exp: iat + 300, nbf: iat - 600 })
  })

  it('publishes no private part of its key', async () => {
    const issuer = await startIssuer(await temporaryDirectory())
    expect(Object.keys((await keysOf(issuer)).keys[0] ?? {}).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  it('defaults the audience to the URL of the owner and gives every token its own jti', async () => {
    const issuer = await startIssuer(await temporaryDirectory())
    const { requestUrl, requestToken } = issuer.registerJob(JOB)
    const bodies = await Promise.all([1, 2].map(async () => await (await ask(requestUrl, requestToken)).text()))
    const [one, other] = bodies.map((body) => decodeJwt(/"value":"([^"]+)"/.exec(body)?.[1] ?? ''))
    expect(one?.aud).toBe('https://github.com/octo')
    expect(one?.jti).not.toBe(other?.jti)
  })

  it('hands out a URL that already has a query', async () => {
    const issuer = await startIssuer(await temporaryDirectory())
    expect(new URL(issuer.registerJob(JOB).requestUrl).search).toBe('?api-version=2.0')
  })

  it.each([
    ['a wrong token', 'Bearer nonsense'],
    ['an inherited property', 'Bearer constructor'],
    ['another scheme', 'token abc'],
    ['none', ''],
  ])('answers 401 to %s', async (_, authorization) => {
    const issuer = await startIssuer(await temporaryDirectory())
    const { requestUrl } = issuer.registerJob(JOB)
    const response = await fetch(requestUrl, { headers: { authorization } })
    expect(response.status).toBe(401)
  })

  it('derives sub, environment and the called workflow from the job', async () => {
    const issuer = await startIssuer(await temporaryDirectory())
    const called = 'octo/shared/.github/workflows/gem.yml@refs/heads/v1'
    const inEnvironment = decodeJwt(await issuer.mint({ ...JOB, environment: 'release', jobWorkflowRef: called }))
    expect(inEnvironment).toMatchObject({
      sub: 'repo:octo/demo:environment:release',
      environment: 'release',
      job_workflow_ref: called,
      workflow_ref: 'octo/demo/.github/workflows/release.yml@refs/tags/v1.0.0',
    })
    expect(decodeJwt(await issuer.mint(JOB))).not.toHaveProperty('environment')
    expect(decodeJwt(await issuer.mint({ ...JOB, eventName: 'pull_request' })).sub).toBe('repo:octo/demo:pull_request')
    const immutable = decodeJwt(await issuer.mint({ ...JOB, ownerId: '1', repositoryId: '2', immutableSubject: true }))
    expect(immutable.sub).toBe('repo:octo@1/demo@2:ref:refs/tags/v1.0.0')
  })

  it('keeps its key and its jobs over a restart', async () => {
    const directory = await temporaryDirectory()
    const first = await startOidcIssuer({ directory })
    const { requestToken } = first.registerJob(JOB)
    const before = await keysOf(first)
    await first[Symbol.asyncDispose]()

    const second = await startIssuer(directory)
    expect(await keysOf(second)).toEqual(before)
    expect((await ask(`${second.url}/token?api-version=2.0`, requestToken)).status).toBe(200)
  })

  it('describes itself, and signs with another key after a rotation', async () => {
    const issuer = await startIssuer(await temporaryDirectory())
    const discovery: unknown = await (await fetch(`${issuer.url}/.well-known/openid-configuration`)).json()
    expect(discovery).toMatchObject({ issuer: 'https://token.actions.githubusercontent.com', jwks_uri: issuer.jwksUrl })
    const { kid } = decodeProtectedHeader(await issuer.mint(JOB))
    await issuer.rotateKey()
    expect(decodeProtectedHeader(await issuer.mint(JOB)).kid).not.toBe(kid)
    expect((await keysOf(issuer)).keys[0]?.kid).not.toBe(kid)
  })
})
