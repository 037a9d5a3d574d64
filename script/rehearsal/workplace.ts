import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Stop } from './options.ts'

export interface Ended {
  /** 1 where a signal ended it. */
  code: number
  /** Standard output and standard error as they came. */
  output: string
}

/**
 * The one directory a rehearsal writes to. Programs started here have a HOME inside it, so that neither the user's gems
 * and credentials nor the user's git configuration are read or written.
 */
export class Workplace implements Disposable {
  readonly directory: string
  /** Aborted by Ctrl-C or SIGTERM; what is under way then ends, and is removed like anything else. */
  readonly signal: AbortSignal
  readonly #keep: boolean
  readonly #stop: () => void

  constructor(keep: boolean) {
    this.directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'rehearsal-')))
    this.#keep = keep
    const controller = new AbortController()
    this.signal = controller.signal
    this.#stop = () => {
      controller.abort()
    }
    process.on('SIGINT', this.#stop).on('SIGTERM', this.#stop)
    mkdirSync(this.below('home'))
    mkdirSync(this.below('tmp'))
    // A project may belong to somebody else, as on a mounted disk; reading it is what the user has asked for.
    writeFileSync(this.below('gitconfig'), '[safe]\n\tdirectory = *\n')
  }

  below(...names: string[]): string {
    return path.join(this.directory, ...names)
  }

  /**
   * Runs a program to its end. `env` is added to an environment with nothing of the user's but PATH. Throws Stop where the
   * user has stopped the rehearsal.
   */
  async run(program: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
    const child = spawn(program, args, {
      cwd,
      env: { ...this.#environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: this.signal,
    })
    const parts: Buffer[] = []
    child.stdout.on('data', (part: Buffer) => parts.push(part))
    child.stderr.on('data', (part: Buffer) => parts.push(part))
    const ended = await new Promise<Ended>((resolve) => {
      child.on('error', (error) => {
        resolve({ code: 1, output: `${program}: ${error.message}` })
      })
      child.on('close', (code) => {
        resolve({ code: code ?? 1, output: Buffer.concat(parts).toString('utf8').trimEnd() })
      })
    })
    this.goOn()
    return ended
  }

  /** Throws Stop where the user has stopped the rehearsal. */
  goOn(): void {
    if (this.signal.aborted) throw new Stop('Rehearsal stopped.', 130)
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#stop).off('SIGTERM', this.#stop)
    if (!this.#keep) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  #environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.below('home'),
      TMPDIR: this.below('tmp'),
      LANG: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: this.below('gitconfig'),
      GIT_TERMINAL_PROMPT: '0',
      // `git status` would otherwise refresh the project's index.
      GIT_OPTIONAL_LOCKS: '0',
    }
  }
}
