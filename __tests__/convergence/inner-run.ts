import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ReleaseError } from '../../src/errors.ts'
import { readRunContext } from '../../src/github/run-context.ts'
import { readInputs } from '../../src/inputs.ts'
import { Ledger, type LedgerRecord } from '../../src/ledger.ts'
import { Phases } from '../../src/phases.ts'
import { prepareRelease } from '../../src/release-context.ts'
import { release } from '../../src/release.ts'
import { outcome } from '../../src/report.ts'
import type { Clock } from '../../src/world/clock.ts'
import { createHttp, type Http } from '../../src/world/http.ts'
import type { HttpAnswer } from '../../src/world/http-answer.ts'
import type { World } from '../../src/world/world.ts'
import type { SmallGem } from './gems.ts'
import type { InnerWorld } from './inner-world.ts'
import { MemoryRunner } from './memory-runner.ts'

/** Ends a run at one of its requests: by SIGKILL, after which nothing of it happens, or by a cancellation. */
export interface Strike {
  request: number
  moment: 'before' | 'after'
  how: 'kill' | 'cancel'
}

export interface RunOptions {
  strike?: Strike
  /** The released commit. */
  sha?: string
  with?: Record<string, string>
  /** How long an upload takes on the clock. */
  pushMs?: number
  /** How old the key is by the time of the first push. */
  keyAgeMs?: number
}

export interface Ended {
  end: 'green' | 'red' | 'killed'
  error: ReleaseError | undefined
  record: LedgerRecord
  /** What the run says it came to. */
  says: string
  log: string
  /** Requests that were sent; a strike at a later one never came. */
  sent: number
  /** Pushes that were started after a cancellation. */
  pushesAfterStrike: number
}

/** One release inside this process. Never throws: how it ended is the answer. */
export async function run(world: InnerWorld, gems: readonly SmallGem[], options: RunOptions = {}): Promise<Ended> {
  const privateDirectory = await mkdtemp(path.join(world.directory, 'private-'))
  const paths = gems.map((gem) => path.relative(world.directory, gem.path))
  const runner = new MemoryRunner(world.environment(options.sha), { ...world.with(paths), ...options.with })
  const struck = new Struck(world, runner, options)
  const inputs = readInputs(runner)
  const ledger = new Ledger(inputs.server, path.join(privateDirectory, 'journal.json'))
  const inner: World = {
    runner,
    clock: struck.clock,
    http: struck.http,
    processes: { run: () => Promise.reject(new Error('a release of prebuilt gems starts no program')) },
    signal: struck.stop.signal,
    privateDirectory,
    assets: { probe: '', gemCommand: '' },
  }
  const context = await readRunContext(runner)
  const whole = release(
    prepareRelease({ inputs, run: context, ledger, phases: new Phases(runner, struck.clock), world: inner }),
  ).then(
    () => ({ end: 'green' as const, error: undefined }),
    (error: unknown) => ({ end: 'red' as const, error: ReleaseError.from(error) }),
  )
  const { end, error } = await Promise.race([whole, struck.killed])
  // What a dead process has sent arrives all the same; the world is looked at when it has.
  await Promise.allSettled(struck.underWay)
  await struck.http.close()
  await rm(privateDirectory, { recursive: true, force: true, maxRetries: 5 })
  const { record } = ledger
  return {
    end,
    error,
    record,
    says: outcome(record),
    log: runner.lines.join('\n'),
    sent: struck.sent,
    pushesAfterStrike: struck.late,
  }
}

/** The edges of a run: requests keep the virtual clock from jumping, and one of them may be the last. */
class Struck {
  readonly http: Http
  readonly clock: Clock
  readonly stop = new AbortController()
  readonly killed: Promise<{ end: 'killed'; error: undefined }>
  readonly underWay = new Set<Promise<HttpAnswer>>()
  sent = 0
  late = 0
  exchanges = 0
  #kill: () => void = () => undefined
  #dead = false

  constructor(world: InnerWorld, runner: MemoryRunner, { strike, pushMs = 0, keyAgeMs = 0 }: RunOptions) {
    this.killed = new Promise((resolve) => {
      this.#kill = () => {
        this.#dead = true
        resolve({ end: 'killed', error: undefined })
      }
    })
    const { clock } = world
    this.clock = {
      now: () => clock.now(),
      date: () => clock.date(),
      deadline: (ms) => clock.deadline(ms),
      sleep: (ms, signal) => (this.#dead ? never() : clock.sleep(ms, signal)),
    }
    const lastSignal = new AbortController().signal
    const log = (line: string): void => {
      runner.info(line)
    }
    const http = createHttp({ clock: this.clock, signal: this.stop.signal, lastSignal, log, env: {} })
    const send = http.send.bind(http)
    http.send = async (edge, request) => {
      this.sent += 1
      const here = strike?.request === this.sent ? strike : undefined
      if (here?.moment === 'before') {
        // A signal arrives between turns of the event loop, never in the middle of one.
        await setImmediate()
        this.#strike(here)
      }
      if (this.#dead) return never()
      if (edge === 'push' && !here && this.stop.signal.aborted) this.late += 1
      if (edge === 'push' && pushMs > 0) await clock.sleep(pushMs, lastSignal)
      const answering = send(edge, request)
      this.underWay.add(answering)
      const answer = dated(await answering.finally(() => this.underWay.delete(answering)), clock.date())
      if (edge === 'exchange' && answer.status === 201 && this.exchanges++ === 0) clock.advance(keyAgeMs)
      if (here?.moment === 'after') {
        this.#strike(here)
        // Of all exchanges only a push may end after a cancellation.
        if (edge !== 'push') this.stop.signal.throwIfAborted()
      }
      return this.#dead ? never<HttpAnswer>() : answer
    }
    this.http = http
  }

  #strike({ how }: Strike): void {
    if (how === 'kill') {
      this.#kill()
      return
    }
    this.stop.abort(new ReleaseError({ code: 'cancelled', what: 'The run was cancelled.', fix: 'Re-run the job.' }))
  }
}

/** Node stamps every answer with the time of this machine; the services live by the virtual clock. */
function dated(answer: HttpAnswer, date: Date): HttpAnswer {
  const { headers } = answer
  return { ...answer, headers: { get: (name) => (name === 'date' ? date.toUTCString() : headers.get(name)) } }
}

/** What a dead process goes on with. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
