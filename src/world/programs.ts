import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import path from 'node:path'

/**
 * Absolute path of a program on PATH; undefined where there is none. Directories that are missing or closed to us are
 * passed over in silence: @actions/exec tells the log about each of them. On Windows, which has more rules than this,
 * the name itself, for the system to look up.
 */
export async function findProgram(name: string, searchPath: string | undefined): Promise<string | undefined> {
  if (process.platform === 'win32') return name
  for (const directory of (searchPath ?? '').split(path.delimiter)) {
    const candidate = path.join(directory, name)
    if (path.isAbsolute(directory) && (await isProgram(candidate))) return candidate
  }
  return undefined
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
