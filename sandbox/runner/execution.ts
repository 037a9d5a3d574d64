import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { outputPipes } from './pipes.ts'
import type { CancelPlan } from './step.ts'

const INT_MS = 7500
const TERM_MS = 2500

export interface Program {
  file: string
  args: string[]
  cwd: string
  env: Record<string, string>
  temp: string
  /** How long to wait for children that keep the output open after the entry process has ended. */
  outputGraceMs: number
  onData: (source: 'stdout' | 'stderr', chunk: Buffer) => void
  onStart: (pid: number) => void
}

export interface Exit {
  exitCode: number
  signal: NodeJS.Signals | undefined
}

/** Path of a Node 24: the running one, or that of the `node` package. */
export function node24(): string {
  if (process.versions.node.startsWith('24.')) return process.execPath
  return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
}

/**
 * Options with which Node keeps what it has compiled of an action, in the directory that `SANDBOX_COMPILE_CACHE` names:
 * an action that is run thousands of times is otherwise read anew each time, which is a fifth of a short run. An option
 * and no `NODE_COMPILE_CACHE`, which the action would hand on.
 */
export function compileCache(): string[] {
  const directory = process.env['SANDBOX_COMPILE_CACHE']
  if (!directory) return []
  const script = `import { enableCompileCache } from "node:module"; enableCompileCache(${JSON.stringify(directory)})`
  return ['--import', `data:text/javascript,${encodeURIComponent(script)}`]
}

/** A running entry process, started and signalled as actions/runner `src/Runner.Sdk/ProcessInvoker.cs` does it. */
export class Execution {
  /** Settles when the process has ended and its output is closed, or a grace period after its end. */
  readonly finished: Promise<Exit>
  readonly pid: number
  private readonly signal: (name: NodeJS.Signals) => void
  private done = false

  private constructor(pid: number, finished: Promise<Exit>, signal: (name: NodeJS.Signals) => void) {
    this.pid = pid
    this.finished = finished.finally(() => {
      this.done = true
    })
    this.signal = signal
  }

  static async start(program: Program): Promise<Execution> {
    const [stdout, stderr] = await outputPipes(program.temp)
    // A session of its own keeps the terminal's Ctrl-C, and signals to "my process group", away from the tests.
    const child = spawn(program.file, program.args, {
      cwd: program.cwd,
      env: program.env,
      stdio: ['ignore', stdout.end, stderr.end],
      detached: true,
    })
    stdout.release()
    stderr.release()
    const streams = { stdout: stdout.read() ?? child.stdout, stderr: stderr.read() ?? child.stderr }
    const closed = Promise.all([
      drain(streams.stdout, (chunk) => program.onData('stdout', chunk)),
      drain(streams.stderr, (chunk) => program.onData('stderr', chunk)),
    ])
    const exited = new Promise<Exit>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        resolve({ exitCode: code ?? 128 + (signal ? constants.signals[signal] : 0), signal: signal ?? undefined })
      })
    })
    if (child.pid === undefined) {
      streams.stdout?.destroy()
      streams.stderr?.destroy()
      await exited
      throw new Error(`${program.file} could not be started`)
    }
    program.onStart(child.pid)
    const finished = exited.then(async (exit) => {
      await Promise.race([closed, sleep(program.outputGraceMs, undefined, { ref: false })])
      streams.stdout?.destroy()
      streams.stderr?.destroy()
      return exit
    })
    return new Execution(child.pid, finished, (name) => void child.kill(name))
  }

  /** Plays a cancel plan's signals. Only the entry process gets them. False where it had already ended. */
  async cancel(plan: CancelPlan): Promise<boolean> {
    if (this.done) return false
    if (plan.sequence === 'kill') {
      this.signal('SIGKILL')
      return true
    }
    this.signal('SIGINT')
    if (plan.sequence === 'int' || (await this.endsWithin(plan.intMs ?? INT_MS))) return true
    this.signal('SIGTERM')
    if (await this.endsWithin(plan.termMs ?? TERM_MS)) return true
    this.signal('SIGKILL')
    return true
  }

  private async endsWithin(ms: number): Promise<boolean> {
    const timeout = new AbortController()
    const late = sleep(ms, false, { signal: timeout.signal }).catch(() => false)
    const ended = await Promise.race([this.finished.then(() => true), late])
    timeout.abort()
    return ended
  }
}

async function drain(stream: Readable | null, onData: (chunk: Buffer) => void): Promise<void> {
  if (!stream) return
  stream.on('data', onData)
  // An error here is a destroyed stream, whose `close` follows.
  stream.on('error', () => {})
  await new Promise((resolve) => stream.on('close', resolve))
}
