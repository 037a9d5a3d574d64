import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  bits,
  boolean,
  elements,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  printable,
  sequence,
  set,
  time,
} from './der.ts'

/** X.509 certificates (RFC 5280), as Fulcio makes them. */

export interface Extension {
  oid: string
  critical?: boolean
  /** What the extension's octet string holds. */
  value: Buffer
}

export interface Subject {
  organization: string
  commonName: string
}

export interface CertificateFields {
  issuer: Subject
  /** Fulcio's leaf certificates have none: who they are for is in the alternative name. */
  subject: Subject | undefined
  notBefore: Date
  notAfter: Date
  publicKey: KeyObject
  extensions: Extension[]
}

const ECDSA_SHA384 = sequence(oid('1.2.840.10045.4.3.3'))

function nameOf(subject: Subject | undefined): Buffer {
  if (!subject) return sequence()
  return sequence(namePart('2.5.4.10', subject.organization), namePart('2.5.4.3', subject.commonName))
}

function namePart(type: string, text: string): Buffer {
  return set(sequence(oid(type), printable(text)))
}

/** With its length in two bytes before it. */
function sized(content: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(content.length)
  return Buffer.concat([length, content])
}

function extensionOf({ oid: id, critical, value }: Extension): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
}

export function spki(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

/** RFC 5280, 4.2.1.2, method 1: SHA-1 of the key's bits. */
export function keyIdentifier(key: KeyObject): Buffer {
  const [outer] = elements(spki(key))
  const bitString = outer ? elements(outer.content)[1] : undefined
  return createHash('sha1')
    .update(bitString?.content.subarray(1) ?? Buffer.alloc(0))
    .digest()
}

/** The part that is signed. The serial number is given so that a precertificate and its certificate share it. */
export function tbsCertificate(fields: CertificateFields, serial: Buffer): Buffer {
  return sequence(
    explicit(0, integer(2)),
    integer(serial),
    ECDSA_SHA384,
    nameOf(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    nameOf(fields.subject),
    spki(fields.publicKey),
    explicit(3, sequence(...fields.extensions.map(extensionOf))),
  )
}

export function newSerial(): Buffer {
  const serial = randomBytes(19)
  serial[0] = (serial[0] ?? 0) % 128 || 1
  return serial
}

export function signed(tbs: Buffer, key: KeyObject): Buffer {
  return sequence(tbs, ECDSA_SHA384, bits(sign('sha384', tbs, key)))
}

export const EXTENSIONS = {
  authority: (pathLength: number): Extension => ({
    oid: '2.5.29.19',
    critical: true,
    value: sequence(boolean(true), integer(pathLength)),
  }),
  /** keyCertSign and cRLSign. */
  certificateSigning: { oid: '2.5.29.15', critical: true, value: bits(Buffer.from([0x06]), 1) },
  digitalSignature: { oid: '2.5.29.15', critical: true, value: bits(Buffer.from([0x80]), 7) },
  codeSigning: { oid: '2.5.29.37', value: sequence(oid('1.3.6.1.5.5.7.3.3')) },
  subjectKey: (key: KeyObject): Extension => ({ oid: '2.5.29.14', value: octets(keyIdentifier(key)) }),
  authorityKey: (key: KeyObject): Extension => ({ oid: '2.5.29.35', value: sequence(implicit(0, keyIdentifier(key))) }),
  alternativeUri: (uri: string): Extension => ({
    oid: '2.5.29.17',
    critical: true,
    value: sequence(implicit(6, Buffer.from(uri))),
  }),
  /** RFC 6962, 3.3: a list of timestamps in an octet string of its own. */
  timestamps: (...scts: Buffer[]): Extension => ({
    oid: '1.3.6.1.4.1.11129.2.4.2',
    value: octets(sized(Buffer.concat(scts.map(sized)))),
  }),
} satisfies Record<string, Extension | ((...input: never[]) => Extension)>

export function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
