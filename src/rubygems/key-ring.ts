import type { Clock } from '../world/clock.ts'
import type { ApiKey } from './api-key.ts'

/** A key with less life left than this is replaced before it is used, in ms. */
const RESERVE = 2 * 60 * 1000

/**
 * The key of a release, minted on first use and again when it is about to expire: a temporary key lives 15 minutes,
 * a large release longer. Never two mints at a time.
 */
export class KeyRing {
  readonly #mint: () => Promise<ApiKey>
  readonly #clock: Clock
  #key: Promise<ApiKey> | undefined
  /** What every key that was given up was replaced with, so that nobody replaces it again. */
  readonly #next = new WeakMap<ApiKey, Promise<ApiKey>>()

  constructor(mint: () => Promise<ApiKey>, clock: Clock) {
    this.#mint = mint
    this.#clock = clock
  }

  async current(): Promise<ApiKey> {
    const key = await (this.#key ??= this.#mint())
    return this.#left(key) > RESERVE ? key : this.replace(key)
  }

  /** Another key in place of `old`; the same answer for everybody who asks to replace the same key. */
  async replace(old: ApiKey): Promise<ApiKey> {
    const next = this.#next.get(old)
    if (next) return next
    this.#key = this.#mint()
    this.#next.set(old, this.#key)
    return this.#key
  }

  /** Whether `key` is one that expires, so that a refusal of it says nothing about the next one. */
  isTemporary(key: ApiKey): boolean {
    return key.expiresAt !== undefined
  }

  #left(key: ApiKey): number {
    return (key.expiresAt ?? Number.POSITIVE_INFINITY) - this.#clock.now()
  }
}
