import { describe, expect, it } from 'vitest'
import { aim, type Fault, type FaultName, redirect } from '../../sandbox/faults.ts'
import { ReleaseError } from '../../src/errors.ts'
import { JOB, TestWorld } from './world.ts'

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

/** Answers with the ID token it was sent, or with one like it, in one of the ways servers quote what they refuse. */
function echoing(status: number, quote: (token: string) => string, spare: string, path: RegExp): Fault {
  return {
    name: 'echo',
    times: Number.POSITIVE_INFINITY,
    on: (request) => path.test(request.path),
    play: async ({ request }) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(Buffer.from(chunk))
      const sent = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(Buffer.concat(chunks).toString('utf8'))?.[0]
      return { status, headers: { 'content-type': 'application/json' }, body: quote(sent ?? spare) }
    },
  }
}

const QUOTES: ((token: string) => string)[] = [
  (token) => token,
  (token) => JSON.stringify({ code: 3, message: `bad token ${token}` }),
  (token) => `<p>${token}</p>`,
  (token) => JSON.stringify({ [token]: { body: token } }),
  (token) => JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates: [token] } } }),
]

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
    const { bundles, problems } = await world.attested([gem], 'required')
    expect(problems).toEqual([])
    expect(await world.push(gem, bundles.get(gem.sha256) ?? [])).toMatchObject({ status: 200 })
    // What the log took in before the answer was lost is used, not entered twice.
    expect(world.sigstore.log.size).toBe(6)
  })

  it.each(FINAL)('with %s is not asked again', async (name) => {
    await using world = await TestWorld.start()
    world.sigstore.inject(aim(name, { method: 'POST', path }))
    const gem = world.gem('paper-boat')
    await expect(world.attested([gem], 'required')).rejects.toMatchObject({
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
    await expect(world.attested([world.gem('paper-boat')], 'required')).rejects.toThrow(/redirect/)
    expect(elsewhere.requests).toEqual([])
  })

  it.each(['true', 'required'] as const)('that stays down, with `attestations: %s`', async (input) => {
    await using world = await TestWorld.start()
    world.sigstore.inject(aim('503-html', { method: 'POST', path }))
    const gems = ['paper-boat', 'paper-hat', 'paper-plane'].map((name) => world.gem(name))
    const outcome = await world.attested(gems, input).catch((error: unknown) => error)
    const problem = { code: 'attestation-failed', what: expect.stringMatching(/the answer was 503/) }
    const expected = { problems: [problem] }
    expect(outcome).toMatchObject(input === 'true' ? { ...expected, bundles: new Map() } : expected)
    expect(outcome instanceof ReleaseError).toBe(input === 'required')
    // Fulcio is asked for all gems together; a log that is down is noticed by each of them.
    const asked = world.requests.filter((request) => request.service === service).length
    expect(asked).toBeLessThanOrEqual(service === 'fulcio' ? 4 : 12)
  })

  it.each([200, 201, 400, 401, 403, 404, 409, 422, 429, 500, 503])(
    'that answers %i with our own token does not bring it into any text',
    async (status) => {
      await using world = await TestWorld.start()
      const spare = await world.oidc.mint(JOB, 'sigstore')
      const gem = world.gem('paper-boat')
      for (const quote of QUOTES) {
        world.sigstore.fulcio.faults.clear()
        world.sigstore.rekor.faults.clear()
        world.sigstore.inject(echoing(status, quote, spare, path))
        const outcome = await world.attested([gem], 'required').catch((error: unknown) => error)
        expect(outcome).toBeInstanceOf(ReleaseError)
        const text = told(world, outcome)
        const tokens = [spare, ...world.runner.masks.filter((mask) => mask.startsWith('eyJ'))]
        const pieces = tokens.flatMap((token) =>
          Array.from({ length: token.length - 7 }, (_unused, at) => token.slice(at, at + 8)),
        )
        expect(pieces.filter((piece) => text.includes(piece))).toEqual([])
      }
    },
  )
})
