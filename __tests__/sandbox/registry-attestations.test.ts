import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { keyFor, PUBLISHER, startWorld, type World } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })

const DIGEST = createHash('sha256').update(GEM).digest()

type Json = Record<string, unknown>

const ENTRY = {
  logIndex: '1',
  logId: { keyId: 'AA==' },
  kindVersion: { kind: 'dsse', version: '0.0.1' },
  integratedTime: '1',
  inclusionPromise: { signedEntryTimestamp: 'AA==' },
  inclusionProof: { logIndex: '1', rootHash: 'AA==', treeSize: '2', hashes: ['AA=='], checkpoint: { envelope: 'x' } },
  canonicalizedBody: 'e30=',
}

function envelope(content: unknown, payloadType = 'application/vnd.in-toto+json'): Json {
  const payload = Buffer.from(JSON.stringify(content)).toString('base64')
  return { payload, payloadType, signatures: [{ sig: 'AA==', keyid: '' }] }
}

function statement(digest: string): Json {
  const subject = [{ name: 'demo-1.0.0.gem', digest: { sha256: digest } }]
  return { _type: 'https://in-toto.io/Statement/v1', subject, predicateType: 'https://example.com' }
}

const GOOD: Json = {
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  verificationMaterial: { certificate: { rawBytes: 'AA==' }, tlogEntries: [ENTRY] },
  dsseEnvelope: envelope(statement(DIGEST.toString('hex'))),
}

function signed(digest: Buffer): Json {
  const { dsseEnvelope: _envelope, ...rest } = GOOD
  const messageDigest = { algorithm: 'SHA2_256', digest: digest.toString('base64') }
  return { ...rest, messageSignature: { messageDigest, signature: 'AA==' } }
}

function withEntries(bundle: Json, ...tlogEntries: Json[]): Json {
  return { ...bundle, verificationMaterial: { certificate: { rawBytes: 'AA==' }, tlogEntries } }
}

async function trustedWorld(): Promise<{ world: World; key: string }> {
  const world = await startWorld()
  world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
  return { world, key: await keyFor(world) }
}

interface Answer {
  status: number
  body: string
}

async function send(world: World, key: string, form: FormData): Promise<Answer> {
  const url = `${world.registry.url}/api/v1/gems`
  const response = await fetch(url, { method: 'POST', headers: { authorization: key }, body: form })
  return { status: response.status, body: await response.text() }
}

function formWith(attestations: unknown): FormData {
  const form = new FormData()
  form.set('gem', new File([new Uint8Array(GEM)], 'demo-1.0.0.gem'))
  form.set('attestations', JSON.stringify(attestations))
  return form
}

function malformed(reason: string): Answer {
  return { status: 422, body: `Error verifying sigstore attestation:\n${reason}\n` }
}

describe('an attested push', () => {
  it.each([
    ['a DSSE envelope', GOOD],
    ['a message signature', signed(DIGEST)],
    [
      'the other spelling of the media type',
      { ...GOOD, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.3' },
    ],
    [
      'field names with underscores',
      {
        media_type: GOOD['mediaType'],
        verification_material: GOOD['verificationMaterial'],
        dsse_envelope: GOOD['dsseEnvelope'],
      },
    ],
  ])('with %s is accepted and shown', async (_, bundle) => {
    const { world, key } = await trustedWorld()
    expect(await send(world, key, formWith([bundle]))).toEqual({
      status: 200,
      body: 'Successfully registered gem: demo (1.0.0)',
    })
    const shown = await fetch(`${world.registry.url}/api/v1/attestations/demo-1.0.0.json`)
    expect(await shown.json()).toEqual([bundle])
  })

  it('with an empty list is an unattested push, also with a user’s key', async () => {
    const { registry, ...rest } = await startWorld()
    const world = { registry, ...rest }
    expect((await send(world, registry.addUserKey({}), formWith([]))).status).toBe(200)
    expect(await (await fetch(`${registry.url}/api/v1/attestations/demo-1.0.0.json`)).text()).toBe('[]')
  })

  it('with a user’s key is refused', async () => {
    const world = await startWorld()
    const answer = await send(world, world.registry.addUserKey({}), formWith([GOOD]))
    expect(answer).toEqual({ status: 400, body: 'Pushing with an attestation requires trusted publishing' })
    expect(world.registry.versions('demo')).toEqual([])
  })

  it('of the same bytes adds no attestation to what is there', async () => {
    const { world, key } = await trustedWorld()
    await send(world, key, formWith([]))
    expect(await send(world, key, formWith([GOOD]))).toEqual({
      status: 200,
      body: 'Gem was already pushed: demo (1.0.0)',
    })
    expect(world.registry.versions('demo').at(-1)?.attestations).toEqual([])
  })

  it('fails as a whole for one bad attestation', async () => {
    const { world, key } = await trustedWorld()
    const answer = await send(world, key, formWith([GOOD, signed(Buffer.alloc(32))]))
    expect(answer).toEqual({ status: 422, body: 'Attestation verification failed:\nSignature verification failed' })
    expect(world.registry.versions('demo').map(({ number }) => number)).toEqual(['0.0.0'])
  })
})

describe('bundles that are refused', () => {
  const CRASH = { status: 500, body: 'Server error. Please try again.' }

  const { inclusionProof: _proof, ...unproven } = ENTRY
  const unchecked = { ...ENTRY, inclusionProof: { logIndex: '1' } }

  it.each<[string, unknown, Answer]>([
    ['no object', 'bundle', CRASH],
    ['an unknown field', { ...GOOD, extra: 1 }, CRASH],
    ['an unknown field further down', withEntries(GOOD, { ...ENTRY, extra: 1 }), CRASH],
    ['a DSSE envelope without a log entry', withEntries(GOOD), CRASH],
    [
      'a message signature without a log entry',
      withEntries(signed(DIGEST)),
      { status: 422, body: 'Attestation verification failed:\nRekor entry not found' },
    ],
    ['two log entries', withEntries(GOOD, ENTRY, ENTRY), malformed('Expected one tlog entry')],
    ['no inclusion proof', withEntries(GOOD, unproven), malformed('must contain an inclusion proof')],
    ['no checkpoint', withEntries(GOOD, unchecked), malformed('inclusion proof must contain a checkpoint')],
    ['no media type', { ...GOOD, mediaType: 'text/plain' }, malformed('Unsupported bundle format: "text/plain"')],
    [
      'an old version',
      { ...GOOD, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' },
      { status: 422, body: 'Must provide at least v0.3 bundles' },
    ],
    ['no verification material', { mediaType: GOOD['mediaType'] }, malformed('bundle requires verification material')],
    [
      'no content',
      withEntries({ mediaType: GOOD['mediaType'] }, ENTRY),
      malformed('expected either message_signature or dsse_envelope'),
    ],
    [
      'another payload type',
      { ...GOOD, dsseEnvelope: envelope({}, 'text/plain') },
      malformed('unsupported DSSE payload type: "text/plain"'),
    ],
    [
      'an old statement',
      { ...GOOD, dsseEnvelope: envelope({ _type: 'v0.1' }) },
      malformed('Expected in-toto statement, got "v0.1"'),
    ],
    [
      'no subject',
      { ...GOOD, dsseEnvelope: envelope({ ...statement(''), subject: [] }) },
      malformed('Expected in-toto statement with subject'),
    ],
    [
      'other bytes',
      { ...GOOD, dsseEnvelope: envelope(statement('00')) },
      {
        status: 422,
        body: `Attestation verification failed:\nNone of in-toto subjects matches artifact for sha256: ${DIGEST.toString('hex')}`,
      },
    ],
  ])('%s', async (_, bundle, answer) => {
    const { world, key } = await trustedWorld()
    expect(await send(world, key, formWith([bundle]))).toEqual(answer)
    expect((await send(world, key, formWith([GOOD]))).status).toBe(200)
  })
})
