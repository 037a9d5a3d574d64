import { Cancellation } from './cancellation.ts'
import { CommandProcessor } from './command-processor.ts'
import { noEffects, type CaselessMap, type Effects } from './effects.ts'
import { Execution } from './execution.ts'
import { type CommandFiles, createCommandFiles, processCommandFiles } from './file-commands.ts'
import { StepLog } from './log.ts'
import type { Masker } from './masker.ts'
import { ProcessWatcher } from './processes.ts'
import { StepOutput } from './step-output.ts'
import type { CancelPlan, LogLine, StepEvent, StepResult } from './step.ts'

/** A step, ready to run. */
export interface StepSpec {
  name: string
  id: string | undefined
  phase: StepResult['phase']
  file: string
  args: string[]
  /** Builds the environment once the step's command files exist. */
  environment: (files: CommandFiles) => Record<string, string>
  /** Writes what the runner shows before the step's own output. */
  header: (log: StepLog) => void
  /** State saved so far by the same action. */
  state: CaselessMap
  signal: CancelPlan | undefined
  onLine: ((line: LogLine) => void) | undefined
}

/** What all steps of a job share. */
export interface Shared {
  masker: Masker
  workspace: string
  temp: string
  debug: boolean
  outputGraceMs: number
  trackingId: string
  /** Entry processes that are running now. */
  running: Set<number>
  /** One for each step so far, the running one included. */
  watchers: ProcessWatcher[]
}

/** Runs one step: starts its process, reads its output, obeys its commands, then its command files. */
export async function runStep(spec: StepSpec, shared: Shared): Promise<{ result: StepResult; effects: Effects }> {
  const { masker, workspace, temp, debug } = shared
  const effects: Effects = { ...noEffects(), state: spec.state }
  let cancellation: Cancellation | undefined
  const notice = (event: StepEvent): void => cancellation?.notice(event)
  const log = new StepLog(masker, debug, (line) => {
    spec.onLine?.(line)
    notice({ type: 'line', line })
  })
  const files = await createCommandFiles(temp)
  spec.header(log)

  const commands = new CommandProcessor({ log, masker, effects, workspace, echo: debug })
  const output = new StepOutput((line, source) => commands.line(line, source))
  const startedAt = performance.now()
  let watcher: ProcessWatcher | undefined
  const execution = await Execution.start({
    file: spec.file,
    args: spec.args,
    cwd: workspace,
    env: spec.environment(files),
    temp,
    outputGraceMs: shared.outputGraceMs,
    onStart: (pid) => {
      watcher = new ProcessWatcher(pid, shared.trackingId)
      watcher.start()
      shared.watchers.push(watcher)
    },
    onData: (source, chunk) => output.take(source, chunk),
  })
  shared.running.add(execution.pid)
  if (spec.signal) cancellation = new Cancellation(spec.signal, execution)
  notice({ type: 'started', pid: execution.pid })
  const exit = await execution.finished
  output.end()
  const durationMs = performance.now() - startedAt
  shared.running.delete(execution.pid)
  watcher?.stop()
  const cancelled = (await cancellation?.settle()) ?? false

  if (spec.phase === 'run' && exit.exitCode !== 0 && !cancelled) {
    log.error(`Process completed with exit code ${String(exit.exitCode)}.`)
  }
  const written = await processCommandFiles({ files, effects, log, masker })
  if (cancelled) log.error('The operation was canceled.')
  const failed = exit.exitCode !== 0 || commands.failed || written.failed
  const result: StepResult = {
    name: spec.name,
    id: spec.id,
    phase: spec.phase,
    exitCode: exit.exitCode,
    exitSignal: exit.signal,
    conclusion: cancelled ? 'cancelled' : failed ? 'failure' : 'success',
    lines: log.lines,
    rawStdout: output.text('stdout'),
    rawStderr: output.text('stderr'),
    commands: commands.executed,
    ignoredCommands: commands.ignored,
    annotations: log.annotations,
    masks: commands.masks,
    outputs: effects.outputs.toRecord(),
    state: effects.state.toRecord(),
    envChanges: Object.fromEntries(effects.env),
    pathChanges: effects.path,
    summary: written.summary,
    durationMs,
    pids: [execution.pid],
    processes: watcher?.records ?? [],
    survivors: () => watcher?.survivors() ?? [],
  }
  return { result, effects }
}
