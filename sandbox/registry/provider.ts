import { isRecord, Refused } from './jwt.ts'
import type { Store } from './store.ts'

const HALF_AN_HOUR = 30 * 60 * 1000
const DAY = 24 * 60 * 60 * 1000

/**
 * The registry's copy of the issuer's keys. Refreshed every 30 minutes and once at start, never for the sake of a
 * single token: a key the issuer has just begun to use is unknown until then (rubygems.org
 * config/initializers/good_job.rb, app/jobs/refresh_oidc_provider_job.rb).
 */
export class Provider {
  private readonly store: Store
  private readonly jwksUrl: string
  private refreshed = false
  private pending: Promise<void> | undefined

  constructor(store: Store, jwksUrl: string) {
    this.store = store
    this.jwksUrl = jwksUrl
  }

  /** The stored keys; refused where there are none or they are older than a day. */
  async keys(): Promise<unknown> {
    if (this.isDue()) await this.refresh()
    const { provider } = this.store.state
    if (!provider) throw new Refused('Provider is missing jwks')
    if (this.age(provider.refreshedAt) > DAY) throw new Refused('Configuration last updated too long ago')
    return provider.jwks
  }

  /** Fetches the keys; the old ones stay where the issuer does not answer. */
  async refresh(): Promise<void> {
    this.pending ??= this.fetchKeys().finally(() => {
      this.pending = undefined
    })
    await this.pending
  }

  private isDue(): boolean {
    const { provider } = this.store.state
    return !this.refreshed || !provider || this.age(provider.refreshedAt) >= HALF_AN_HOUR
  }

  private age(at: string): number {
    return this.store.clock().getTime() - Date.parse(at)
  }

  private async fetchKeys(): Promise<void> {
    try {
      const response = await fetch(this.jwksUrl, { signal: AbortSignal.timeout(5000) })
      const jwks: unknown = await response.json()
      if (!response.ok || !isRecord(jwks)) return
      this.store.state.provider = { jwks, refreshedAt: this.store.now() }
      this.refreshed = true
      this.store.save()
    } catch {
      // The job runs again at the next interval; until then the registry lives with what it has.
    }
  }
}
