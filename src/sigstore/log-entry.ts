import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject, objectAt, objectsAt, parseJson, stringAt } from '../json.ts'
import type { SigningCertificate } from './certificate.ts'

/**
 * Whether a log entry is about this signature by this certificate, as the server asks (sigstore-ruby 0.2.3
 * lib/sigstore/models.rb expected_tlog_entry): the entry must be exactly what can be computed from the bundle.
 */
export function entryProblems(bundle: JsonObject, entry: JsonObject, certificate: SigningCertificate): string[] {
  const body = parseJson(Buffer.from(stringAt(entry, 'canonicalizedBody') ?? '', 'base64').toString('utf8'))
  if (!isObject(body)) return ['the body of the log entry is not JSON']
  const kind = `${stringAt(body, 'kind') ?? '?'} ${stringAt(body, 'apiVersion') ?? '?'}`
  const stated = `${stringAt(entry, 'kindVersion', 'kind') ?? '?'} ${stringAt(entry, 'kindVersion', 'version') ?? '?'}`
  if (kind !== stated) return [`the log entry says it is of kind ${stated}, but its body is of kind ${kind}`]
  const expected = expectedSpec(kind, bundle, certificate)
  if (!expected) {
    return [
      `the log entry is of kind ${kind}; for this bundle the registry reads only ${bundle['messageSignature'] ? 'hashedrekord 0.0.1' : 'dsse 0.0.1 and intoto 0.0.2'}, which Rekor v1 writes`,
    ]
  }
  return isDeepStrictEqual(withoutEnvelopeHash(objectAt(body, 'spec')), expected)
    ? []
    : ['the log entry is about another signature, certificate or content than the bundle']
}

/** The hash of the envelope is over JSON as the signer wrote it, which nobody can know later. */
function withoutEnvelopeHash(spec: JsonObject): JsonObject {
  const { envelopeHash: _envelopeHash, ...rest } = spec
  const { hash: _hash, ...content } = objectAt(rest, 'content')
  return rest['content'] === undefined ? rest : { ...rest, content }
}

function twice(base64: string): string {
  return Buffer.from(base64).toString('base64')
}

function expectedSpec(kind: string, bundle: JsonObject, { pem, der }: SigningCertificate): JsonObject | undefined {
  const certificate = twice(pem)
  const message = bundle['messageSignature']
  const envelope = objectAt(bundle, 'dsseEnvelope')
  const signatures = objectsAt(envelope, 'signatures').map((signature) => stringAt(signature, 'sig') ?? '')
  const payload = Buffer.from(stringAt(envelope, 'payload') ?? '', 'base64')
  const payloadHash = { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') }
  if (message !== undefined) {
    if (kind !== 'hashedrekord 0.0.1') return undefined
    const digest = Buffer.from(stringAt(message, 'messageDigest', 'digest') ?? '', 'base64').toString('hex')
    const signature = { content: stringAt(message, 'signature'), publicKey: { content: certificate } }
    return { data: { hash: { algorithm: 'sha256', value: digest } }, signature }
  }
  if (kind === 'dsse 0.0.1') {
    return { payloadHash, signatures: signatures.map((signature) => ({ signature, verifier: certificate })) }
  }
  if (kind !== 'intoto 0.0.2') return undefined
  // Here the server wants the certificate in one line, unlike in `dsse`.
  const oneLine = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
  const dsse = {
    payloadType: stringAt(envelope, 'payloadType'),
    payload: twice(payload.toString('base64')),
    signatures: signatures.map((sig) => ({ publicKey: twice(oneLine), sig: twice(sig) })),
  }
  return { content: { envelope: dsse, payloadHash } }
}
