import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { assertBundle } from '@sigstore/bundle'
import { Bundle, type KindVersion, type TransparencyLogEntry, TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { checkChain, checkIdentity, checkSignature, checkTimestamps, leafOf } from './attestation-certificate.ts'
import {
  type BundleForm,
  bytesIn,
  type Fields,
  fieldsIn,
  isFields,
  listIn,
  readForm,
  textIn,
  Unrescued,
} from './attestation-form.ts'
import { checkCheckpoint, checkInclusion, checkPromise, entryOf } from './attestation-log.ts'
import { LogKeys } from './attestation-keys.ts'
import {
  type AttestationVerdict,
  type AttestationVerifier,
  checkStatement,
  checkVersion,
  verdictOf,
} from './attestation.ts'
import type { ReceivedFile } from './multipart.ts'
import type { PublisherRow } from './world.ts'

function isPresent(fields: Fields | undefined): fields is Fields {
  return fields !== undefined
}

/**
 * Verifies attestations as rubygems.org does: everything sigstore-ruby 0.2.3 checks, offline, in its order and with its
 * answers. What these checks accept is given to Sigstore's own JavaScript verifier as well; should that one refuse it,
 * the sandbox itself is wrong, and says so.
 */
export class SigstoreVerifier implements AttestationVerifier {
  readonly #authorities: X509Certificate[]
  readonly #rekor: LogKeys
  readonly #ct: LogKeys
  readonly #second: Verifier

  /** `trustedRoot` is a `TrustedRoot` message as JSON, such as `Sigstore.trustedRoot`. */
  constructor(trustedRoot: Record<string, unknown>) {
    const chains = listIn(trustedRoot, 'certificateAuthorities').map((authority) => fieldsIn(authority, 'certChain'))
    this.#authorities = chains
      .filter(isPresent)
      .flatMap((chain) => listIn(chain, 'certificates').map((link) => new X509Certificate(bytesIn(link, 'rawBytes'))))
    this.#rekor = new LogKeys(listIn(trustedRoot, 'tlogs'))
    this.#ct = new LogKeys(listIn(trustedRoot, 'ctlogs'))
    this.#second = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(trustedRoot)))
  }

  async verify(value: unknown, gem: ReceivedFile, publisher: PublisherRow): Promise<AttestationVerdict> {
    const verdict = await verdictOf(() => this.#check(value, gem, publisher))
    if (verdict.accepted) await this.#confirm(readForm(value).bundle, gem)
    return verdict
  }

  async #check(value: unknown, gem: ReceivedFile, publisher: PublisherRow): Promise<void> {
    const form = readForm(value)
    const leaf = leafOf(form)
    const stamps = fieldsIn(form.material, 'timestampVerificationData')
    if (stamps && listIn(stamps, 'rfc3161Timestamps').length > 0) throw new Unrescued('timestamp verification failed')
    const entry = entryOf(form, leaf, gem.sha256)
    checkInclusion(entry)
    checkCheckpoint(entry, this.#rekor)
    checkPromise(entry, this.#rekor)
    const at = new Date(Number(entry['integratedTime'] ?? 0) * 1000)
    checkTimestamps(leaf, checkChain(leaf, this.#authorities, at), this.#ct)
    checkIdentity(leaf, publisher)
    await checkContent(form, leaf.certificate, gem)
    checkVersion(form)
  }

  async #confirm(value: Fields, gem: ReceivedFile): Promise<void> {
    const bundle = Bundle.fromJSON(value)
    const entries = bundle.verificationMaterial?.tlogEntries ?? []
    // Without the log's promise the time is nobody's word: that satisfies the server, and not the other verifier.
    if (entries.some((entry) => entry.inclusionPromise === undefined)) return
    // The server never looks at this field; the other verifier does.
    for (const entry of entries) entry.kindVersion = kindOf(entry)
    const message = bundle.content?.$case === 'messageSignature' ? bundle.content.messageSignature : undefined
    const content = message && (await readFile(gem.path))
    // Nor at this one: it takes the digest of what it was sent.
    if (message?.messageDigest) message.messageDigest.digest = Buffer.from(gem.sha256, 'hex')
    try {
      assertBundle(bundle)
      this.#second.verify(toSignedEntity(bundle, content))
    } catch (error) {
      throw new Error('Sigstore refuses what the sandbox’s own checks accept', { cause: error })
    }
  }
}

/** The kind as the entry's own body says it. */
function kindOf({ canonicalizedBody }: TransparencyLogEntry): KindVersion {
  const body: unknown = JSON.parse(canonicalizedBody.toString('utf8'))
  return isFields(body)
    ? { kind: textIn(body, 'kind'), version: textIn(body, 'apiVersion') }
    : { kind: '', version: '' }
}

/** lib/sigstore/verifier.rb, step 6: the signature, and what is signed. */
async function checkContent({ bundle }: BundleForm, certificate: X509Certificate, gem: ReceivedFile): Promise<void> {
  const key = certificate.publicKey
  const message = fieldsIn(bundle, 'messageSignature')
  if (message) {
    checkSignature(key, await readFile(gem.path), bytesIn(message, 'signature'), 'Signature verification failed')
    return
  }
  const envelope = fieldsIn(bundle, 'dsseEnvelope') ?? {}
  const payload = bytesIn(envelope, 'payload')
  const type = textIn(envelope, 'payloadType')
  const encoding = Buffer.concat([
    Buffer.from(`DSSEv1 ${String(Buffer.byteLength(type))} ${type} ${String(payload.length)} `),
    payload,
  ])
  for (const signature of listIn(envelope, 'signatures')) {
    checkSignature(key, encoding, bytesIn(signature, 'sig'), 'DSSE envelope verification failed')
  }
  checkStatement(envelope, gem.sha256)
}
