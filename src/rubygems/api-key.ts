import type { Claims } from '../github/claims.ts'
import type { Secret } from '../world/secret.ts'

/** A key that may push, and what is known about its life. */
export interface ApiKey {
  value: Secret
  /** How it came about, for the log: `trusted publisher`, `API key role`, `api-token`, `existing credentials`. */
  source: string
  /** The registry's display name of the key, where it gave one. */
  name?: string
  /** What the ID token it was exchanged for says about this job. */
  claims?: Claims
  /** On the monotonic clock, in ms; absent for keys that do not expire by themselves. */
  expiresAt?: number
}
