import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJwt, importJWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { claimsOf, type JobClaims } from '../../sandbox/oidc.ts'
import type { PublisherForm } from '../../sandbox/registry/administration.ts'
import { exchange, JOB, keyFor, PUBLISHER, push, startWorld, type World } from './registry-world.ts'
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

const NOT_FOUND = { status: 404, body: '{"error":"Not Found"}' }

async function outcome(response: Response): Promise<{ status: number; body: string }> {
  return { status: response.status, body: await response.text() }
}

async function exchangeClaims(world: World, claims: Claims): Promise<{ status: number; body: string }> {
  return await outcome(await exchange(world, await world.issuer.sign(claims)))
}

function calledAt(ref: string): JobClaims {
  return { ...JOB, jobWorkflowRef: `octo/demo/.github/workflows/gem.yml@${ref}` }
}

describe('which key and row are meant', () => {
  it('a token must name its key, even where there is only one', async () => {
    const world = await worldWith()
    const key: unknown = JSON.parse(await readFile(join(world.directory, 'oidc/key.json'), 'utf8'))
    if (typeof key !== 'object' || key === null) throw new Error('no key')
    const signer = new SignJWT(goodClaims(world)).setProtectedHeader({ alg: 'RS256' })
    const nameless = await signer.sign(await importJWK({ ...key, kty: 'RSA' }, 'RS256'))
    expect(await outcome(await exchange(world, nameless))).toEqual(NOT_FOUND)
  })

  it('a row of the account’s former owner is passed over', async () => {
    const world = await worldWith({ ownerId: '1' })
    expect(await exchangeClaims(world, goodClaims(world))).toEqual(NOT_FOUND)
    world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    expect((await exchangeClaims(world, goodClaims(world))).status).toBe(201)
  })
})

describe('reusable workflows', () => {
  const called = 'octo/shared/.github/workflows/gem.yml@refs/heads/v1'
  const form = { workflow: 'gem.yml', workflowRepository: 'octo/shared' }

  it('of another repository are known by their own file, at any ref', async () => {
    const world = await worldWith(form)
    const claims = goodClaims(world, { ...JOB, jobWorkflowRef: called })
    expect((await exchangeClaims(world, claims)).status).toBe(201)
    const other = { ...claims, job_workflow_ref: called.replace('refs/heads/v1', 'refs/tags/v9') }
    expect((await exchangeClaims(world, other)).status).toBe(201)
  })

  it('of another repository are refused where the form names only the caller’s', async () => {
    const world = await worldWith({ workflow: 'gem.yml' })
    expect(await exchangeClaims(world, goodClaims(world, { ...JOB, jobWorkflowRef: called }))).toEqual(NOT_FOUND)
  })

  it('of the same repository may be called at the commit', async () => {
    const world = await worldWith({ workflow: 'gem.yml' })
    const { sha } = decodeJwt(await world.issuer.mint(JOB))
    expect((await exchangeClaims(world, goodClaims(world, calledAt(String(sha))))).status).toBe(201)
    expect(await exchangeClaims(world, goodClaims(world, calledAt('refs/heads/v1')))).toEqual(NOT_FOUND)
  })
})

describe('the issuer’s keys', () => {
  it('are fetched again only after half an hour', async () => {
    const world = await worldWith()
    expect((await exchangeClaims(world, goodClaims(world))).status).toBe(201)
    await world.issuer.rotateKey()
    world.clock.advance(29 * 60)
    expect(await exchangeClaims(world, goodClaims(world))).toEqual(NOT_FOUND)
    world.clock.advance(60)
    expect((await exchangeClaims(world, goodClaims(world))).status).toBe(201)
  })

  it('are good for a day where the issuer has gone', async () => {
    const world = await worldWith()
    const jwt = async (): Promise<string> => await world.issuer.sign(goodClaims(world))
    expect((await exchange(world, await jwt())).status).toBe(201)
    await world.issuer[Symbol.asyncDispose]()
    world.clock.advance(24 * 3600)
    expect((await exchange(world, await jwt())).status).toBe(201)
    world.clock.advance(1)
    expect((await exchange(world, await jwt())).status).toBe(404)
  })
})

describe('which row a token finds', () => {
  it('is the one with its environment, which hides the one without', async () => {
    const world = await worldWith()
    world.registry.addTrustedPublisher({ gem: 'second', ...PUBLISHER, environment: 'release' })
    const key = await keyFor(world, { ...JOB, environment: 'release' })
    expect((await push(world.registry, key, seedGem({ name: 'second', number: '1.0.0' }))).status).toBe(200)
    const refused = await push(world.registry, key, seedGem({ name: 'demo', number: '1.0.0' }))
    expect(refused).toMatchObject({ status: 403, body: 'You are not allowed to push this gem.' })
  })

  it('serves every gem it is attached to', async () => {
    const world = await worldWith()
    world.registry.addTrustedPublisher({ gem: 'second', ...PUBLISHER })
    const key = await keyFor(world)
    for (const name of ['demo', 'second']) {
      expect((await push(world.registry, key, seedGem({ name, number: '1.0.0' }))).status).toBe(200)
    }
  })

  it('is still there when it was taken off the gem', async () => {
    const world = await worldWith()
    world.registry.detachTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const key = await keyFor(world)
    expect((await push(world.registry, key, seedGem({ name: 'demo', number: '1.0.0' }))).status).toBe(403)
  })

  it('refuses a name for the key that is too long to keep', async () => {
    const workflow = `${'w'.repeat(200)}.yml`
    const world = await worldWith({ workflow })
    const claims = goodClaims(world, { ...JOB, workflowFile: workflow })
    expect((await exchangeClaims(world, claims)).status).toBe(422)
  })
})
