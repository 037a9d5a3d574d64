import { randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import {
  cp,
  type FileHandle,
  glob,
  mkdir,
  mkdtemp,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'

/** In bytes; a project of hundreds of gems is described in less. */
const LARGEST_ANSWER = 32 * 1024 * 1024

/** Without O_NONBLOCK, opening a pipe waits for its writer. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Text of a regular file of at most `largest` bytes, which is closed; undefined for anything else. */
async function textOf(file: FileHandle, largest = Number.POSITIVE_INFINITY): Promise<string | undefined> {
  try {
    const found = await file.stat()
    return found.isFile() && found.size <= largest ? await file.readFile('utf8') : undefined
  } finally {
    await file.close()
  }
}

/** The file system, as far as the steps need it. */
export const files = {
  /** A private directory (0700) below `parent`. */
  async privateDirectory(parent: string): Promise<string> {
    return mkdtemp(path.join(parent, `release-gem-${randomUUID().slice(0, 8)}-`))
  },

  async makeDirectory(target: string): Promise<void> {
    await mkdir(target, { recursive: true })
  },

  /** Copies a directory with everything below it; links stay links. */
  async copyDirectory(source: string, target: string): Promise<void> {
    await cp(source, target, { recursive: true, verbatimSymlinks: true })
  },

  /** When a file was last written, in ms since 1970; undefined where there is none. */
  async writtenAt(target: string): Promise<number | undefined> {
    return stat(target).then(
      (found) => found.mtimeMs,
      () => undefined,
    )
  },

  async remove(target: string): Promise<void> {
    await rm(target, { recursive: true, force: true, maxRetries: 3 })
  },

  /** User id of the owner; undefined where there is nothing, or on Windows. */
  async owner(target: string): Promise<number | undefined> {
    if (process.platform === 'win32') return undefined
    return stat(target).then(
      ({ uid }) => uid,
      () => undefined,
    )
  },

  async exists(target: string): Promise<boolean> {
    return stat(target).then(
      () => true,
      () => false,
    )
  },

  async isDirectory(target: string): Promise<boolean> {
    return stat(target).then(
      (found) => found.isDirectory(),
      () => false,
    )
  },

  /** Text of a file, or undefined where there is none; what is no regular file, as a pipe that may never end, is none. */
  async text(target: string): Promise<string | undefined> {
    try {
      return await textOf(await open(target, READ))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  },

  /**
   * Text of a file that code of the project could have written or replaced: undefined also for what is no regular file,
   * which might never end, and for more text than any answer has.
   */
  async answer(target: string): Promise<string | undefined> {
    const file = await open(target, READ | (constants.O_NOFOLLOW ?? 0)).catch(() => undefined)
    return file && textOf(file, LARGEST_ANSWER)
  },

  async write(target: string, content: string | Uint8Array): Promise<void> {
    await writeFile(target, content, { mode: 0o600 })
  },

  /** A program that only we can run. */
  async writeProgram(target: string, content: string): Promise<void> {
    await writeFile(target, content, { mode: 0o700 })
  },

  /** Writes a file in one step: whoever reads it, even after a kill in the middle, finds the old text or the new one. */
  async replace(target: string, text: string): Promise<void> {
    const draft = `${target}.${randomUUID()}`
    await writeFile(draft, text, { mode: 0o600 })
    await rename(draft, target)
  },

  /** Names in a directory; none where it does not exist. */
  async list(directory: string): Promise<string[]> {
    return readdir(directory).catch(() => [])
  },

  /** Absolute paths of the files that match `pattern` below `directory`, sorted. */
  async matching(pattern: string, directory: string): Promise<string[]> {
    const found: string[] = []
    for await (const name of glob(pattern, { cwd: directory })) found.push(path.resolve(directory, name))
    return found.toSorted()
  },

  /** The bytes of a file, in chunks: of 256 KiB, so many wait for the garbage collector that the peak is 20 MiB higher. */
  read(target: string): AsyncIterable<Uint8Array> {
    return createReadStream(target, { highWaterMark: 32 * 1024 })
  },

  real: realpath,
}
