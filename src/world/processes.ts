import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import type { Clock, Deadline } from './clock.ts'
import { startable } from './startable.ts'
import { CHILD, endSurvivors } from './survivors.ts'

/** Starts programs of the project: each in a process group of its own, which never outlives the call. */
export interface Processes {
  /** Resolves when the program has ended, whatever its exit code. Throws ProgramNotFound. */
  run(command: Command): Promise<Finished>
}

export interface Command {
  program: string
  args: readonly string[]
  cwd: string
  /** The whole environment of the program, but for the mark by which what it leaves behind is found. */
  env: Readonly<Record<string, string>>
  /** Told of each line of stdout and stderr, raw: it is for the caller to make it safe. */
  onLine: (line: string) => void
}

export interface Finished {
  /** Exit code; 128 + signal number when a signal ended it. */
  code: number
  /** The last lines of its output, for the error message. */
  tail: readonly string[]
}

export class ProgramNotFound extends Error {
  readonly program: string

  constructor(program: string) {
    super(`${program} was not found`)
    this.name = 'ProgramNotFound'
    this.program = program
  }
}

const TAIL_LINES = 40
const LINE_LIMIT = 16 * 1024
/** More output than this is counted, not shown: a build in a loop must not fill the log. */
const SHOWN_LINES = 50_000
const SHOWN_CHARACTERS = 16 * 1024 * 1024
/** As much of a line as an error message may repeat. */
const TAIL_LINE = 1_000
/** How long a cancelled program may take to clean up after itself, in ms; the runner itself grants 7.5 s in all. */
const GRACE = 1_500

export interface ProcessesOptions {
  clock: Clock
  /** Asks the programs to end (SIGINT), as the runner asks us. */
  signal: AbortSignal
  /** Ends them at once. */
  lastSignal: AbortSignal
  /** What marks everything that is started here, directly or not; unique on this machine. */
  mark: string
}

export function createProcesses(options: ProcessesOptions): Processes {
  let started = 0
  return {
    run: (command) => {
      started += 1
      return runInGroup(command, started, options)
    },
  }
}

async function runInGroup(
  command: Command,
  number: number,
  { clock, signal, lastSignal, mark }: ProcessesOptions,
): Promise<Finished> {
  signal.throwIfAborted()
  const { program, args } = startable(command)
  const child = spawn(program, args, {
    cwd: command.cwd,
    env: { ...command.env, [CHILD]: `${mark}.${String(number)}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  const output = new Lines(command.onLine)
  const flushOut = output.follow(child.stdout)
  const flushErr = output.follow(child.stderr)
  const kill = (): void => {
    end(child, 'SIGKILL')
    endSurvivors(mark, number)
  }
  let grace: Deadline | undefined
  const stop = (): void => {
    end(child, 'SIGINT')
    grace = clock.deadline(GRACE)
    grace.signal.addEventListener('abort', kill)
  }
  signal.addEventListener('abort', stop, { once: true })
  lastSignal.addEventListener('abort', kill, { once: true })
  process.once('exit', kill)
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', (error) => {
        reject('code' in error && error.code === 'ENOENT' ? new ProgramNotFound(command.program) : error)
      })
      // `exit`, not `close`: a daemon that keeps the pipes open must not keep us waiting.
      child.on('exit', (exitCode, exitSignal) => {
        resolve(exitCode ?? 128 + (exitSignal ? constants.signals[exitSignal] : 0))
      })
    })
    await drained(child.stdout, child.stderr, clock)
    flushOut()
    flushErr()
    signal.throwIfAborted()
    return { code, tail: output.tail }
  } finally {
    signal.removeEventListener('abort', stop)
    lastSignal.removeEventListener('abort', kill)
    process.off('exit', kill)
    grace?.[Symbol.dispose]()
    kill()
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

function ended(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.readable) resolve()
    else stream.once('close', resolve).once('end', resolve)
  })
}

/** Waits for what the program had written when it ended; a survivor that holds the pipes open is given 200 ms. */
async function drained(out: NodeJS.ReadableStream, err: NodeJS.ReadableStream, clock: Clock): Promise<void> {
  using deadline = clock.deadline(200)
  const limit = new Promise<void>((resolve) => {
    deadline.signal.addEventListener('abort', () => {
      resolve()
    })
  })
  await Promise.race([Promise.all([ended(out), ended(err)]), limit])
}

/**
 * How a program is ended on this system together with what it has started: by a signal to its group, or, on Windows,
 * where there are neither groups nor signals, by the program that knows the tree. That one is named by its place, since
 * the project's own programs come first on PATH.
 */
export function ending(
  pid: number,
  platform: NodeJS.Platform = process.platform,
  systemRoot: string = process.env['SystemRoot'] ?? String.raw`C:\Windows`,
): { group: number } | { program: string; args: readonly string[] } {
  if (platform !== 'win32') return { group: -pid }
  const program = path.win32.join(systemRoot, 'System32', 'taskkill.exe')
  return { program, args: ['/pid', String(pid), '/t', '/f'] }
}

function end({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  const how = ending(pid)
  if ('program' in how) {
    // Of a program that has ended, Windows knows no tree any more, and may have given its number to another.
    if (exitCode === null && signalCode === null)
      spawnSync(how.program, how.args, { stdio: 'ignore', windowsHide: true })
    return
  }
  try {
    process.kill(how.group, signal)
  } catch (error) {
    // Nobody is left in the group, or (EPERM, on macOS) only the dead: that is what was wanted.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error
  }
}

/** Splits output into lines, keeps the last of them and stops showing them when there are too many. */
class Lines {
  readonly tail: string[] = []
  readonly #show: (line: string) => void
  #count = 0
  #characters = 0

  constructor(show: (line: string) => void) {
    this.#show = show
  }

  follow(stream: NodeJS.ReadableStream): () => void {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      if (rest.length > LINE_LIMIT) {
        lines.push(rest)
        rest = ''
      }
      for (const line of lines) this.#add(line)
    })
    return () => {
      const last = rest + decoder.end()
      rest = ''
      if (last) this.#add(last)
    }
  }

  #add(line: string): void {
    const wasShown = this.#isShown()
    this.#count += 1
    this.#characters += line.length
    if (wasShown) this.#show(line)
    if (wasShown && !this.#isShown()) this.#show('[further output is not shown]')
    this.tail.push(line.slice(0, TAIL_LINE))
    if (this.tail.length > TAIL_LINES) this.tail.shift()
  }

  #isShown(): boolean {
    return this.#count < SHOWN_LINES && this.#characters < SHOWN_CHARACTERS
  }
}
