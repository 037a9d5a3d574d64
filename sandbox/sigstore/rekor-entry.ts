import { createHash, X509Certificate, verify } from 'node:crypto'
import { pem } from './certificate.ts'

type Fields = Record<string, unknown>

/** What a client proposes is not what a log should take. */
export class BadEntry extends Error {
  override name = 'BadEntry'
}

/** JSON with its keys sorted, at every level: RFC 8785 for what entries hold. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const sorted = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`)
  return `{${sorted.join(',')}}`
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadEntry(`${what} is no object`)
  return { ...value }
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new BadEntry(`${what} is missing`)
  return value
}

function certificate(encoded: unknown): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(text(encoded, 'verifier'), 'base64'))
  } catch {
    throw new BadEntry('verifier is neither a key nor a certificate')
  }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const hash = (value: string): Fields => ({ algorithm: 'sha256', value })
/** The log writes certificates in its own way, whatever the client's PEM looked like. */
const encodedPem = ({ raw }: X509Certificate): string => Buffer.from(pem(raw)).toString('base64')

/** github.com/sigstore/rekor, pkg/types/dsse/v0.0.1/entry.go */
function dsse(spec: Fields): Fields {
  const proposed = fields(spec['proposedContent'], 'proposedContent')
  const source = text(proposed['envelope'], 'envelope')
  const envelope = fields(parse(source), 'envelope')
  const payload = Buffer.from(text(envelope['payload'], 'payload'), 'base64')
  const type = text(envelope['payloadType'], 'payloadType')
  const [verifier] = Array.isArray(proposed['verifiers']) ? proposed['verifiers'] : []
  const signer = certificate(verifier)
  const signatures: unknown[] = Array.isArray(envelope['signatures']) ? envelope['signatures'] : []
  const encoding = Buffer.concat([
    Buffer.from(`DSSEv1 ${String(Buffer.byteLength(type))} ${type} ${String(payload.length)} `),
    payload,
  ])
  const entries = signatures.map((item) => {
    const signature = text(fields(item, 'signature')['sig'], 'sig')
    if (!verify('sha256', encoding, signer.publicKey, Buffer.from(signature, 'base64'))) {
      throw new BadEntry('could not verify envelope')
    }
    return { signature, verifier: encodedPem(signer) }
  })
  if (entries.length === 0) throw new BadEntry('envelope has no signatures')
  return { envelopeHash: hash(sha256(source)), payloadHash: hash(sha256(payload)), signatures: entries }
}

/** github.com/sigstore/rekor, pkg/types/hashedrekord/v0.0.1/entry.go */
function hashedRekord(spec: Fields): Fields {
  const signature = fields(spec['signature'], 'signature')
  const signer = certificate(fields(signature['publicKey'], 'publicKey')['content'])
  const value = text(fields(fields(spec['data'], 'data')['hash'], 'hash')['value'], 'hash value')
  if (!/^[0-9a-f]{64}$/.test(value)) throw new BadEntry('invalid value for hash')
  const content = text(signature['content'], 'signature content')
  return { data: { hash: hash(value) }, signature: { content, publicKey: { content: encodedPem(signer) } } }
}

function parse(source: string): unknown {
  try {
    const value: unknown = JSON.parse(source)
    return value
  } catch {
    throw new BadEntry('it is not JSON')
  }
}

/** The entry as the log keeps it: canonical, and without what needs no keeping. Throws BadEntry. */
export function canonicalEntry(source: string): Buffer {
  const proposed = fields(parse(source), 'the entry')
  const spec = fields(proposed['spec'], 'spec')
  const kind = `${String(proposed['kind'])} ${String(proposed['apiVersion'])}`
  const kept = kind === 'dsse 0.0.1' ? dsse(spec) : kind === 'hashedrekord 0.0.1' ? hashedRekord(spec) : undefined
  if (!kept) throw new BadEntry(`entry kind ${kind} is not supported`)
  return Buffer.from(canonical({ apiVersion: proposed['apiVersion'], kind: proposed['kind'], spec: kept }))
}
