import type { ActionCommand } from './command.ts'
import type { ProcessRecord } from './processes.ts'

/** Where a log line came from; `runner` for what the runner itself adds. */
export type Source = 'stdout' | 'stderr' | 'runner'

export type LineKind = 'plain' | 'group' | 'endgroup' | 'error' | 'warning' | 'notice' | 'debug' | 'command' | 'section'

/** One entry of a step's log, masked, as GitHub's log viewer shows it. An annotation's text may hold several lines. */
export interface LogLine {
  kind: LineKind
  /** Text without the `##[kind]` marker. */
  text: string
  source: Source
  /** Milliseconds since the epoch. */
  at: number
}

export type AnnotationLevel = 'error' | 'warning' | 'notice'

/** An annotation on the run's summary page. The runner masks the message, but not title and file. */
export interface Annotation {
  level: AnnotationLevel
  message: string
  title?: string
  file?: string
  line?: number
  endLine?: number
  column?: number
  endColumn?: number
}

/** A workflow command the runner acted on. */
export interface ExecutedCommand extends ActionCommand {
  source: Source
}

/** A value the step asked to have masked. */
export interface RegisteredMask {
  value: string
  /** Log lines shown before the mask took effect: anything in `lines[0, position)` was written unmasked. */
  position: number
  /** Lines of raw output read before it, by stream. */
  rawLines: { stdout: number; stderr: number }
}

export type Conclusion = 'success' | 'failure' | 'cancelled'

export interface StepResult {
  name: string
  id: string | undefined
  phase: 'main' | 'post' | 'run'
  /** Exit code of the entry process, 128 + signal number where a signal ended it. */
  exitCode: number
  /** Signal that ended the entry process. */
  exitSignal: NodeJS.Signals | undefined
  conclusion: Conclusion
  /** The log after masking. */
  lines: LogLine[]
  /** Output of the entry process and its children before masking, for leak tests. */
  rawStdout: string
  rawStderr: string
  /** Workflow commands that took effect, in order. */
  commands: ExecutedCommand[]
  /** Well-formed commands that were printed while `stop-commands` was in force. */
  ignoredCommands: ExecutedCommand[]
  /** At most ten of each level, as GitHub keeps them. */
  annotations: Annotation[]
  masks: RegisteredMask[]
  outputs: Record<string, string>
  state: Record<string, string>
  envChanges: Record<string, string>
  pathChanges: string[]
  /** Job summary in markdown, masked. */
  summary: string
  durationMs: number
  /** Process id of the entry process; empty when it could not be started. */
  pids: number[]
  /** Every descendant seen while the step ran; Linux only. */
  processes: ProcessRecord[]
  /** Descendants that are still alive now. */
  survivors: () => ProcessRecord[]
}

/** Moments a cancel plan may react to. */
export type StepEvent = { type: 'started'; pid: number } | { type: 'line'; line: LogLine }

/** When and how to stop a running step. */
export interface CancelPlan {
  /** Milliseconds after the start, a pattern on a (masked) log line, a promise, or a decision on each event. */
  after: number | RegExp | Promise<unknown> | ((event: StepEvent) => boolean)
  /**
   * `runner` (default): SIGINT, 7500 ms, SIGTERM, 2500 ms, SIGKILL, as when a user cancels a run (actions/runner
   * `src/Runner.Sdk/ProcessInvoker.cs`). `int`: only the SIGINT. Both end as cancelled, whatever the exit code.
   * `kill`: SIGKILL at once, as by the kernel out of memory; the step has then failed.
   */
  sequence?: 'runner' | 'int' | 'kill'
  /** Milliseconds between SIGINT and SIGTERM. */
  intMs?: number
  /** Milliseconds between SIGTERM and SIGKILL. */
  termMs?: number
}
