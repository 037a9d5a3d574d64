import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ReleaseError } from '../errors.ts'

/** Variables that name the files through which a step speaks to the runner. */
const VARIABLES = ['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const

type Content = Buffer | 'absent' | 'no file'

/**
 * The files through which a step speaks to the runner: environment, PATH, outputs, state, summary. Hiding their names
 * from a program does not hide the files, which have a known place below RUNNER_TEMP (actions/runner
 * src/Runner.Worker/FileCommandManager.cs). So they are compared before and after each program of the project, and
 * whenever something must not happen in a job whose later steps somebody else has furnished. Only ours: the runner reads
 * no other file for this step, and beside them are those of steps that run at the same time (`background`, `parallel`).
 */
export class CommandFiles {
  readonly #named: ReadonlyMap<string, string>
  readonly #known = new Map<string, Content>()
  /** Changes that a write of our own came after. */
  readonly #noticed = new Set<string>()

  constructor(env: Readonly<Record<string, string | undefined>>) {
    const named = VARIABLES.flatMap((name) => {
      const file = env[name]
      return file ? [[path.resolve(file), name] as const] : []
    })
    this.#named = new Map(named)
    for (const file of named.map(([name]) => name)) this.#known.set(file, read(file))
  }

  /** A write of ours: whatever else is new in that file stays noticed. */
  write(variable: (typeof VARIABLES)[number], write: () => void): void {
    const [file] = [...this.#named].find(([, name]) => name === variable) ?? []
    if (file !== undefined && !same(read(file), this.#known.get(file))) this.#noticed.add(file)
    write()
    if (file !== undefined) this.#known.set(file, read(file))
  }

  /**
   * Throws ReleaseError (`tampered-job`) where a file is not as we left it. What the runner would have read is put back
   * before, so that later steps do not get it.
   */
  check(): void {
    const changed = [...this.#named.keys()].filter(
      (file) => this.#noticed.has(file) || !same(read(file), this.#known.get(file)),
    )
    if (changed.length === 0) return
    const undone = changed.map((file) => this.#putBack(file))
    this.#noticed.clear()
    throw tampered(
      changed.map((file) => this.#named.get(file) ?? ''),
      undone.every(Boolean),
    )
  }

  /** Whether the runner now reads again what it would have read. */
  #putBack(file: string): boolean {
    const before = this.#known.get(file)
    // Where the runner had made none, it reads none.
    if (!Buffer.isBuffer(before)) {
      this.#known.set(file, read(file))
      return true
    }
    try {
      rmSync(file, { recursive: true, force: true })
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, before, { flag: 'wx', mode: 0o644 })
      return true
    } catch {
      return false
    }
  }
}

/** Never follows a link, and never waits for a pipe. */
function read(file: string): Content {
  try {
    return lstatSync(file).isFile() ? readFileSync(file) : 'no file'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'absent' : 'no file'
  }
}

function same(one: Content, other: Content | undefined): boolean {
  return Buffer.isBuffer(one) && Buffer.isBuffer(other) ? one.equals(other) : one === other
}

function tampered(names: readonly string[], undone: boolean): ReleaseError {
  return new ReleaseError({
    code: 'tampered-job',
    what: `Code of the project wrote to the files through which this step speaks to the runner: ${names.join(', ')}.`,
    why: `The runner would make environment, PATH and outputs of later steps of it. Their names are kept from that code, so that this is no accident. ${
      undone
        ? 'What was written was taken out again.'
        : 'It could not be taken out again: later steps of this job get it.'
    }`,
    fix: 'Look for what writes below `_runner_file_commands`: gemspec, Rakefile, the build, or a gem they load. Where it is meant to be, let a step of its own do it.',
  })
}
