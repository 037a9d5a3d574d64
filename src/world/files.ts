import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, glob, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'

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

  /** Text of a file, or undefined where there is none. */
  async text(target: string): Promise<string | undefined> {
    try {
      return await readFile(target, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
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
    return createReadStream(target, { highWaterMark: 64 * 1024 })
  },

  real: realpath,
}
