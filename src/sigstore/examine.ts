import { verify } from 'node:crypto'
import { dsse } from '@sigstore/core'
import { type JsonObject, objectAt, objectsAt, parseJson, stringAt } from '../json.ts'
import { readFields } from './bundle-fields.ts'
import { readCertificate, type SigningCertificate } from './certificate.ts'
import { type Expected, identityProblems } from './expected-identity.ts'
import { entryProblems } from './log-entry.ts'
import { proofProblems } from './log-proof.ts'
import { PAYLOAD_TYPE, STATEMENT_TYPE } from './statement.ts'

/** The media types of version 0.3, which RubyGems.org asks for at least; no later one is known to it. */
const MEDIA_TYPES = new Set([
  'application/vnd.dev.sigstore.bundle.v0.3+json',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
])

/** A bundle that was read, and everything in it that the registry would stumble over. */
export interface Examined {
  /** Sent as it came. */
  bundle: unknown
  /** SHA-256 of the artifacts it is about. */
  digests: readonly string[]
  certificate: SigningCertificate | undefined
  problems: readonly string[]
}

/**
 * Looks at a bundle as the registry will (rubygems.org app/models/pusher.rb, sigstore-ruby 0.2.3, protobug 0.1.0), with
 * one difference: what needs the keys of Sigstore's roots and logs is left to the registry, which has them.
 */
export function examine(value: unknown, expected: Expected): Examined {
  const { bundle, problems } = readFields(value)
  const material = objectAt(bundle, 'verificationMaterial')
  const found = [...problems, ...formProblems(bundle, material)]
  const [certificateBytes, ...others] = certificatesOf(material)
  const certificate = certificateBytes === undefined ? undefined : readCertificate(certificateBytes)
  if (certificate) found.push(...chainProblems(others), ...identityProblems(certificate, expected))
  else found.push('it holds no certificate that can be read; bundles with a public key are not accepted')
  const [entry] = objectsAt(material, 'tlogEntries')
  if (entry && problems.length === 0) found.push(...proofProblems(entry))
  if (certificate) {
    if (entry) found.push(...entryProblems(bundle, entry, certificate), ...timeProblems(entry, certificate))
    found.push(...signatureProblems(bundle, certificate))
  }
  return { bundle: value, digests: digestsOf(bundle), certificate, problems: found }
}

function formProblems(bundle: JsonObject, material: JsonObject): string[] {
  const media = stringAt(bundle, 'mediaType') ?? ''
  const entries = objectsAt(material, 'tlogEntries')
  const stamps = objectsAt(material, 'timestampVerificationData', 'rfc3161Timestamps')
  const proof = objectAt(entries[0], 'inclusionProof')
  return [
    ...(MEDIA_TYPES.has(media)
      ? []
      : [`its media type is ${JSON.stringify(media.slice(0, 100))}; the registry needs a bundle of version 0.3`]),
    ...(entries.length === 1
      ? []
      : [
          `it has ${String(entries.length)} transparency log entries, the registry needs exactly one${entries.length === 0 ? ' (attestations of private repositories have none)' : ''}`,
        ]),
    ...(entries.length === 0 || stringAt(proof, 'checkpoint', 'envelope') !== undefined
      ? []
      : ['its log entry has no proof of inclusion with a checkpoint']),
    ...(stamps.length === 0 ? [] : ['it has RFC 3161 timestamps, on which the registry may fail']),
    ...(bundle['messageSignature'] !== undefined || bundle['dsseEnvelope'] !== undefined
      ? []
      : ['it holds neither a signature nor a DSSE envelope']),
    ...(bundle['messageSignature'] === undefined || bundle['dsseEnvelope'] === undefined
      ? []
      : ['it holds both a signature and a DSSE envelope']),
    ...(bundle['dsseEnvelope'] === undefined ? [] : statementProblems(objectAt(bundle, 'dsseEnvelope'))),
  ]
}

function statementProblems(envelope: JsonObject): string[] {
  const type = stringAt(envelope, 'payloadType') ?? ''
  if (type !== PAYLOAD_TYPE)
    return [`its payload is of type ${JSON.stringify(type.slice(0, 100))}, not ${PAYLOAD_TYPE}`]
  const statement = statementOf(envelope)
  if (stringAt(statement, '_type') !== STATEMENT_TYPE)
    return [`its payload is no in-toto statement (${STATEMENT_TYPE})`]
  const subjects = objectsAt(statement, 'subject')
  const complete = subjects.length > 0 && subjects.every((it) => Object.keys(objectAt(it, 'digest')).length > 0)
  return complete ? [] : ['its statement has no subject, or one without a digest']
}

function statementOf(envelope: JsonObject): unknown {
  return parseJson(Buffer.from(stringAt(envelope, 'payload') ?? '', 'base64').toString('utf8'))
}

/** What the bundle is about; the names of its subjects do not matter to anybody. */
function digestsOf(bundle: JsonObject): string[] {
  const message = stringAt(bundle, 'messageSignature', 'messageDigest', 'digest')
  if (message !== undefined) return [Buffer.from(message, 'base64').toString('hex')]
  const subjects = objectsAt(statementOf(objectAt(bundle, 'dsseEnvelope')), 'subject')
  return subjects.map((subject) => stringAt(subject, 'digest', 'sha256')).filter((digest) => digest !== undefined)
}

function certificatesOf(material: JsonObject): Buffer[] {
  const chain = objectsAt(material, 'x509CertificateChain', 'certificates')
  const all = material['certificate'] === undefined ? chain : [objectAt(material, 'certificate')]
  return all.map((one) => Buffer.from(stringAt(one, 'rawBytes') ?? '', 'base64'))
}

function chainProblems(others: readonly Buffer[]): string[] {
  return others.some((other) => readCertificate(other)?.isAuthority !== false)
    ? ['its certificate chain holds a certificate authority, which the registry does not accept in a bundle']
    : []
}

/** The log's time is the one at which the certificate must have been good; it lives ten minutes. */
function timeProblems(entry: JsonObject, { notBefore, notAfter }: SigningCertificate): string[] {
  const at = Number(stringAt(entry, 'integratedTime') ?? '0') * 1000
  return at >= notBefore.getTime() && at <= notAfter.getTime()
    ? []
    : ['it was entered into the log at a time when its certificate was not valid']
}

/** A signature over the file itself is left to the registry: here only its digest is at hand. */
function signatureProblems(bundle: JsonObject, { key }: SigningCertificate): string[] {
  const envelope = objectAt(bundle, 'dsseEnvelope')
  if (bundle['dsseEnvelope'] === undefined) return []
  const signatures = objectsAt(envelope, 'signatures').map((one) => Buffer.from(stringAt(one, 'sig') ?? '', 'base64'))
  const payload = Buffer.from(stringAt(envelope, 'payload') ?? '', 'base64')
  const signed = dsse.preAuthEncoding(stringAt(envelope, 'payloadType') ?? '', payload)
  const good = signatures.length > 0 && signatures.every((signature) => verify('sha256', signed, key, signature))
  return good ? [] : ['its signature is not one of its certificate’s key over its content']
}
