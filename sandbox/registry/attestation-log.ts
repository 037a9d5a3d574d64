import { isDeepStrictEqual } from 'node:util'
import { pem } from '../sigstore/certificate.ts'
import { leafHash, nodeHash } from '../sigstore/merkle.ts'
import { canonical } from '../sigstore/rekor-entry.ts'
import { type Leaf, sha256 } from './attestation-certificate.ts'
import type { LogKeys } from './attestation-keys.ts'
import {
  type BundleForm,
  bytesIn,
  type Fields,
  fieldsIn,
  integerIn,
  isFields,
  listIn,
  SigstoreError,
  textIn,
  Unrescued,
  VerificationFailure,
} from './attestation-form.ts'

/** What sigstore-ruby asks of the transparency log's entry (lib/sigstore/verifier.rb, rekor/checkpoint.rb, internal/). */

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

function base64(fields: Fields, name: string): string {
  return bytesIn(fields, name).toString('base64')
}

/** What the entry must say for this bundle; what it leaves out cannot be known from the bundle (the envelope's hash). */
function expectedBody(bundle: Fields, body: Fields, leaf: Leaf, gemSha256: string): Fields {
  const certificate = Buffer.from(pem(leaf.certificate.raw)).toString('base64')
  const message = fieldsIn(bundle, 'messageSignature')
  if (message) {
    const signature = { content: base64(message, 'signature'), publicKey: { content: certificate } }
    const spec = { data: { hash: { algorithm: 'sha256', value: gemSha256 } }, signature }
    return { kind: 'hashedrekord', apiVersion: '0.0.1', spec }
  }
  const envelope = fieldsIn(bundle, 'dsseEnvelope')
  if (!envelope) throw new SigstoreError('expected either message_signature or dsse_envelope')
  const kind = [body['kind'], body['apiVersion']]
  if (!isDeepStrictEqual(kind, ['dsse', '0.0.1'])) {
    const shown = kind.map((part) => (part === undefined ? 'nil' : JSON.stringify(part)))
    throw new SigstoreError(`Unhandled rekor entry kind/version: [${shown.join(', ')}]`)
  }
  const payloadHash = { algorithm: 'sha256', value: sha256(bytesIn(envelope, 'payload')) }
  const signatures = listIn(envelope, 'signatures').map((item) => ({
    signature: base64(item, 'sig'),
    verifier: certificate,
  }))
  return { kind: 'dsse', apiVersion: '0.0.1', spec: { payloadHash, signatures } }
}

/** find_rekor_entry: the entry is about this signature, this certificate and this content. */
export function entryOf({ bundle, entry }: BundleForm, leaf: Leaf, gemSha256: string): Fields {
  const isMessage = fieldsIn(bundle, 'messageSignature') !== undefined
  if (!entry) {
    if (isMessage) throw new VerificationFailure('Rekor entry not found')
    if (fieldsIn(bundle, 'dsseEnvelope')) throw new Unrescued('a DSSE bundle without a log entry')
    throw new SigstoreError('expected either message_signature or dsse_envelope')
  }
  const body = parsed(bytesIn(entry, 'canonicalizedBody').toString('utf8'))
  if (body === undefined) {
    throw new SigstoreError(
      isMessage ? 'invalid JSON in rekor entry canonicalized_body' : 'expected canonicalized_body to be JSON',
    )
  }
  if (!isFields(body)) throw new Unrescued('the entry is no object')
  const expected = expectedBody(bundle, body, leaf, gemSha256)
  const spec = { ...fieldsIn(body, 'spec') }
  if (!isMessage) delete spec['envelopeHash']
  if (!isDeepStrictEqual({ ...body, spec }, expected)) throw new SigstoreError('Invalid rekor entry:\n')
  return entry
}

/** lib/sigstore/internal/merkle.rb: none of its errors is a `Sigstore::Error`. */
export function checkInclusion(entry: Fields): void {
  const proof = fieldsIn(entry, 'inclusionProof') ?? {}
  const [index, size] = [integerIn(proof, 'logIndex'), integerIn(proof, 'treeSize')]
  const list: unknown = proof['hashes'] ?? []
  if (!Array.isArray(list)) throw new Unrescued('hashes is no list')
  const hashes = list.map((_, at) => bytesIn({ hash: list[at] }, 'hash'))
  if (index < 0n || index >= size) throw new Unrescued('log index is greater than tree size')
  const inner = (index ^ (size - 1n)).toString(2).replace(/^0$/, '').length
  const border = (index >> BigInt(inner)).toString(2).replaceAll('0', '').length
  if (hashes.length !== inner + border) throw new Unrescued('inclusion proof has wrong size')
  const computed = hashes.reduce(
    (below, hash, level) =>
      level >= inner || ((index >> BigInt(level)) & 1n) === 1n ? nodeHash(hash, below) : nodeHash(below, hash),
    leafHash(bytesIn(entry, 'canonicalizedBody')),
  )
  if (!computed.equals(bytesIn(proof, 'rootHash'))) throw new Unrescued('inclusion proof contains invalid root hash')
}

const SIGNATURE_LINE = /^— (\S+) ([0-9A-Za-z+/=-]+)\n$/

/** lib/sigstore/rekor/checkpoint.rb */
export function checkCheckpoint(entry: Fields, logs: LogKeys): void {
  const proof = fieldsIn(entry, 'inclusionProof') ?? {}
  const text = textIn(fieldsIn(proof, 'checkpoint') ?? {}, 'envelope')
  const keyId = bytesIn(fieldsIn(entry, 'logId') ?? {}, 'keyId')
  const at = text.indexOf('\n\n')
  if (at === -1) throw new SigstoreError('Note must include double newline separator')
  const [note, tail] = [text.slice(0, at + 1), text.slice(at + 2)]
  if (tail === '') throw new SigstoreError('must contain at least one signature')
  if (!tail.endsWith('\n')) throw new SigstoreError('signatures must end with a newline')
  const lines = tail.split(/(?<=\n)/).map((line) => {
    const encoded = SIGNATURE_LINE.exec(line)?.[2]
    if (encoded === undefined) throw new SigstoreError(`Invalid signature line: ${JSON.stringify(line)}`)
    return Buffer.from(encoded, 'base64')
  })
  if (lines.some((bytes) => bytes.length < 5)) throw new SigstoreError('too few bytes in signature')
  const header = note.trim().split('\n')
  if (header.length < 3) throw new SigstoreError('too few items in header')
  for (const bytes of lines) {
    const hint = bytes.subarray(0, 4)
    if (!hint.equals(keyId.subarray(0, 4))) throw new SigstoreError('sig_hash hint does not match key_id')
    logs.verify(keyId, bytes.subarray(4), Buffer.from(note))
  }
  if (!Buffer.from(header[2] ?? '', 'base64').equals(bytesIn(proof, 'rootHash'))) {
    throw new SigstoreError('Inclusion proof contains invalid root hash')
  }
}

/** lib/sigstore/internal/set.rb: the log's promise, where there is one. */
export function checkPromise(entry: Fields, logs: LogKeys): void {
  const promise = fieldsIn(entry, 'inclusionPromise')
  if (!promise) return
  const id = bytesIn(fieldsIn(entry, 'logId') ?? {}, 'keyId')
  const promised = {
    body: bytesIn(entry, 'canonicalizedBody').toString('base64'),
    integratedTime: Number(integerIn(entry, 'integratedTime')),
    logID: id.toString('hex'),
    logIndex: Number(integerIn(entry, 'logIndex')),
  }
  logs.verify(id, bytesIn(promise, 'signedEntryTimestamp'), Buffer.from(canonical(promised)))
}
