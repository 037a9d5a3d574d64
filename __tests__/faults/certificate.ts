import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'

/** X.509 certificates as text, made on the spot: good ones, and ones that no client may accept. */

export interface CertificateOptions {
  /** `DNS:NAME` or `IP:A.B.C.D`; whom it is for. */
  host: `DNS:${string}` | `IP:${string}`
  notAfter?: Date
}

export interface Certificate {
  cert: string
  key: string
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

const COMMON_NAME = Buffer.from('0603550403', 'hex')
const ECDSA_WITH_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'))
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex')

function name(text: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))))
}

function altName(host: CertificateOptions['host']): Buffer {
  const [kind, value = ''] = host.split(':')
  return kind === 'DNS' ? der(0x82, Buffer.from(value)) : der(0x87, Buffer.from(value.split('.').map(Number)))
}

/** A certificate that signs itself; whoever trusts it may also be shown it as a server's. */
export function selfSigned({ host, notAfter = new Date('2049-01-01T00:00:00Z') }: CertificateOptions): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Issuers are found by their name.
  const who = name(`Test ${randomUUID()}`)
  const toSign = sequence(
    der(0xa0, integer(2)),
    integer(0x5a, ...Buffer.from(String(notAfter.getTime())).subarray(0, 8)),
    ECDSA_WITH_SHA256,
    who,
    sequence(time(new Date('2020-01-01T00:00:00Z')), time(notAfter)),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(BASIC_CONSTRAINTS, der(0x01, Buffer.from([0xff])), octets(sequence(der(0x01, Buffer.from([0xff]))))),
        sequence(SUBJECT_ALT_NAME, octets(sequence(altName(host)))),
      ),
    ),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toSign, privateKey))
  const body = sequence(toSign, ECDSA_WITH_SHA256, signature).toString('base64')
  // No empty line before the end, wherever the text is a multiple of 64: OpenSSL does not read that.
  const lines = body.match(/.{1,64}/g)?.join('\n') ?? ''
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
