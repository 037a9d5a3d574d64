import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { writeCredentials, type WriteCredentials, type Written } from '../../src/rubygems/credentials-file.ts'
import type { CredentialsReceipt } from '../../src/rubygems/credentials-receipt.ts'
import { Secret } from '../../src/world/secret.ts'

export const KEY = ':rubygems_api_key'
export const SECRET = 'rubygems_5ec4e7'
export const OLD = 'rubygems_01d5ec4e7'

/** One machine in small. */
export interface Place {
  root: string
  home: string
  path: string
  /** The private directory of the step that writes. */
  owner: string
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
    place = { root, home, path, owner: join(root, 'temp'), workspace: join(root, 'work') }
    mkdirSync(place.home)
    mkdirSync(place.workspace)
    mkdirSync(place.owner, { mode: 0o700 })
  })
  afterEach(() => {
    process.umask(umask)
    rmSync(here().root, { recursive: true })
  })
}

export function write(changes: Partial<WriteCredentials> = {}): Promise<Written> {
  const { path, workspace, owner } = here()
  return writeCredentials({ path, key: KEY, secret: new Secret(SECRET), workspace, owner, ...changes })
}

/** The private directory of another step, which is there until that step has ended or was lost. */
export function otherStep(): string {
  return mkdtempSync(join(here().root, 'step-'))
}

export function put(path: string, text: string | Uint8Array, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
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
