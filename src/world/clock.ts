import { setTimeout as delay } from 'node:timers/promises'

/** Time as the steps see it; tests put a faster one in its place. All durations are milliseconds. */
export interface Clock {
  /** Monotonic: for budgets and durations. A jump of the system clock does not move it. */
  now(): number
  /** The calendar, for texts shown to people and for comparison with dates the server sent. */
  date(): Date
  /** Resolves after `ms`; rejects at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Starts a deadline of `ms`. It does not keep the process alive. */
  deadline(ms: number): Deadline
}

/** A moment at which `signal` aborts, unless the deadline was given up before. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  async sleep(ms, signal) {
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      // Node rejects with an AbortError of its own; what the caller gave as the reason is what happened.
      signal.throwIfAborted()
      throw error
    })
  },
  deadline(ms) {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort()
    }, ms).unref()
    return {
      signal: controller.signal,
      [Symbol.dispose]() {
        clearTimeout(timer)
      },
    }
  },
}

/** `850 ms`, `12.3 s` or `4 min 05 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${String(Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60).padStart(2, '0')} s`
}
