import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { ReleaseError } from '../errors.ts'
import { requestIdToken } from '../github/oidc.ts'
import type { RunContext } from '../github/run-context.ts'
import { type SigningCertificate, readCertificate } from './certificate.ts'
import { attestationProblem, type SigningWorld } from './conversation.ts'
import { identityProblems } from './expected-identity.ts'
import { requestCertificate } from './fulcio.ts'
import { predictIdentity } from './identity.ts'
import { readRunClaims, type RunClaims } from './run-claims.ts'
import type { SigstoreServices } from './services.ts'

/** What Fulcio wants in the `aud` of a token (github.com/sigstore/fulcio, config/identity/config.yaml). */
const AUDIENCE = 'sigstore'

/** A key that lives in memory for a few minutes, and what Fulcio says about whose it is. */
export interface Credential {
  key: KeyObject
  certificate: SigningCertificate
  claims: RunClaims
}

/**
 * Gets a certificate in the name of this job, unless it can be seen beforehand that the registry would not accept it,
 * or that it would make a private repository known. Throws ReleaseError (`attestation-failed`, `id-token-*`).
 */
export async function newCredential(
  run: RunContext,
  services: SigstoreServices,
  world: SigningWorld,
): Promise<Credential> {
  const token = await requestIdToken(run, AUDIENCE, world.http, world.runner)
  const claims = readRunClaims(token)
  if (!claims) throw new ReleaseError(attestationProblem('The ID token for Sigstore could not be read.'))
  refuseUseless(claims)
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const certificate = readCertificate(await requestCertificate(token, claims.subject, key, services, world))
  const problems = certificate ? certificateProblems(certificate, key, claims) : ['it cannot be read']
  if (certificate && problems.length === 0) return { key, certificate, claims }
  throw new ReleaseError(attestationProblem(`Fulcio gave a certificate that cannot be used: ${problems.join('; ')}.`))
}

function refuseUseless(claims: RunClaims): void {
  if (claims.visibility !== 'public' && claims.visibility !== '') {
    throw new ReleaseError({
      code: 'attestation-failed',
      what: `${claims.repository} is ${claims.visibility}: it is not named in Sigstore’s public log.`,
      why: 'Signing would write the repository’s name, workflow and commits into a public log for ever.',
      fix: 'Set `attestations: false`.',
    })
  }
  const identity = predictIdentity(claims)
  if (identity.accepted) return
  throw new ReleaseError({
    code: 'attestation-failed',
    what: `The registry would refuse attestations of this job: ${identity.because}.`,
    why: `The certificate would be for ${identity.name}, and the registry asks for ${identity.required}.`,
    fix: identity.fix,
  })
}

function certificateProblems(certificate: SigningCertificate, key: KeyObject, claims: RunClaims): string[] {
  const ours = certificate.key.equals(createPublicKey(key))
  return [...(ours ? [] : ['it is for another key']), ...identityProblems(certificate, { claims })]
}
