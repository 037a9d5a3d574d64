import type { ReceivedFile } from './multipart.ts'
import type { PublisherRow } from './world.ts'

/** What the server answers for a bundle it does not accept: a 422 with a text, or an exception nothing expected. */
export type AttestationVerdict =
  | { accepted: true }
  | { accepted: false; status: 422; message: string }
  | { accepted: false; status: 500 }

/** Decides whether a Sigstore bundle is a good attestation of a gem pushed by a publisher. */
export interface AttestationVerifier {
  verify: (
    bundle: unknown,
    gem: ReceivedFile,
    publisher: PublisherRow,
  ) => Promise<AttestationVerdict> | AttestationVerdict
}

const ACCEPTED: AttestationVerdict = { accepted: true }
const CRASH: AttestationVerdict = { accepted: false, status: 500 }

/** rubygems.org app/models/pusher.rb verify_sigstore: `Sigstore::Error`. */
function malformed(reason: string): AttestationVerdict {
  return { accepted: false, status: 422, message: `Error verifying sigstore attestation:\n${reason}\n` }
}

function unverified(reason: string): AttestationVerdict {
  return { accepted: false, status: 422, message: `Attestation verification failed:\n${reason}` }
}

interface Shape {
  [field: string]: Shape | null
}

const LOG_ENTRY: Shape = {
  logIndex: null,
  logId: { keyId: null },
  kindVersion: { kind: null, version: null },
  integratedTime: null,
  inclusionPromise: { signedEntryTimestamp: null },
  inclusionProof: { logIndex: null, rootHash: null, treeSize: null, hashes: null, checkpoint: { envelope: null } },
  canonicalizedBody: null,
}

/** Every field of the bundle message; a list of messages has the shape of one (sigstore protobuf-specs, bundle v1). */
const BUNDLE: Shape = {
  mediaType: null,
  verificationMaterial: {
    publicKey: { hint: null },
    x509CertificateChain: { certificates: { rawBytes: null } },
    certificate: { rawBytes: null },
    tlogEntries: LOG_ENTRY,
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: null } },
  },
  messageSignature: { messageDigest: { algorithm: null, digest: null }, signature: null },
  dsseEnvelope: { payload: null, payloadType: null, signatures: { sig: null, keyid: null } },
}

type Fields = Record<string, unknown>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Both spellings of protobuf's JSON are read, as camelCase; undefined where a field is unknown or no message. */
function normalise(value: unknown, shape: Shape): Fields | undefined {
  if (!isFields(value)) return undefined
  const fields: Fields = {}
  for (const [name, inner] of Object.entries(value)) {
    const known = camel(name)
    if (!Object.hasOwn(shape, known)) return undefined
    const innerShape = shape[known] ?? null
    const read = innerShape === null || inner === null ? inner : normaliseAll(inner, innerShape)
    if (read === undefined) return undefined
    fields[known] = read
  }
  return fields
}

function normaliseAll(value: unknown, shape: Shape): unknown {
  if (!Array.isArray(value)) return normalise(value, shape)
  const list = value.map((item: unknown) => normalise(item, shape))
  return list.includes(undefined) ? undefined : list
}

const V3 = ['application/vnd.dev.sigstore.bundle.v0.3+json', 'application/vnd.dev.sigstore.bundle+json;version=0.3']
const OLD = [
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
]

function fieldsIn(fields: Fields, name: string): Fields | undefined {
  const value = fields[name]
  return isFields(value) ? value : undefined
}

function logEntries(material: Fields): Fields[] {
  const entries: unknown = material['tlogEntries'] ?? []
  return Array.isArray(entries) ? entries.filter(isFields) : []
}

function decoded(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : '', 'base64')
}

function parsed(bytes: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return value
  } catch {
    return undefined
  }
}

/** lib/sigstore/verifier.rb verify_in_toto */
function checkStatement(envelope: Fields, sha256: string): AttestationVerdict {
  const type = envelope['payloadType']
  if (type !== 'application/vnd.in-toto+json')
    return malformed(`unsupported DSSE payload type: ${JSON.stringify(type)}`)
  const statement = parsed(decoded(envelope['payload']))
  if (!isFields(statement)) return malformed('invalid JSON for in-toto statement in DSSE payload')
  if (statement['_type'] !== 'https://in-toto.io/Statement/v1') {
    return malformed(`Expected in-toto statement, got ${JSON.stringify(statement['_type'])}`)
  }
  const subjects: unknown = statement['subject']
  if (!Array.isArray(subjects) || subjects.length === 0) return malformed('Expected in-toto statement with subject')
  const digests = subjects.map((subject: unknown) => (isFields(subject) ? fieldsIn(subject, 'digest') : undefined))
  if (digests.includes(undefined)) return malformed('Expected in-toto statement with digest')
  if (digests.some((digest) => digest?.['sha256'] === sha256)) return ACCEPTED
  return unverified(`None of in-toto subjects matches artifact for sha256: ${sha256}`)
}

function checkContent(bundle: Fields, entries: Fields[], sha256: string): AttestationVerdict {
  const envelope = fieldsIn(bundle, 'dsseEnvelope')
  const message = fieldsIn(bundle, 'messageSignature')
  if (envelope) return entries.length === 0 ? CRASH : checkStatement(envelope, sha256)
  if (!message) return malformed('expected either message_signature or dsse_envelope')
  if (entries.length === 0) return unverified('Rekor entry not found')
  const digest = decoded(fieldsIn(message, 'messageDigest')?.['digest']).toString('hex')
  return digest === sha256 ? ACCEPTED : unverified('Signature verification failed')
}

/**
 * Checks everything about a bundle that needs no cryptography, in the order of sigstore-ruby 0.2.3
 * (lib/sigstore/models.rb, lib/sigstore/verifier.rb): its form, its version, its one log entry, and that it is about
 * the pushed bytes. Signatures, certificates, log proofs and the signer's identity are not looked at.
 */
export class StructuralVerifier implements AttestationVerifier {
  verify(value: unknown, gem: ReceivedFile): AttestationVerdict {
    const bundle = normalise(value, BUNDLE)
    if (!bundle) return CRASH
    const media = bundle['mediaType'] ?? ''
    if (typeof media !== 'string' || ![...V3, ...OLD].includes(media)) {
      return malformed(`Unsupported bundle format: ${JSON.stringify(media)}`)
    }
    const material = fieldsIn(bundle, 'verificationMaterial')
    if (!material) return malformed('bundle requires verification material')
    const entries = logEntries(material)
    const proofs = entries.map((entry) => fieldsIn(entry, 'inclusionProof'))
    if (proofs.includes(undefined)) return malformed('must contain an inclusion proof')
    if (proofs.some((proof) => !proof || fieldsIn(proof, 'checkpoint')?.['envelope'] === undefined)) {
      return malformed('inclusion proof must contain a checkpoint')
    }
    if (entries.length > 1) return malformed('Expected one tlog entry')
    const verdict = checkContent(bundle, entries, gem.sha256)
    if (!verdict.accepted || V3.includes(media)) return verdict
    return { accepted: false, status: 422, message: 'Must provide at least v0.3 bundles' }
  }
}
