import { createPublicKey, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import type { Fault, FaultPlan } from '../faults.ts'
import { GITHUB_ISSUER } from '../oidc.ts'
import type { RecordedRequest } from '../messages.ts'
import { SandboxServer } from '../server.ts'
import { spki } from './certificate.ts'
import { type FulcioOptions, serveFulcio } from './fulcio.ts'
import { INTERMEDIATE, logId, openKeys, type SigstoreKeys } from './keys.ts'
import { REKOR_NAME, RekorLog } from './rekor.ts'

export interface SigstoreOptions extends SigstoreFlaws {
  /** Where keys and log are kept; a second start on the same directory finds them again. */
  directory: string
  /** Where the keys are fetched that ID tokens are checked with. */
  jwksUrl: string
  /** `iss` of acceptable tokens; GitHub's by default. */
  issuer?: string
  clock?: () => Date
  latencyMs?: number
  requests?: RecordedRequest[]
  faults?: FaultPlan
}

/** What this Fulcio does that the real one never would. */
export type SigstoreFlaws = Pick<FulcioOptions, 'tamper' | 'withoutTimestamp'>

/**
 * Stands in for fulcio.sigstore.dev, its Certificate Transparency log and rekor.sigstore.dev: certificates are only
 * given for ID tokens that the issuer signed, and everything that is signed verifies against `trustedRoot`.
 */
export class Sigstore implements AsyncDisposable {
  readonly fulcio: SandboxServer
  readonly rekor: SandboxServer
  readonly log: RekorLog
  readonly #keys: SigstoreKeys

  private constructor(fulcio: SandboxServer, rekor: SandboxServer, log: RekorLog, keys: SigstoreKeys) {
    this.fulcio = fulcio
    this.rekor = rekor
    this.log = log
    this.#keys = keys
  }

  static async start(options: SigstoreOptions): Promise<Sigstore> {
    const { directory, jwksUrl, issuer = GITHUB_ISSUER, clock = () => new Date(), tamper, withoutTimestamp } = options
    const { latencyMs, requests, faults } = options
    const keys = openKeys(join(directory, 'keys.json'), clock())
    const log = new RekorLog(join(directory, 'rekor.json'), keys.rekor, clock)
    const shared = {
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(requests ? { requests } : {}),
      ...(faults ? { faults } : {}),
    }
    const flaws = { ...(tamper ? { tamper } : {}), ...(withoutTimestamp ? { withoutTimestamp } : {}) }
    const authority: FulcioOptions = { keys, jwksUrl, issuer, clock, ...flaws }
    const fulcio = await SandboxServer.start((request) => serveFulcio(request, authority), {
      service: 'fulcio',
      ...shared,
    })
    const rekor = await SandboxServer.start((request) => log.serve(request), { service: 'rekor', ...shared })
    return new Sigstore(fulcio, rekor, log, keys)
  }

  /** What a verifier has to trust: a `TrustedRoot` message of Sigstore's protobuf-specs, as JSON. */
  get trustedRoot(): Record<string, unknown> {
    const { root, intermediate, rekor, ctLog } = this.#keys
    const validFor = { start: '2020-01-01T00:00:00Z' }
    const certificates = [intermediate, root].map((bytes) => ({ rawBytes: bytes.toString('base64') }))
    return {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [logOf(`https://${REKOR_NAME}`, rekor, validFor)],
      certificateAuthorities: [
        { subject: INTERMEDIATE, uri: 'https://fulcio.sandbox', certChain: { certificates }, validFor },
      ],
      ctlogs: [logOf('https://ctlog.sandbox', ctLog, validFor)],
      timestampAuthorities: [],
    }
  }

  /** For both services; each has a fault plan of its own unless one was given to share. */
  inject(...faults: Fault[]): void {
    this.fulcio.inject(...faults)
    if (this.rekor.faults !== this.fulcio.faults) this.rekor.inject(...faults)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fulcio[Symbol.asyncDispose]()
    await this.rekor[Symbol.asyncDispose]()
  }
}

function logOf(baseUrl: string, key: KeyObject, validFor: { start: string }): Record<string, unknown> {
  const rawBytes = spki(createPublicKey(key)).toString('base64')
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes, keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: logId(key).toString('base64') },
  }
}
