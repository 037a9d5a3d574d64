import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Reads what `writeJson` wrote; `initial` where nothing was written yet. The file is trusted: only the sandbox writes it. */
export function readJson<T>(path: string, initial: T): T {
  if (!existsSync(path)) return initial
  const value: T = JSON.parse(readFileSync(path, 'utf8'))
  return value
}

/**
 * Replaces the file in one rename, so that a process killed at any moment leaves the old text or the new one.
 * Synchronous on purpose: between two of these no other request can see half a change.
 */
export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  const scratch = `${path}.${String(process.pid)}.tmp`
  writeFileSync(scratch, `${JSON.stringify(value, null, 1)}\n`)
  renameSync(scratch, path)
}
