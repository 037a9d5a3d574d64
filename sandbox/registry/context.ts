import type { AttestationVerifier } from './attestation.ts'
import type { CompactIndex } from './compact-index.ts'
import type { EdgeCache } from './edge-cache.ts'
import type { LegacyIndex } from './legacy-index.ts'
import type { Provider } from './provider.ts'
import type { Store } from './store.ts'
import type { NginxLimits, PushThrottle } from './throttle.ts'

/** What every route works with. */
export interface Context {
  store: Store
  provider: Provider
  /** `Gemcutter::HOST`: the audience a token must have. */
  host: string
  /** `iss` a token must have. */
  issuer: string
  /** Where this registry is reached, for the links in its answers. */
  origin: () => string
  compactIndex: CompactIndex
  legacyIndex: LegacyIndex
  edge: EdgeCache
  throttle: PushThrottle | undefined
  nginx: NginxLimits | undefined
  verifier: AttestationVerifier
  /** How long the store of gem files takes to take one. */
  storageLatencyMs: number
}
