import type { FaultPlan } from '../faults.ts'
import { GITHUB_ISSUER } from '../oidc.ts'
import type { RecordedRequest } from '../messages.ts'
import { type AttestationVerifier, StructuralVerifier } from './attestation.ts'
import { CompactIndex } from './compact-index.ts'
import type { Context } from './context.ts'
import { EdgeCache } from './edge-cache.ts'
import { LegacyIndex } from './legacy-index.ts'
import type { Provider } from './provider.ts'
import type { Store } from './store.ts'
import { NginxLimits, PushThrottle } from './throttle.ts'

export interface RegistryOptions {
  /** Where the world is kept; a second start on the same directory finds it again. */
  directory: string
  /**
   * Whether every change is on disk before the answer that announces it, which takes ever longer as the world grows; on
   * by default. A registry that does not outlive its process need not: it writes at its end.
   */
  durable?: boolean
  /** Where the issuer's public keys are fetched from. */
  jwksUrl: string
  /** `iss` of acceptable tokens; GitHub's by default. */
  issuer?: string
  clock?: () => Date
  latencyMs?: number
  uploadBytesPerSecond?: number
  requests?: RecordedRequest[]
  faults?: FaultPlan
  port?: number
  /** The audience a token must have; `rubygems.org` by default. */
  host?: string
  /** How long after a push or yank the indexes show it, on the clock. */
  indexLagMs?: number
  /** How long a 404 for `/info/NAME` is remembered, on the clock. */
  negativeCacheMs?: number
  /** The first read after a change still gives the old text. */
  staleWhileRevalidate?: boolean
  /** The push throttles of rack-attack; on by default. */
  throttle?: boolean
  /** nginx's limit on requests per second; off by default. */
  nginxLimits?: boolean
  verifier?: AttestationVerifier
  /** How long storing a gem takes, during which its version is there but not live. */
  storageLatencyMs?: number
}

/** The parts a registry with these options is made of. */
export function contextFor(options: RegistryOptions, store: Store, provider: Provider, origin: () => string): Context {
  const { clock } = store
  const { indexLagMs = 0, negativeCacheMs = 0, staleWhileRevalidate = false, throttle = true } = options
  const compactIndex = new CompactIndex(store, indexLagMs)
  return {
    store,
    provider,
    host: options.host ?? 'rubygems.org',
    issuer: options.issuer ?? GITHUB_ISSUER,
    origin,
    compactIndex,
    legacyIndex: new LegacyIndex(store, compactIndex),
    edge: new EdgeCache({ negativeCacheMs, staleWhileRevalidate }, clock),
    throttle: throttle ? new PushThrottle(store) : undefined,
    nginx: options.nginxLimits ? new NginxLimits(clock) : undefined,
    verifier: options.verifier ?? new StructuralVerifier(),
    storageLatencyMs: options.storageLatencyMs ?? 0,
  }
}
