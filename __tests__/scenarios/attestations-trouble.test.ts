import { describe, expect, it } from 'vitest'
import { aim, altered, answer, type Fault, type FaultPlay } from '../../sandbox/faults.ts'
import { EXTENSIONS } from '../../sandbox/sigstore/certificate.ts'
import type { Sigstore, SigstoreFlaws } from '../../sandbox/sigstore/sigstore.ts'
import { LENS, prebuilt } from './prebuilt.ts'
import { expectRefused } from './refusal.ts'
import { expectGreen, newWorld, type ScenarioWorld } from './scenario.ts'

type Input = 'true' | 'required' | 'false'
/** What becomes of the release: with attestation, without and aloud, or stopped before anything is public. */
type End = 'attested' | 'unattested' | 'attestation-failed' | 'push-refused'

interface Row {
  trouble: string
  input: Input
  end: End
  says?: readonly (string | RegExp)[]
  faults?: (sigstore: Sigstore) => void
  flaws?: SigstoreFlaws
  /** Requests to Fulcio and to Rekor. */
  asked: readonly [number, number]
}

const CERTIFICATE = { method: 'POST', path: /^\/api\/v2\/signingCert$/ }
const ENTRY = { method: 'POST', path: /^\/api\/v1\/log\/entries$/ }

function playing(play: FaultPlay): Fault {
  return { ...aim('500', ENTRY), name: 'another answer', play }
}

const ELSEWHERE = EXTENSIONS.alternativeUri(
  'https://github.com/mallory/rack-lens/.github/workflows/release.yml@refs/heads/main',
)

/** The log's promise, with one bit of its signature changed: as good as signed by another key. */
const FORGED = altered((real, body) => ({
  ...real,
  body: body.replace(/("signedEntryTimestamp":")(.{20})(.)/, (_, head: string, kept: string, one: string) => {
    return `${head}${kept}${one === 'A' ? 'B' : 'A'}`
  }),
}))

const ROWS: readonly Row[] = [
  ...(['required', 'true'] as const).flatMap((input): Row[] => [
    {
      trouble: 'Fulcio is down',
      input,
      end: input === 'true' ? 'unattested' : 'attestation-failed',
      says: ['Fulcio', 'the connection broke'],
      faults: ({ fulcio }) => fulcio.inject(aim('reset-before', CERTIFICATE)),
      asked: [3, 0],
    },
    {
      trouble: 'Rekor is down',
      input,
      end: input === 'true' ? 'unattested' : 'attestation-failed',
      says: ['Rekor', 'the answer was 503'],
      faults: ({ rekor }) => rekor.inject(aim('503-html', ENTRY)),
      asked: [1, 3],
    },
    {
      trouble: 'Rekor has an equal entry and does not say where',
      input,
      end: input === 'true' ? 'unattested' : 'attestation-failed',
      says: ['it has an equal entry but does not say where'],
      faults: ({ rekor }) => rekor.inject(playing(answer(409, '{"code":409}', { 'content-type': 'application/json' }))),
      asked: [1, 1],
    },
    {
      trouble: 'Fulcio leaves out the promise of its log',
      input,
      end: input === 'true' ? 'unattested' : 'attestation-failed',
      says: [/certificate/i],
      flaws: { withoutTimestamp: true },
      asked: [1, 0],
    },
    {
      trouble: 'Fulcio certifies somebody else',
      input,
      end: input === 'true' ? 'unattested' : 'attestation-failed',
      says: ['mallory/rack-lens'],
      flaws: { tamper: (list) => list.map((one) => (one.oid === ELSEWHERE.oid ? ELSEWHERE : one)) },
      asked: [1, 0],
    },
    {
      trouble: 'Rekor’s promise is signed by another key, which only the registry can tell',
      input,
      end: 'push-refused',
      says: ['422', 'attestation', '`attestations: false`'],
      faults: ({ rekor }) => rekor.inject(playing(FORGED)),
      asked: [1, 1],
    },
  ]),
  {
    trouble: 'Fulcio is down',
    input: 'false',
    end: 'unattested',
    faults: ({ fulcio }) => fulcio.inject(aim('reset-before', CERTIFICATE)),
    asked: [0, 0],
  },
  {
    trouble: 'both fail twice and are well then',
    input: 'required',
    end: 'attested',
    faults: ({ fulcio, rekor }) => {
      fulcio.inject(aim('500', CERTIFICATE, 1), aim('503-html', CERTIFICATE, 1))
      rekor.inject(aim('close-mid-answer', ENTRY, 1), aim('500', ENTRY, 1))
    },
    // The entry was made before the first answer broke off: the third attempt is told so, and reads it.
    asked: [3, 4],
  },
  {
    trouble: 'Rekor’s answer is lost, and it has the entry when it is asked again',
    input: 'required',
    end: 'attested',
    faults: ({ rekor }) => rekor.inject(aim('reset-after', ENTRY, 1)),
    asked: [1, 3],
  },
]

async function listed(world: ScenarioWorld): Promise<unknown> {
  const response = await fetch(`${world.sandbox.registry.url}/api/v1/attestations/rack-lens-1.2.3.json`)
  return response.json()
}

async function worldFor({ flaws, faults }: Row): Promise<ScenarioWorld> {
  const world = await newWorld({ sigstore: flaws ?? true })
  await world.repository()
  if (world.sandbox.sigstore) faults?.(world.sandbox.sigstore)
  return world
}

/** How often both services were asked; and however often, the log has one entry of this release at most. */
function asked(world: ScenarioWorld): [number, number] {
  expect(world.sandbox.sigstore?.log.size).toBeLessThanOrEqual(6)
  return [world.requests('fulcio').length, world.requests('rekor').length]
}

const isPublished = ({ end }: Row): boolean => end === 'attested' || end === 'unattested'

describe('Sigstore in trouble', () => {
  it.each(ROWS.filter((row) => !isPublished(row)))('$trouble, with `attestations: $input`: $end', async (row) => {
    await using world = await worldFor(row)
    const options = prebuilt([LENS], { with: { attestations: row.input } })
    await expectRefused(world, { ...options, code: row.end, says: row.says ?? [] })
    expect(world.exchanges).toHaveLength(row.end === 'push-refused' ? 1 : 0)
    expect(asked(world)).toEqual(row.asked)
  })

  it.each(ROWS.filter(isPublished))('$trouble, with `attestations: $input`: $end', async (row) => {
    await using world = await worldFor(row)
    const ran = await world.run(prebuilt([LENS], { with: { attestations: row.input } }))
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ status: 'pushed', attested: row.end === 'attested' }])
    expect(await listed(world)).toHaveLength(row.end === 'attested' ? 1 : 0)
    // Said aloud, with the reason; and nothing where nothing was asked for, or all went well.
    for (const text of row.says ?? []) expect(ran.warnings).toMatch(text)
    expect(ran.warnings !== '').toBe(row.says !== undefined)
    expect(asked(world)).toEqual(row.asked)
  })
})
