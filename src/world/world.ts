import type { Clock } from './clock.ts'
import type { Http } from './http.ts'
import type { Processes } from './processes.ts'
import type { Runner } from './runner.ts'

/** Everything outside this process, as one argument: the steps reach the world through this and nothing else. */
export interface World {
  runner: Runner
  clock: Clock
  http: Http
  processes: Processes
  /** Aborts when the run is cancelled. */
  signal: AbortSignal
  /** A directory of ours (0700) below RUNNER_TEMP, removed at the end. */
  privateDirectory: string
  /** Where the files that are shipped beside the bundle are. */
  assets: { probe: string; gemCommand: string }
}
