import { sign } from 'node:crypto'
import { bundleToJSON, envelopeToJSON, toDSSEBundle } from '@sigstore/bundle'
import { dsse } from '@sigstore/core'
import { ReleaseError } from '../errors.ts'
import type { RunContext } from '../github/run-context.ts'
import { isObject, type JsonObject } from '../json.ts'
import { attestationProblem, type SigningWorld } from './conversation.ts'
import { type Credential, newCredential } from './credential.ts'
import { examine } from './examine.ts'
import { enterIntoLog } from './rekor.ts'
import type { SigstoreServices } from './services.ts'
import { PAYLOAD_TYPE, provenance } from './statement.ts'

/** A Sigstore bundle v0.3 in its JSON form. */
export type Bundle = JsonObject

/** What of a gem is attested. */
export interface AttestedGem {
  /** `name-version`, with the platform where it is not `ruby`. */
  fullName: string
  sha256: string
}

/** A certificate is good for ten minutes; the log must have the signature before that. */
const CREDENTIAL_AGE = 5 * 60 * 1000

/**
 * Signs gems of one run. One ID token, one certificate and one key serve all gems that are signed within a few minutes;
 * the key never leaves memory. What cannot be had once is not asked for again for the next gem.
 */
export class Attester {
  readonly #run: RunContext
  readonly #services: SigstoreServices
  readonly #world: SigningWorld
  #credential: { at: number; value: Promise<Credential> } | undefined

  constructor(run: RunContext, services: SigstoreServices, world: SigningWorld) {
    this.#run = run
    this.#services = services
    this.#world = world
  }

  /**
   * A bundle that says that this gem came out of this run, checked as the registry will check it. Only the digest is
   * signed: the file is not opened. Throws ReleaseError (`attestation-failed`, `id-token-*`).
   */
  async attest(gem: AttestedGem): Promise<Bundle> {
    const credential = await this.#current()
    const payload = Buffer.from(JSON.stringify(provenance(gem, credential.claims)))
    const signature = sign('sha256', dsse.preAuthEncoding(PAYLOAD_TYPE, payload), credential.key)
    const unlogged = toDSSEBundle({
      artifact: payload,
      artifactType: PAYLOAD_TYPE,
      signature,
      certificate: credential.certificate.der,
      certificateChain: false,
    })
    const envelope = envelopeToJSON(unlogged.content.dsseEnvelope)
    const entry = await enterIntoLog(envelope, credential.certificate.pem, this.#services, this.#world)
    // Timestamps other than the log's are of no use to the registry, so that not even an empty list of them is sent.
    unlogged.verificationMaterial.timestampVerificationData = undefined
    const json = bundleToJSON(unlogged)
    const material = isObject(json) && isObject(json['verificationMaterial']) ? json['verificationMaterial'] : {}
    return checked({ ...json, verificationMaterial: { ...material, tlogEntries: [entry] } }, gem, credential)
  }

  async #current(): Promise<Credential> {
    const now = this.#world.clock.now()
    if (!this.#credential || now - this.#credential.at > CREDENTIAL_AGE) {
      this.#credential = { at: now, value: newCredential(this.#run, this.#services, this.#world) }
    }
    return this.#credential.value
  }
}

/** Nothing a service answered is believed: what it made of our signature is looked at as the registry will. */
function checked(bundle: Bundle, gem: AttestedGem, { claims }: Credential): Bundle {
  const { digests, problems } = examine(bundle, { jobWorkflowRef: claims.jobWorkflowRef, claims })
  const all = digests.includes(gem.sha256) ? problems : [...problems, 'it is about another file']
  if (all.length === 0) return bundle
  throw new ReleaseError(
    attestationProblem(
      `The attestation of ${gem.fullName} would be refused by the registry: ${all.join('; ')}.`,
      'Sigstore’s services gave something else than they should.',
    ),
  )
}
