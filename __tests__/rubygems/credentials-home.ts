import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import {
  type CredentialsReceipt,
  writeCredentials,
  type WriteCredentials,
} from '../../src/rubygems/credentials-file.ts'
import { Secret } from '../../src/world/secret.ts'

export const KEY = ':rubygems_api_key'
export const SECRET = 'rubygems_5ec4e7'
export const OLD = 'rubygems_01d5ec4e7'

/** One machine in small. */
export interface Place {
  root: string
  home: string
  path: string
  /** The private directory for copies. */
  backups: string
  workspace: string
}

let place: Place | undefined

export function here(): Place {
  if (!place) throw new Error('usePlace() was not called')
  return place
}

/** A new place for every test, and nothing of it left after. */
export function usePlace(): void {
  let umask = 0
  beforeEach(() => {
    umask = process.umask(0o022)
    const root = mkdtempSync(join(realpathSync(tmpdir()), 'credentials-file-'))
    const home = join(root, 'home')
    const path = join(home, '.gem', 'credentials')
    place = { root, home, path, backups: join(root, 'temp'), workspace: join(root, 'work') }
    mkdirSync(place.home)
    mkdirSync(place.workspace)
    mkdirSync(place.backups, { mode: 0o700 })
  })
  afterEach(() => {
    process.umask(umask)
    rmSync(here().root, { recursive: true })
  })
}

export function write(changes: Partial<WriteCredentials> = {}): Promise<CredentialsReceipt> {
  const { path, workspace, backups: backupDirectory } = here()
  return writeCredentials({ path, key: KEY, secret: new Secret(SECRET), workspace, backupDirectory, ...changes })
}

/** As the post step gets it: through the action's state. */
export function kept(receipt: CredentialsReceipt): CredentialsReceipt {
  const text = JSON.stringify(receipt)
  expect(text).not.toContain('rubygems_')
  return JSON.parse(text)
}

export async function refusal(action: Promise<unknown>): Promise<ReleaseError> {
  const error = await action.then(
    () => new Error('nothing was refused'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof ReleaseError) return error
  throw error
}

/** Every name below a directory with its type, mode and content: what "as before" means. */
export function snapshot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(directory, name)
      const stats = lstatSync(path)
      const mode = (stats.mode & 0o7777).toString(8)
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
      if (stats.isFile())
        return `${name} ${mode} ${stats.nlink} ${stats.uid} ${JSON.stringify(readFileSync(path, 'latin1'))}`
      return `${name} ${mode} ${stats.uid} ${stats.isDirectory() ? 'directory' : 'special'}`
    })
}
