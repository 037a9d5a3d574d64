import { setImmediate as turn } from 'node:timers/promises'
import type { Clock, Deadline } from '../../src/world/clock.ts'

/** Any moment will do; a fixed one keeps texts equal from run to run. */
const START = Date.parse('2026-03-01T12:00:00Z')

/**
 * Time that passes only where somebody waits for it: a sleep takes no time at all, and a deadline expires only when a
 * server that keeps its client waiting says so. A busy machine can therefore neither expire an honest exchange nor
 * lengthen a measured one.
 */
export class VirtualClock implements Clock {
  /** Every sleep, in ms. */
  readonly slept: number[] = []
  /** How many deadlines were set. */
  armed = 0
  #at = 0
  #deadlines: { number: number; due: number; controller: AbortController }[] = []

  now(): number {
    return this.#at
  }

  date(): Date {
    return new Date(START + this.#at)
  }

  advance(ms: number): void {
    this.#at += ms
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.slept.push(ms)
    const due = this.#at + ms
    await turn()
    signal.throwIfAborted()
    this.#at = Math.max(this.#at, due)
  }

  deadline(ms: number): Deadline {
    const controller = new AbortController()
    this.armed += 1
    const number = this.armed
    this.#deadlines.push({ number, due: this.#at + ms, controller })
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        this.#deadlines = this.#deadlines.filter((deadline) => deadline.number !== number)
      },
    }
  }

  /** Lets time pass until the next of the deadlines that were set after the first `before` ones has expired. */
  expire(before: number): void {
    const [next] = this.#deadlines.filter(({ number }) => number > before).toSorted((one, other) => one.due - other.due)
    if (!next) return
    this.#deadlines = this.#deadlines.filter((deadline) => deadline !== next)
    this.#at = Math.max(this.#at, next.due)
    next.controller.abort()
  }
}
