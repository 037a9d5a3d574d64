import type { Clock, Deadline } from '../../src/world/clock.ts'

interface Timer {
  at: number
  /** Every request under way has a deadline. They only count while one waits in vain. */
  kind: 'sleep' | 'deadline'
  ring: () => void
}

const EPOCH = Date.UTC(2026, 10, 23, 12)

/**
 * Time that passes only where everybody waits: it jumps to the next sleeper once no request is under way. Hours of
 * throttling take milliseconds, and sleeps of parallel lanes overlap as real ones do.
 */
export class VirtualClock implements Clock {
  #now = 0
  #stalled = 0
  #looking = false
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  date(): Date {
    return new Date(EPOCH + this.#now)
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer)
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      }
      const ring = (): void => {
        signal.removeEventListener('abort', fail)
        resolve()
      }
      const timer: Timer = { at: this.#now + ms, kind: 'sleep', ring }
      if (signal.aborted) {
        fail()
        return
      }
      signal.addEventListener('abort', fail, { once: true })
      this.#timers.push(timer)
      this.#look()
    })
  }

  deadline(ms: number): Deadline {
    const controller = new AbortController()
    const timer: Timer = {
      at: this.#now + ms,
      kind: 'deadline',
      ring: () => {
        controller.abort()
      },
    }
    this.#timers.push(timer)
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
        this.#look()
      },
    }
  }

  /** Lets time pass whatever is under way, as while a slow server works. */
  advance(ms: number): void {
    this.#to(this.#now + ms)
  }

  /** A request that will never be answered: time goes on until whoever sent it gives up. */
  stalled(): Disposable {
    this.#stalled += 1
    this.#look()
    return {
      [Symbol.dispose]: () => {
        this.#stalled -= 1
      },
    }
  }

  /** Some turns of the event loop later: answers that have arrived are dealt with first. */
  #look(turns = 3): void {
    if (this.#looking && turns === 3) return
    this.#looking = true
    setImmediate(() => {
      if (turns > 0) {
        this.#look(turns - 1)
        return
      }
      // A lane that reads a file is not waiting for anything.
      if (process.getActiveResourcesInfo().includes('FSReqPromise')) {
        this.#look(2)
        return
      }
      this.#looking = false
      const underWay = this.#timers.filter(({ kind }) => kind === 'deadline')
      if (underWay.length > this.#stalled) return
      const next = this.#timers.filter(({ kind }) => kind === 'sleep' || this.#stalled > 0)
      if (next.length === 0) return
      this.#to(Math.min(...next.map(({ at }) => at)))
      this.#look()
    })
  }

  #to(at: number): void {
    this.#now = Math.max(this.#now, at)
    const due = this.#timers.filter((timer) => timer.at <= this.#now)
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now)
    for (const timer of due.toSorted((one, other) => one.at - other.at)) timer.ring()
  }
}
