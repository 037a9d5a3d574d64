import { constants } from 'node:os'
import { ReleaseError } from '../errors.ts'

/** How long a push that is under way may take to end after the run was cancelled, in ms; the runner waits 7.5 s. */
const LAST_PUSH = 5_000
/** How long a report may take after SIGTERM, in ms; the runner kills after 2.5 s. */
const LAST_WORDS = 1_500
/** Exit code of a process that SIGTERM ended. */
const TERMINATED = 128 + constants.signals.SIGTERM

/** The two moments of a cancellation: start nothing new, and let go of everything. */
export interface Cancellation {
  /** Aborts at SIGINT and SIGTERM. */
  stop: AbortSignal
  /** Aborts 5 s after SIGINT, and at SIGTERM. */
  abandon: AbortSignal
}

/**
 * Listens for the runner's signals: SIGINT when a run is cancelled, SIGTERM 7.5 s later (actions/runner
 * src/Runner.Sdk/ProcessInvoker.cs). Both go to this process alone, so that children are ended by us.
 */
export function watchSignals(): Cancellation {
  const stop = new AbortController()
  const abandon = new AbortController()
  const reason = new ReleaseError({
    code: 'cancelled',
    what: 'The run was cancelled.',
    fix: 'Re-run the job to go on: what is published already is recognised by its digest.',
  })
  process.on('SIGINT', () => {
    stop.abort(reason)
    setTimeout(() => {
      abandon.abort(reason)
    }, LAST_PUSH).unref()
  })
  process.once('SIGTERM', () => {
    // Whatever the report sets later: this is how the run ended.
    process.once('exit', () => {
      process.exitCode = TERMINATED
    })
    stop.abort(reason)
    abandon.abort(reason)
    setTimeout(() => process.exit(TERMINATED), LAST_WORDS).unref()
  })
  return { stop: stop.signal, abandon: abandon.signal }
}

/**
 * Makes failure the default: only `succeed` lets this process end with exit code 0. A promise that never settles lets
 * Node end quietly; then this says what happened instead of a green step.
 */
export function guardExit(complain: () => void): { succeed: () => void; fail: () => void } {
  let ended = false
  process.exitCode = 1
  process.on('beforeExit', () => {
    if (ended) return
    ended = true
    complain()
    process.exitCode = 1
  })
  return {
    succeed: () => {
      ended = true
      process.exitCode = 0
    },
    fail: () => {
      ended = true
      process.exitCode = 1
    },
  }
}
