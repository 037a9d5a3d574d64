import { setTimeout as sleep } from 'node:timers/promises'
import type { CancelPlan, StepEvent } from '../../sandbox/runner/step.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import type { ScenarioWorld } from './scenario.ts'

export const PUSH = { method: 'POST', path: /^\/api\/v1\/gems$/ }
export const EXCHANGE = { method: 'POST', path: /\/exchange_token$/ }

/** The moment a service has seen such a request. */
export async function requested(world: ScenarioWorld, target: { method: string; path: RegExp }): Promise<void> {
  const matches = ({ method, path }: RecordedRequest): boolean => method === target.method && target.path.test(path)
  while (!world.sandbox.requests.some(matches)) await sleep(10)
}

/** A cancellation at some moment, and how long the step took to end from then on. */
export class Stopwatch {
  #at = 0
  readonly #ended: Promise<number>
  #end: (ms: number) => void = () => undefined

  constructor() {
    this.#ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** Wraps the moment of a plan. */
  start(moment: RegExp | Promise<unknown>): CancelPlan['after'] {
    if (moment instanceof RegExp) {
      return (event: StepEvent) => {
        const now = event.type === 'line' && moment.test(event.line.text)
        if (now) this.#at = Date.now()
        return now
      }
    }
    return this.#startAfter(moment)
  }

  async #startAfter(moment: Promise<unknown>): Promise<void> {
    await moment
    this.#at = Date.now()
  }

  /** To be called as soon as the step has ended. */
  stop(): void {
    this.#end(Date.now() - this.#at)
  }

  /** Milliseconds from the signal to the end of the step. */
  async took(): Promise<number> {
    return this.#ended
  }
}
