import { createHash } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

/** What is in a directory, by path below it: a digest for files, the kind for everything else. */
export async function snapshot(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const name of await readdir(root, { recursive: true }))
    found.set(name, await describeFile(path.join(root, name)))
  return found
}

async function describeFile(file: string): Promise<string> {
  const stat = await lstat(file)
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'link'
  if (!stat.isFile()) return 'special'
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}

/** Paths that are not as they were. */
export function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.get(name) !== after.get(name)).toSorted()
}
