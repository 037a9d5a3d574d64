import { type KeyObject, X509Certificate } from 'node:crypto'
import { X509Certificate as Certificate } from '@sigstore/core'

/** What Fulcio wrote into a certificate (github.com/sigstore/fulcio, docs/oid-info.md). */
export interface SigningCertificate {
  key: KeyObject
  der: Buffer
  /** As Rekor writes it into its entries: 64 letters to the line. */
  pem: string
  notBefore: Date
  notAfter: Date
  forCodeSigning: boolean
  isAuthority: boolean
  hasLogPromise: boolean
  /** The alternative name, such as `https://github.com/OWNER/REPO/.github/workflows/FILE@REF`. */
  name: string | undefined
  /** .1 and .8: who issued the ID token. */
  issuers: readonly string[]
  /** .12, .13, .14: repository, commit and ref of the run. */
  sourceRepository: string | undefined
  sourceDigest: string | undefined
  sourceRef: string | undefined
}

const FULCIO = '1.3.6.1.4.1.57264.1'
const TIMESTAMPS = '1.3.6.1.4.1.11129.2.4.2'
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'

/** Reads a certificate without verifying it; undefined for what is none. */
export function readCertificate(bytes: Buffer | string): SigningCertificate | undefined {
  try {
    const read = new X509Certificate(bytes)
    return describe(read, Certificate.parse(Buffer.from(read.raw)))
  } catch {
    return undefined
  }
}

function describe(read: X509Certificate, certificate: Certificate): SigningCertificate {
  /** Extensions from .8 on hold a DER string. */
  const text = (number: number): string | undefined =>
    certificate.extension(`${FULCIO}.${String(number)}`)?.valueObj.subs[0]?.value.toString('utf8')
  return {
    key: read.publicKey,
    der: read.raw,
    pem: pemOf(read.raw),
    notBefore: read.validFromDate,
    notAfter: read.validToDate,
    forCodeSigning: read.keyUsage?.includes(CODE_SIGNING) ?? false,
    isAuthority: read.ca,
    hasLogPromise: certificate.extension(TIMESTAMPS) !== undefined,
    // Not Node's `subjectAltName`, which joins all names with commas: a ref may hold one.
    name: certificate.extSubjectAltName?.uri,
    issuers: [certificate.extension(`${FULCIO}.1`)?.value.toString('utf8'), text(8)].filter((it) => it !== undefined),
    sourceRepository: text(12),
    sourceDigest: text(13),
    sourceRef: text(14),
  }
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
