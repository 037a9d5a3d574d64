import type { Clock } from './clock.ts'
import type { Policy } from './retry.ts'

/** Aborts when nothing has moved for the policy's time; without `progress` calls that is simply a deadline. */
export class Watch {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #policy: Policy
  #armedAt = 0
  #current: AbortSignal | undefined

  constructor(clock: Clock, policy: Policy) {
    this.#clock = clock
    this.#policy = policy
    this.#arm(policy.attempt)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  progress(sentAll: boolean): void {
    if (sentAll) this.#arm(this.#policy.answer ?? this.#policy.attempt)
    // A timer for every chunk of a large gem would be thousands; one a second is as good.
    else if (this.#clock.now() - this.#armedAt > 1000) this.#arm(this.#policy.attempt)
  }

  stop(): void {
    this.#current = undefined
  }

  #arm(idle: number): void {
    const deadline = this.#clock.deadline(idle)
    this.#armedAt = this.#clock.now()
    this.#current = deadline
    const expire = (): void => {
      if (this.#current === deadline) this.#controller.abort()
    }
    deadline.addEventListener('abort', expire, { once: true })
  }
}
