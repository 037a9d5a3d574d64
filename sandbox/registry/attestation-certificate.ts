import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { type DerElement, elements, explicit, sequence } from '../sigstore/der.ts'
import { timestampedEntry } from '../sigstore/ct-log.ts'
import {
  type BundleForm,
  bytesIn,
  fieldsIn,
  listIn,
  SigstoreError,
  Unrescued,
  VerificationFailure,
} from './attestation-form.ts'
import type { LogKeys } from './attestation-keys.ts'
import type { PublisherRow } from './world.ts'

/** What sigstore-ruby asks of the certificate (lib/sigstore/{models,verifier,policy}.rb, internal/x509.rb). */

const KEY_USAGE = '551d0f'
const EXTENDED_KEY_USAGE = '551d25'
const BASIC_CONSTRAINTS = '551d13'
const ALTERNATIVE_NAME = '551d11'
const TIMESTAMPS = '2b06010401d679020402'
const FULCIO = '2b0601040183bf3001'
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const ISSUER = 'https://token.actions.githubusercontent.com'

export interface Leaf {
  certificate: X509Certificate
  /** Values by the hex of the extension's object identifier. */
  extensions: ReadonlyMap<string, Buffer>
}

function tbsOf(certificate: X509Certificate): DerElement[] {
  const [outer] = elements(certificate.raw)
  const [tbs] = outer ? elements(outer.content) : []
  return tbs ? elements(tbs.content) : []
}

function extensionList(certificate: X509Certificate): DerElement[] {
  const wrapper = tbsOf(certificate).find(({ tag }) => tag === 0xa3)
  const [list] = wrapper ? elements(wrapper.content) : []
  return list ? elements(list.content) : []
}

function identifier(extension: DerElement): string {
  return elements(extension.content)[0]?.content.toString('hex') ?? ''
}

function read(bytes: Buffer): Leaf {
  try {
    const certificate = new X509Certificate(bytes)
    const extensions = extensionList(certificate).map(
      (extension) => [identifier(extension), elements(extension.content).at(-1)?.content ?? Buffer.alloc(0)] as const,
    )
    return { certificate, extensions: new Map(extensions) }
  } catch {
    throw new SigstoreError('PEM_read_bio_X509: no start line')
  }
}

/** A chain is taken as well, if it stops before the root; a public key never. */
export function leafOf({ bundle, material }: BundleForm): Leaf {
  if (fieldsIn(material, 'publicKey')) throw new SigstoreError('public_key content of bundle')
  const chain = fieldsIn(material, 'x509CertificateChain')
  const single = fieldsIn(material, 'certificate')
  const contents = chain ? listIn(chain, 'certificates') : single ? [single] : []
  const leaves = contents.map((content) => read(bytesIn(content, 'rawBytes')))
  const [leaf] = leaves
  if (!leaf) {
    if (chain) throw new Unrescued('an empty certificate chain')
    throw new SigstoreError(`Unsupported bundle content: ${Object.keys(bundle).join(' ')}`)
  }
  if (chain && leaves.some(({ certificate }) => certificate.ca)) throw new SigstoreError('Root CA in chain')
  const usage = leaf.extensions.get(KEY_USAGE)
  if (!usage) throw new SigstoreError('no keyUsage in certificate')
  const [bitString] = elements(usage)
  if (((bitString?.content[1] ?? 0) & 0x80) === 0) {
    throw new SigstoreError('invalid certificate for Sigstore purposes: missing digital signature usage')
  }
  const codeSigning = leaf.extensions.has(EXTENDED_KEY_USAGE) && leaf.certificate.keyUsage?.includes(CODE_SIGNING)
  if (!codeSigning || leaf.extensions.has(BASIC_CONSTRAINTS)) throw new SigstoreError('expected certificate to be leaf')
  return leaf
}

function chainFailure(reason: string): VerificationFailure {
  return new VerificationFailure(`failed to validate certificate from fulcio cert chain: ${reason}`)
}

/** From the leaf to the root, at the time the log gave; OpenSSL's words for what is wrong. Gives the leaf's issuer. */
export function checkChain({ certificate }: Leaf, authorities: readonly X509Certificate[], at: Date): X509Certificate {
  const [intermediate, root] = authorities
  if (!intermediate || !root || !certificate.checkIssued(intermediate)) {
    throw chainFailure('unable to get local issuer certificate')
  }
  if (!certificate.verify(intermediate.publicKey) || !intermediate.verify(root.publicKey)) {
    throw chainFailure('certificate signature failure')
  }
  for (const link of [certificate, intermediate, root]) {
    if (at < link.validFromDate) throw chainFailure('certificate is not yet valid')
    if (at > link.validToDate) throw chainFailure('certificate has expired')
  }
  return intermediate
}

/** The certificate's promise of a place in a Certificate Transparency log: over the certificate without the promise. */
export function checkTimestamps({ certificate, extensions }: Leaf, issuer: X509Certificate, logs: LogKeys): void {
  const list = extensions.get(TIMESTAMPS)
  if (!list) throw new Unrescued('no SCT extension')
  const remaining = extensionList(certificate).filter((extension) => identifier(extension) !== TIMESTAMPS)
  const tbs = sequence(
    ...tbsOf(certificate).map(({ tag, whole }) =>
      tag === 0xa3 ? explicit(3, sequence(...remaining.map((extension) => extension.whole))) : whole,
    ),
  )
  // Octet string, length of the list, length of the one timestamp: version, log, time, extensions, algorithms, signature.
  const sct = elements(list)[0]?.content.subarray(4)
  if (!sct || sct.length < 47) throw new SigstoreError('no SCTs found')
  const signed = timestampedEntry(sct.readBigUInt64BE(33), issuer.publicKey, tbs)
  logs.verify(sct.subarray(1, 33), sct.subarray(47), signed)
}

function derText(leaf: Leaf, number: string): string | undefined {
  const value = leaf.extensions.get(FULCIO + number)
  return value && elements(value)[0]?.content.toString('utf8')
}

/** rubygems.org app/models/oidc/trusted_publisher/github_action.rb SigstorePolicy */
export function checkIdentity(leaf: Leaf, publisher: PublisherRow): void {
  const { workflowRepositoryOwner, workflowRepositoryName, repositoryOwner, repositoryName, workflowFilename } =
    publisher
  const repository =
    workflowRepositoryOwner !== null && workflowRepositoryName !== null
      ? `${workflowRepositoryOwner}/${workflowRepositoryName}`
      : `${repositoryOwner}/${repositoryName}`
  const ref = derText(leaf, '0e') ?? ''
  const expected = `https://github.com/${repository}/.github/workflows/${workflowFilename}@${ref}`
  const issuers = [
    { name: 'OIDCIssuer', oid: '1', value: leaf.extensions.get(`${FULCIO}01`)?.toString('utf8') },
    { name: 'OIDCIssuerV2', oid: '8', value: derText(leaf, '08') },
  ]
  if (issuers.every(({ value }) => value !== ISSUER)) {
    const reasons = issuers.map(({ name, oid, value }) =>
      value === undefined
        ? `Certificate does not contain ${name} (1.3.6.1.4.1.57264.1.${oid}) extension`
        : `Certificate's ${name} does not match (got ${value}, expected ${ISSUER})`,
    )
    throw new VerificationFailure(`No policy matched: ${reasons.join(', ')}`)
  }
  const names = leaf.extensions.get(ALTERNATIVE_NAME)
  if (!names) throw new SigstoreError('Certificate does not contain subjectAltName extension')
  const [list] = elements(names)
  const uris = (list ? elements(list.content) : []).map(({ content }) => content.toString('utf8'))
  if (uris.includes(expected)) return
  const shown = uris.map((uri) => `[:uniformResourceIdentifier, ${JSON.stringify(uri)}]`).join(', ')
  throw new VerificationFailure(`Certificate's SANs do not match ${expected}; actual SANs: [${shown}]`)
}

export function checkSignature(key: KeyObject, data: Buffer, signature: Buffer, reason: string): void {
  if (!verify('sha256', data, key, signature)) throw new VerificationFailure(reason)
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
