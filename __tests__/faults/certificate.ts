import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto'

/** X.509 certificates as text, made on the spot: good ones, and ones that no client may accept. */

export interface CertificateOptions {
  /** `DNS:NAME` or `IP:A.B.C.D`; whom it is for. */
  host: `DNS:${string}` | `IP:${string}`
  notBefore?: Date
  notAfter?: Date
  /** Whose signature it carries; its own when absent. */
  issuer?: Certificate
  /** Whether it may sign others; true when absent. */
  ca?: boolean
  /** What it may be used for; anything when absent. */
  purpose?: 'server' | 'client'
  /** The only addresses it may sign for, as address and mask: `10.0.0.0/255.0.0.0`. */
  permitted?: string
  /** RSA with a key of so many bits instead of P-256. */
  rsaBits?: number
}

export interface Certificate {
  cert: string
  key: string
  name: Buffer
  privateKey: KeyObject
}

function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}

const sequence = (...content: Buffer[]): Buffer => der(0x30, ...content)
const integer = (...bytes: number[]): Buffer => der(0x02, Buffer.from(bytes))
const octets = (...content: Buffer[]): Buffer => der(0x04, ...content)
const time = (date: Date): Buffer => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')))
const TRUE = der(0x01, Buffer.from([0xff]))

const COMMON_NAME = Buffer.from('0603550403', 'hex')
const ECDSA_WITH_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'))
const RSA_WITH_SHA256 = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'))
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')
const EXTENDED_KEY_USAGE = Buffer.from('0603551d25', 'hex')
const NAME_CONSTRAINTS = Buffer.from('0603551d1e', 'hex')
const PURPOSES = {
  server: Buffer.from('06082b06010505070301', 'hex'),
  client: Buffer.from('06082b06010505070302', 'hex'),
}

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))))
}

const numbers = (address: string): number[] => address.split(/[./]/).map(Number)

function altName(host: CertificateOptions['host']): Buffer {
  const [kind, value = ''] = host.split(':')
  return kind === 'DNS' ? der(0x82, Buffer.from(value)) : der(0x87, Buffer.from(numbers(value)))
}

function extensions({ host, ca = true, purpose, permitted }: CertificateOptions): Buffer[] {
  return [
    sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(...(ca ? [TRUE] : [])))),
    sequence(SUBJECT_ALT_NAME, octets(sequence(altName(host)))),
    ...(purpose ? [sequence(EXTENDED_KEY_USAGE, octets(sequence(PURPOSES[purpose])))] : []),
    ...(permitted
      ? [
          sequence(
            NAME_CONSTRAINTS,
            TRUE,
            octets(sequence(der(0xa0, sequence(der(0x87, Buffer.from(numbers(permitted))))))),
          ),
        ]
      : []),
  ]
}

function keyPair(rsaBits: number | undefined): { privateKey: KeyObject; publicKey: KeyObject } {
  return rsaBits === undefined
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: rsaBits })
}

export function certificate(options: CertificateOptions): Certificate {
  const { notBefore = new Date('2020-01-01T00:00:00Z'), notAfter = new Date('2049-01-01T00:00:00Z') } = options
  const { privateKey, publicKey } = keyPair(options.rsaBits)
  // Issuers are found by their name.
  const name = nameOf(`Test ${randomUUID()}`)
  const signer = options.issuer ?? { name, privateKey }
  const algorithm = signer.privateKey.asymmetricKeyType === 'rsa' ? RSA_WITH_SHA256 : ECDSA_WITH_SHA256
  const toSign = sequence(
    der(0xa0, integer(2)),
    integer(0x5a, ...randomBytes(8)),
    algorithm,
    signer.name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(options))),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toSign, signer.privateKey))
  const body = sequence(toSign, algorithm, signature).toString('base64')
  // No empty line before the end, wherever the text is a multiple of 64: OpenSSL does not read that.
  const lines = body.match(/.{1,64}/g)?.join('\n') ?? ''
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    name,
    privateKey,
  }
}

/** A certificate that signs itself; whoever trusts it may also be shown it as a server's. */
export function selfSigned(options: Omit<CertificateOptions, 'issuer'>): Certificate {
  return certificate(options)
}
