import type { Clock } from './world/clock.ts'
import { duration } from './world/clock.ts'
import type { Runner } from './world/runner.ts'

export interface Phase {
  name: string
  /** When it began, counted from the start of the release, in ms. */
  from: number
  /** Milliseconds. */
  took: number
}

/** Runs the steps of the checklist: each in a log group of its own, with how long it took. */
export class Phases {
  readonly done: Phase[] = []
  readonly #runner: Runner
  readonly #clock: Clock
  readonly #began: number

  constructor(runner: Runner, clock: Clock) {
    this.#runner = runner
    this.#clock = clock
    this.#began = clock.now()
  }

  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    const started = this.#clock.now()
    try {
      return await this.#runner.group(name, step)
    } finally {
      const took = this.#clock.now() - started
      this.done.push({ name, from: started - this.#began, took })
      this.#runner.info(`${name}: ${duration(took)}`)
    }
  }
}
