import type { Fault } from '../../sandbox/faults.ts'
import type { Random } from './seeded.ts'

/**
 * Decides the order in which the requests of several runs are dealt with, and their answers are let out: everybody
 * waits until nobody moves any more, then one of those who wait is drawn. The same seed draws the same.
 */
export class Gate {
  readonly #random: Random
  readonly #waiting: (() => void)[] = []
  #arrivals = 0
  #watching = false

  constructor(random: Random) {
    this.#random = random
  }

  /** The gate in front of and behind every request of a sandbox. */
  get fault(): Fault {
    return {
      name: 'gate',
      times: Number.POSITIVE_INFINITY,
      on: () => true,
      play: async ({ handle }) => {
        await this.#pass()
        const answer = await handle()
        await this.#pass()
        return answer
      },
    }
  }

  async #pass(): Promise<void> {
    this.#arrivals += 1
    const passed = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#watch()
    await passed
  }

  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    let seen = this.#arrivals
    let quiet = 0
    const turn = (): void => {
      quiet = seen === this.#arrivals ? quiet + 1 : 0
      seen = this.#arrivals
      if (quiet < 4) {
        setImmediate(turn)
        return
      }
      this.#watching = false
      const [chosen] = this.#waiting.splice(this.#random.below(this.#waiting.length), 1)
      chosen?.()
      if (this.#waiting.length > 0) this.#watch()
    }
    setImmediate(turn)
  }
}
