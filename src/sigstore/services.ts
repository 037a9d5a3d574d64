import { type GemServer, isLoopback } from '../server.ts'
import type { Edge } from '../world/retry.ts'

/** Where certificates and log entries come from. */
export interface SigstoreServices {
  fulcio: URL
  rekor: URL
}

/** The instance RubyGems.org trusts, and no other (rubygems.org app/models/pusher.rb, `Sigstore::Verifier.production`). */
const PUBLIC_GOOD = { fulcio: 'https://fulcio.sigstore.dev', rekor: 'https://rekor.sigstore.dev' }

/** Where a rehearsal says its own services are. */
export const SIGSTORE_VARIABLES = { fulcio: 'RELEASE_GEM_FULCIO_URL', rekor: 'RELEASE_GEM_REKOR_URL' }

/** How patiently Sigstore is asked. */
export const SIGSTORE_EDGE: Edge = 'sigstore'

/**
 * The services for signing what goes to `server`; undefined where there are none. A loopback registry has those the
 * environment names, if they are on loopback too, and never the public ones: what is published there is public for
 * ever. For every other server the environment has no say, so that nothing in a job can redirect its ID token.
 */
export function sigstoreServices(
  server: GemServer,
  env: Readonly<Record<string, string | undefined>>,
): SigstoreServices | undefined {
  if (server.kind !== 'loopback') return { fulcio: new URL(PUBLIC_GOOD.fulcio), rekor: new URL(PUBLIC_GOOD.rekor) }
  const [fulcio, rekor] = [env[SIGSTORE_VARIABLES.fulcio], env[SIGSTORE_VARIABLES.rekor]].map((value) =>
    URL.parse(value ?? ''),
  )
  return fulcio && rekor && isLoopback(fulcio) && isLoopback(rekor) ? { fulcio, rekor } : undefined
}
