/** A bundle as the server's parser sees it: sigstore-ruby 0.2.3 lib/sigstore/models.rb above protobug 0.1.0. */

/** Ruby's `Sigstore::Error`: answered with 422 and its text. */
export class SigstoreError extends Error {
  override name = 'SigstoreError'
}

/** A check that says no: answered with 422 as well, with another text. */
export class VerificationFailure extends Error {
  override name = 'VerificationFailure'
}

/** Any other exception of the server: a bare 500. The message is for whoever debugs the sandbox. */
export class Unrescued extends Error {
  override name = 'Unrescued'
}

export type Fields = Record<string, unknown>

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

export function isFields(value: unknown): value is Fields {
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

export function fieldsIn(fields: Fields, name: string): Fields | undefined {
  const value = fields[name]
  return isFields(value) ? value : undefined
}

export function listIn(fields: Fields, name: string): Fields[] {
  const value: unknown = fields[name] ?? []
  return Array.isArray(value) ? value.filter(isFields) : []
}

/** The bytes behind a field of base64, in either alphabet; what is no base64 is passed over. Absent fields are empty. */
export function bytesIn(fields: Fields, name: string): Buffer {
  const value = fields[name] ?? ''
  if (typeof value !== 'string') throw new Unrescued(`${name} is no text`)
  return Buffer.from(value, 'base64')
}

/** A number of 64 bits, which JSON writes as text; 0 where it is absent. */
export function integerIn(fields: Fields, name: string): bigint {
  const value = fields[name] ?? '0'
  if ((typeof value === 'string' && /^-?\d+$/.test(value)) || (typeof value === 'number' && Number.isInteger(value))) {
    return BigInt(value)
  }
  throw new Unrescued(`${name} is no whole number`)
}

export function textIn(fields: Fields, name: string): string {
  const value = fields[name] ?? ''
  if (typeof value !== 'string') throw new Unrescued(`${name} is no text`)
  return value
}

const V3 = ['application/vnd.dev.sigstore.bundle.v0.3+json', 'application/vnd.dev.sigstore.bundle+json;version=0.3']
const OLD = [
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
]

export interface BundleForm {
  bundle: Fields
  material: Fields
  /** The one log entry a bundle may have. */
  entry: Fields | undefined
  /** Whether it is of v0.3 at least: the last thing the server looks at. */
  current: boolean
}

/** Decodes and checks the version's rules, up to the certificate. Throws Unrescued and SigstoreError. */
export function readForm(value: unknown): BundleForm {
  const bundle = normalise(value, BUNDLE)
  if (!bundle) throw new Unrescued('the bundle has an unknown field or is no object')
  const contents = ['messageSignature', 'dsseEnvelope'].filter((name) => fieldsIn(bundle, name))
  if (contents.length > 1) throw new Unrescued('multiple oneof fields set')
  const media = textIn(bundle, 'mediaType')
  if (![...V3, ...OLD].includes(media)) throw new SigstoreError(`Unsupported bundle format: ${JSON.stringify(media)}`)
  const material = fieldsIn(bundle, 'verificationMaterial')
  if (!material) throw new SigstoreError('bundle requires verification material')
  const entries = listIn(material, 'tlogEntries')
  const proofs = entries.map((entry) => fieldsIn(entry, 'inclusionProof'))
  if (proofs.includes(undefined)) throw new SigstoreError('must contain an inclusion proof')
  if (proofs.some((proof) => !proof || fieldsIn(proof, 'checkpoint') === undefined)) {
    throw new SigstoreError('inclusion proof must contain a checkpoint')
  }
  if (entries.length > 1) throw new SigstoreError('Expected one tlog entry')
  return { bundle, material, entry: entries[0], current: V3.includes(media) }
}
