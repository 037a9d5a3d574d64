import type { Clock, Deadline } from './clock.ts'
import type { Policy } from './retry.ts'

/** Aborts when nothing has moved for the policy's time; without `progress` calls that is simply a deadline. */
export class Watch implements Disposable {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #policy: Policy
  #armedAt = 0
  #deadline: Deadline
  #over = false

  constructor(clock: Clock, policy: Policy) {
    this.#clock = clock
    this.#policy = policy
    this.#deadline = this.#arm(policy.attempt)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  progress(sentAll: boolean): void {
    if (sentAll) this.#rearm(this.#policy.answer ?? this.#policy.attempt)
    // A timer for every chunk of a large gem would be thousands; one a second is as good.
    else if (this.#clock.now() - this.#armedAt > 1000) this.#rearm(this.#policy.attempt)
  }

  [Symbol.dispose](): void {
    this.#over = true
    this.#deadline[Symbol.dispose]()
  }

  /** An upload may still hand on a chunk when its answer has been read. */
  #rearm(idle: number): void {
    if (this.#over) return
    this.#deadline[Symbol.dispose]()
    this.#deadline = this.#arm(idle)
  }

  #arm(idle: number): Deadline {
    const deadline = this.#clock.deadline(idle)
    this.#armedAt = this.#clock.now()
    const expire = (): void => {
      this.#controller.abort()
    }
    deadline.signal.addEventListener('abort', expire, { once: true })
    return deadline
  }
}
