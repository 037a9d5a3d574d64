import {
  type BundleForm,
  bytesIn,
  type Fields,
  fieldsIn,
  isFields,
  readForm,
  SigstoreError,
  textIn,
  Unrescued,
  VerificationFailure,
} from './attestation-form.ts'
import type { ReceivedFile } from './multipart.ts'
import type { PublisherRow } from './world.ts'

/** What the server answers for a bundle it does not accept: a 422 with a text, or an exception nothing expected. */
export type AttestationVerdict =
  | { accepted: true }
  | { accepted: false; status: 422; message: string }
  | { accepted: false; status: 500 }

/** Decides whether a Sigstore bundle is a good attestation of a gem pushed by a publisher. */
export interface AttestationVerifier {
  verify: (
    bundle: unknown,
    gem: ReceivedFile,
    publisher: PublisherRow,
  ) => Promise<AttestationVerdict> | AttestationVerdict
}

/** Runs the server's checks and turns what they throw into its answer (rubygems.org app/models/pusher.rb verify_sigstore). */
export async function verdictOf(checks: () => Promise<void> | void): Promise<AttestationVerdict> {
  try {
    await checks()
    return { accepted: true }
  } catch (error) {
    if (error instanceof Unrescued) return { accepted: false, status: 500 }
    if (error instanceof VerificationFailure) {
      return { accepted: false, status: 422, message: `Attestation verification failed:\n${error.message}` }
    }
    if (error instanceof SigstoreError) {
      return { accepted: false, status: 422, message: `Error verifying sigstore attestation:\n${error.message}\n` }
    }
    if (error instanceof OldBundle) return { accepted: false, status: 422, message: error.message }
    throw error
  }
}

class OldBundle extends Error {
  override name = 'OldBundle'
}

/** The last check of all. */
export function checkVersion({ current }: BundleForm): void {
  if (!current) throw new OldBundle('Must provide at least v0.3 bundles')
}

function parsed(bytes: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return value
  } catch {
    return undefined
  }
}

/** lib/sigstore/verifier.rb verify_in_toto: the names of subjects and the kind of predicate do not matter. */
export function checkStatement(envelope: Fields, sha256: string): void {
  const type = textIn(envelope, 'payloadType')
  if (type !== 'application/vnd.in-toto+json') {
    throw new SigstoreError(`unsupported DSSE payload type: ${JSON.stringify(type)}`)
  }
  const statement = parsed(bytesIn(envelope, 'payload'))
  if (!isFields(statement)) throw new SigstoreError('invalid JSON for in-toto statement in DSSE payload')
  if (statement['_type'] !== 'https://in-toto.io/Statement/v1') {
    throw new SigstoreError(`Expected in-toto statement, got ${JSON.stringify(statement['_type'])}`)
  }
  const subjects: unknown = statement['subject']
  if (!Array.isArray(subjects) || subjects.length === 0) {
    throw new SigstoreError('Expected in-toto statement with subject')
  }
  const digests = subjects.map((subject: unknown) => (isFields(subject) ? fieldsIn(subject, 'digest') : undefined))
  if (digests.includes(undefined)) throw new SigstoreError('Expected in-toto statement with digest')
  if (digests.some((digest) => digest?.['sha256'] === sha256)) return
  throw new VerificationFailure(`None of in-toto subjects matches artifact for sha256: ${sha256}`)
}

function checkContent({ bundle, entry }: BundleForm, sha256: string): void {
  const envelope = fieldsIn(bundle, 'dsseEnvelope')
  const message = fieldsIn(bundle, 'messageSignature')
  if (envelope) {
    if (!entry) throw new Unrescued('a DSSE bundle without a log entry')
    return checkStatement(envelope, sha256)
  }
  if (!message) throw new SigstoreError('expected either message_signature or dsse_envelope')
  if (!entry) throw new VerificationFailure('Rekor entry not found')
  const digest = bytesIn(fieldsIn(message, 'messageDigest') ?? {}, 'digest').toString('hex')
  if (digest !== sha256) throw new VerificationFailure('Signature verification failed')
}

/**
 * Checks everything about a bundle that needs no cryptography: its form, its version, its one log entry, and that it is
 * about the pushed bytes. For worlds without a Sigstore of their own; `SigstoreVerifier` checks everything.
 */
export class StructuralVerifier implements AttestationVerifier {
  async verify(value: unknown, gem: ReceivedFile): Promise<AttestationVerdict> {
    return verdictOf(() => {
      const form = readForm(value)
      checkContent(form, gem.sha256)
      checkVersion(form)
    })
  }
}
