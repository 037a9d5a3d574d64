import { describe, expect, it } from 'vitest'
import { aim, type Fault, type FaultName, redirect } from '../../sandbox/faults.ts'
import type { SandboxResponse } from '../../sandbox/server.ts'
import { ReleaseError } from '../../src/errors.ts'
import { attest, type Attested } from '../../src/steps/attest.ts'
import type { RunContext } from '../../src/github/run-context.ts'
import { Secret } from '../../src/world/secret.ts'
import { JOB, type TestGem, TestWorld } from './world.ts'

const SERVICES = { fulcio: /^\/api\/v2\/signingCert/, rekor: /^\/api\/v1\/log\/entries/ }
/** Faults after which another attempt finds the service well again. */
const PASSING: FaultName[] = [
  'reset-before',
  'reset-unprocessed',
  'reset-after',
  'close-after',
  'reset-mid-answer',
  'close-mid-answer',
  'stall',
  'stall-after',
  'trickle',
  '429-retry-after',
  '429-bare',
  '500',
  '500-after',
  '502-html',
  '503-html',
  '503-after',
  '504-html',
  '200-html',
  '200-html-after',
  'json-truncated',
  'json-types',
  'duplicate-delivery',
]
/** Those that say what they mean, or that no second attempt would cure. */
const FINAL: FaultName[] = ['403-html', 'oversize', 'gzip-bomb']

function answering(name: string, answer: SandboxResponse, path: RegExp): Fault {
  return {
    name,
    times: Number.POSITIVE_INFINITY,
    on: (request) => path.test(request.path),
    play: async ({ request }) => {
      for await (const chunk of request) void chunk
      return answer
    },
  }
}

function attested(world: TestWorld, gems: TestGem[], input: 'true' | 'required', run?: RunContext): Promise<Attested> {
  const { services, signing } = world
  return attest(gems, { input, files: [], run: run ?? world.run(), services, world: signing })
}

/** Everything a person could read of a run that failed. */
function told(world: TestWorld, outcome: unknown): string {
  const problems = outcome instanceof ReleaseError ? outcome.problems : outcome
  return [JSON.stringify(problems), String(outcome instanceof Error ? outcome.stack : ''), ...world.runner.lines].join(
    '\n',
  )
}

describe.each(Object.entries(SERVICES))('%s', (service, path) => {
  it.each(PASSING)('in passing trouble (%s) is asked again, and the gem is attested', async (name) => {
    await using world = await TestWorld.start(/stall|trickle/.test(name) ? { patience: 1500 } : {})
    world.sigstore.inject(aim(name, { method: 'POST', path }, 1))
    const gem = world.gem('paper-boat')
    const { bundles, problems } = await attested(world, [gem], 'required')
    expect(problems).toEqual([])
    expect(await world.push(gem, bundles.get(gem.sha256) ?? [])).toMatchObject({ status: 200 })
    // What the log took in before the answer was lost is used, not entered twice.
    expect(world.sigstore.log.size).toBe(6)
  })

  it.each(FINAL)('with %s is not asked again', async (name) => {
    await using world = await TestWorld.start()
    world.sigstore.inject(aim(name, { method: 'POST', path }))
    const gem = world.gem('paper-boat')
    await expect(attested(world, [gem], 'required')).rejects.toMatchObject({
      problems: [{ code: 'attestation-failed' }],
    })
    expect(world.requests.filter((request) => request.service === service)).toHaveLength(1)
  })

  it.each([301, 302, 303, 307, 308] as const)('that redirects (%i) is not followed', async (status) => {
    await using world = await TestWorld.start()
    await using elsewhere = await TestWorld.start()
    const location = `${elsewhere.sigstore.fulcio.url}/api/v2/signingCert`
    world.sigstore.inject({
      name: 'redirect',
      times: 1,
      on: (request) => path.test(request.path),
      play: redirect(status, location),
    })
    await expect(attested(world, [world.gem('paper-boat')], 'required')).rejects.toThrow(/redirect/)
    expect(elsewhere.requests).toEqual([])
  })

  it.each(['true', 'required'] as const)('that stays down, with `attestations: %s`', async (input) => {
    await using world = await TestWorld.start()
    world.sigstore.inject(aim('503-html', { method: 'POST', path }))
    const gems = ['paper-boat', 'paper-hat', 'paper-plane'].map((name) => world.gem(name))
    const outcome = await attested(world, gems, input).catch((error: unknown) => error)
    const problem = { code: 'attestation-failed', what: expect.stringMatching(/the answer was 503/) }
    const expected = { problems: [problem] }
    expect(outcome).toMatchObject(input === 'true' ? { ...expected, bundles: new Map() } : expected)
    expect(outcome instanceof ReleaseError).toBe(input === 'required')
    // Fulcio is asked for all gems together; a log that is down is noticed by each of them.
    const asked = world.requests.filter((request) => request.service === service).length
    expect(asked).toBeLessThanOrEqual(service === 'fulcio' ? 4 : 12)
  })

  it('that answers with our own token does not bring it into any text', async () => {
    for (const status of [200, 201, 400, 401, 403, 404, 409, 422, 429, 500, 503]) {
      await using world = await TestWorld.start()
      const token = await world.oidc.mint(JOB, 'sigstore')
      const echo = { status, headers: { 'content-type': 'application/json' } }
      const bodies = [token, JSON.stringify({ code: 3, message: `bad token ${token}` }), `<p>${token}</p>`]
      for (const body of bodies) {
        world.sigstore.fulcio.faults.clear()
        world.sigstore.rekor.faults.clear()
        world.sigstore.inject(answering('echo', { ...echo, body }, path))
        const gem = world.gem('paper-boat')
        const outcome = await attested(world, [gem], 'required').catch((error: unknown) => error)
        const text = told(world, outcome)
        const pieces = Array.from({ length: token.length - 8 }, (_, at) => token.slice(at, at + 8))
        expect(pieces.filter((piece) => text.includes(piece))).toEqual([])
      }
    }
  })
})

describe('signing', () => {
  it('that was cancelled ends at once, and is no reason to publish without', async () => {
    await using world = await TestWorld.start()
    world.sigstore.inject(aim('stall', { method: 'POST', path: SERVICES.rekor }))
    const outcome = attested(world, [world.gem('paper-boat')], 'true')
    setTimeout(() => {
      world.cancel.abort(new ReleaseError({ code: 'cancelled', what: 'The run was cancelled.', fix: 'Re-run.' }))
    }, 300)
    await expect(outcome).rejects.toThrow('The run was cancelled.')
  })

  it('without the right to ask for ID tokens is refused as the exchange would be', async () => {
    await using world = await TestWorld.start()
    const run = { ...world.run(), idToken: undefined }
    await expect(attested(world, [world.gem('paper-boat')], 'true', run)).rejects.toMatchObject({
      problems: [{ code: 'id-token-unavailable' }],
    })
  })

  it('with an ID token that cannot be had is a failure like any other', async () => {
    await using world = await TestWorld.start()
    const run = { ...world.run(), idToken: { url: `${world.oidc.url}/token?x=1`, token: new Secret('wrong-token') } }
    const { bundles, problems } = await attested(world, [world.gem('paper-boat')], 'true', run)
    expect(bundles.size).toBe(0)
    expect(problems).toMatchObject([{ code: 'id-token-failed' }])
  })

  it('uses one token and one certificate for many gems, and masks the token', async () => {
    await using world = await TestWorld.start()
    const gems = Array.from({ length: 20 }, (_, number) => world.gem(`paper-${String(number)}`))
    const { bundles } = await attested(world, gems, 'required')
    expect(bundles.size).toBe(20)
    const count = (service: string): number => world.requests.filter((request) => request.service === service).length
    expect([count('fulcio'), count('rekor')]).toEqual([1, 20])
    expect(world.runner.masks.filter((mask) => mask.startsWith('eyJ'))).toHaveLength(1)
  })

  it('of a private repository stops before Fulcio is asked', async () => {
    await using world = await TestWorld.start()
    const job = { ...JOB, visibility: 'private' }
    const outcome = attested(world, [world.gem('paper-boat', job)], 'required', world.run(job))
    await expect(outcome).rejects.toMatchObject({
      problems: [{ code: 'attestation-failed', what: expect.stringMatching(/is private/) }],
    })
    expect(world.requests.map(({ service }) => service)).not.toContain('fulcio')
  })

  it('gets a new certificate for gems that are signed long after the first', async () => {
    await using world = await TestWorld.start()
    let now = 0
    const signing = { ...world.signing, clock: { ...world.signing.clock, now: () => now } }
    const { Attester } = await import('../../src/sigstore/lazy.ts')
    const attester = new Attester(world.run(), world.services, signing)
    await attester.attest(world.gem('paper-boat'))
    now = 6 * 60 * 1000
    await attester.attest(world.gem('paper-hat'))
    expect(world.requests.filter(({ service }) => service === 'fulcio')).toHaveLength(2)
  })
})
