import { Lanes } from '../lanes.ts'
import type { Clock } from './clock.ts'

/** How many requests to a server are under way at a time; more would only be refused or wait there. */
export const AT_ONCE = 32
/** A 429 that names no wait is that of RubyGems.org's front server, which takes 30 requests a second (nginx-configmap). */
const INTERVAL = 1000 / 25

/**
 * Keeps a large release from being refused for its haste: once a server has said that there were too many requests, it
 * gets no more of them in a second than it takes.
 */
export class Traffic {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #servers = new Map<string, { lanes: Lanes; slow: boolean; next: number }>()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  async run<T extends { status: number }>(origin: string, send: () => Promise<T>): Promise<T> {
    const server = this.#servers.get(origin) ?? { lanes: new Lanes(AT_ONCE), slow: false, next: 0 }
    this.#servers.set(origin, server)
    return server.lanes.run(async () => {
      if (server.slow) await this.#turn(server)
      const answer = await send()
      if (answer.status === 429) server.slow = true
      return answer
    })
  }

  async #turn(server: { next: number }): Promise<void> {
    const now = this.#clock.now()
    const at = Math.max(now, server.next)
    server.next = at + INTERVAL
    if (at > now) await this.#clock.sleep(at - now, this.#signal)
  }
}
