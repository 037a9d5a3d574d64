import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { ReleaseError } from '../errors.ts'
import { objectAt } from '../json.ts'
import type { HttpAnswer } from '../world/http-answer.ts'
import type { Attempt } from '../world/retry.ts'
import type { Secret } from '../world/secret.ts'
import { attestationProblem, converse, type SigningWorld } from './conversation.ts'
import type { SigstoreServices } from './services.ts'

const CERTIFICATE = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?$/

/**
 * Has a certificate made out for `key` in the name the ID token gives; PEM (github.com/sigstore/fulcio, fulcio.proto).
 * Throws ReleaseError (`attestation-failed`).
 */
export async function requestCertificate(
  token: Secret,
  subject: string,
  key: KeyObject,
  services: SigstoreServices,
  world: SigningWorld,
): Promise<string> {
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: token.reveal() },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: createPublicKey(key).export({ format: 'pem', type: 'spki' }) },
      // That the key is ours is shown by signing the token's subject with it.
      proofOfPossession: sign('sha256', Buffer.from(subject), key).toString('base64'),
    },
  })
  return converse(
    'get a signing certificate from Fulcio',
    (reason) => attestationProblem(`Fulcio gave no signing certificate: ${reason}.`),
    {
      method: 'POST',
      url: new URL('/api/v2/signingCert', services.fulcio),
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body,
    },
    judge,
    world,
  )
}

function judge(answer: HttpAnswer): Attempt<string> {
  const status = String(answer.status)
  if (answer.status >= 300) {
    throw new ReleaseError(
      attestationProblem(
        `Fulcio refused to give a signing certificate: the answer was ${status}.`,
        answer.status === 400 || answer.status === 401
          ? 'Most likely it does not accept this job’s ID token: its issuer, its age, or its claims.'
          : 'Something between this runner and Fulcio may block it.',
      ),
    )
  }
  const certificate = objectAt(answer.json, 'signedCertificateEmbeddedSct', 'chain')['certificates']
  const leaf: unknown = Array.isArray(certificate) ? certificate[0] : undefined
  // RubyGems.org needs the log's promise inside the certificate: one given beside it would be of no use.
  if (typeof leaf === 'string' && CERTIFICATE.test(leaf)) return { done: leaf }
  return { again: `the answer was ${status} without a certificate` }
}
