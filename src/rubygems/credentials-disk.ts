import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import process from 'node:process'
import { ReleaseError } from '../errors.ts'

/** What the rules depend on besides the files. On Windows modes and owners mean nothing and are not looked at. */
export interface CredentialsHost {
  platform: NodeJS.Platform
  /** The effective user id; undefined where there is none. */
  uid: number | undefined
}

/** The permission bits RubyGems insists on (`Gem::ConfigFile#check_credentials_permissions`). */
export const PRIVATE = 0o600

/** Bytes; a file of keys is far below, and anything above is not one. */
const LARGEST = 1024 * 1024

/** Bytes; more than is ever added to it: an entry in the file, a line in its backup. */
const ADDED = 64 * 1024

export function thisHost(): CredentialsHost {
  return { platform: process.platform, uid: process.geteuid?.() }
}

export function refusal(path: string, rule: string, fix: string, cause?: unknown): ReleaseError {
  const what = `The gem credentials file ${path} cannot be used.`
  return new ReleaseError({ code: 'credentials-file', what, why: rule, fix }, cause === undefined ? {} : { cause })
}

/** The system's word for what went wrong (`EACCES`), or the error's name. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Of a path itself, not of what a link points to; undefined when nothing is there. */
async function lstatIfAny(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function checkOwner(path: string, what: string, stats: Stats, host: CredentialsHost): void {
  if (host.platform === 'win32' || host.uid === undefined || stats.uid === host.uid) return
  const rule = `${what} belongs to user ${stats.uid}, and this job runs as user ${host.uid}: its owner could read the key.`
  throw refusal(path, rule, 'Set HOME to a directory of the user this job runs as, or change the owner.')
}

/** Refuses a parent directory that leads elsewhere or belongs to somebody else. A missing one is fine. */
export async function checkParent(path: string, host: CredentialsHost): Promise<void> {
  const parent = dirname(path)
  const stats = await lstatIfAny(parent)
  if (!stats) return
  if (stats.isSymbolicLink()) {
    throw refusal(path, `${parent} is a symbolic link, so the key would be written elsewhere.`, `Make it a directory.`)
  }
  if (!stats.isDirectory()) throw refusal(path, `${parent} is not a directory.`, 'Remove it.')
  checkOwner(path, parent, stats, host)
}

/** Refuses a path in the checkout, by name or through links: what is there may be cached, uploaded or committed. */
export async function checkOutside(path: string, workspace: string): Promise<void> {
  if (!isAbsolute(path)) throw refusal(path, 'Its path is not absolute.', 'Set HOME to an absolute path.')
  if (workspace === '') return
  const real = [await realLocation(workspace), await realLocation(path)] as const
  if (!isInside(resolve(workspace), resolve(path)) && !isInside(...real)) return
  const rule = 'It lies in the workspace, where a key could be committed, cached or uploaded.'
  throw refusal(path, rule, 'Set HOME to a directory outside the workspace.')
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

async function realLocation(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    return dirname(path) === path ? path : join(await realLocation(dirname(path)), basename(path))
  }
}

/** What a file holds, and its permission bits; undefined where there is none. */
export type Content = { bytes: Buffer; mode: number } | undefined

export interface OwnFile {
  bytes: Buffer
  mode: number
  /** Another one means that somebody has written to the file, or has put another in its place. */
  identity: string
}

/**
 * A regular file of ours with no second name; undefined when nothing is there. Anything else is refused. The checks are
 * made on the open file, so that it cannot be exchanged after them.
 */
export async function readOwn(path: string, host: CredentialsHost): Promise<OwnFile | undefined> {
  const seen = await lstatIfAny(path)
  if (!seen) return undefined
  if (seen.isSymbolicLink()) {
    throw refusal(path, 'It is a symbolic link, so the key would be written elsewhere.', 'Replace it by a file.')
  }
  if (!seen.isFile()) throw refusal(path, 'It is not a regular file.', 'Remove it.')
  // O_NONBLOCK: a FIFO put there since would block the job for ever.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stats = await file.stat()
  if (!stats.isFile()) throw refusal(path, 'It is not a regular file.', 'Remove it.')
  checkOwner(path, 'It', stats, host)
  if (stats.nlink > 1) {
    throw refusal(path, 'It has a second name (a hard link), under which the old content would stay.', 'Copy the file.')
  }
  if (stats.size > LARGEST + ADDED) throw tooLarge(path)
  return { bytes: await file.readFile(), mode: stats.mode & 0o7777, identity: identityOf(seen) }
}

function tooLarge(path: string): ReleaseError {
  return refusal(path, 'It is larger than a file of keys can be.', 'Move it away.')
}

function identityOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ')
}

/** Whether the file is the one that was read, untouched; or still not there, where there was none. */
async function isStill(path: string, seen: OwnFile | undefined): Promise<boolean> {
  const stats = await lstatIfAny(path)
  return seen?.identity === (stats && identityOf(stats))
}

/** Creates the file, with exactly these permission bits whatever the umask is; it must not exist yet. */
export async function createFile(path: string, bytes: Uint8Array, mode: number, host: CredentialsHost): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  await using file = await open(path, flags, PRIVATE)
  await file.writeFile(bytes)
  if (host.platform !== 'win32') await file.chmod(mode)
  await file.sync()
}

/** What was decided from a file no longer holds: another job has changed it in the same moment. */
class ChangedMeanwhile extends ReleaseError {}

export function changedMeanwhile(path: string): ReleaseError {
  return new ChangedMeanwhile(refusal(path, 'Other jobs keep changing it.', 'Run this job again.').problems[0])
}

/** Starts over where another job was a moment faster. */
export async function untilUndisturbed<T>(body: () => Promise<T>, attempts = 10): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (attempts === 1 || !(error instanceof ChangedMeanwhile)) throw error
    return untilUndisturbed(body, attempts - 1)
  }
}

/**
 * Puts the content, or its absence, in the place of the file that was read, at once or not at all. Throws what makes
 * `untilUndisturbed` start over where that file is not there any more: no call of the system compares and replaces in
 * one, so the look at it is the very last thing before.
 */
export async function replaceFile(
  path: string,
  seen: OwnFile | undefined,
  content: Content,
  temporary: string,
  host: CredentialsHost,
): Promise<void> {
  await remove(temporary)
  try {
    if (content) await createFile(temporary, content.bytes, content.mode, host)
    if (!(await isStill(path, seen))) throw changedMeanwhile(path)
    if (content) await rename(temporary, path)
    else await remove(path)
  } catch (error) {
    await remove(temporary)
    throw error
  }
}

export async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** Whether anything is there, be it a link that leads nowhere; also where that may not be known. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => reasonOf(error) !== 'ENOENT',
  )
}

/** Names in a directory; none where there is no such directory. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await isThere(directory)) ? readdir(directory) : []
}

/** The directories above the path that do not exist yet, outermost first. */
export async function missingDirectories(path: string): Promise<string[]> {
  const parent = dirname(path)
  if (await lstatIfAny(parent)) return []
  return [...(await missingDirectories(parent)), parent]
}

export async function createDirectories(directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    await mkdir(directory, 0o700).catch((error: unknown) => {
      // Another job on this machine was a moment faster; whether the directory will do is checked again.
      if (reasonOf(error) !== 'EEXIST') throw error
    })
  }
}

/** Removes those that are empty; somebody else's files in them are a reason to keep them. */
export async function removeEmpty(directories: readonly string[]): Promise<void> {
  for (const directory of directories.toReversed()) await rmdir(directory).catch(() => undefined)
}

/** As RubyGems asks (`File.exist?`): through links, and false when it may not be known. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

/** Refuses bytes that would not come out again as they are. */
export function decode(path: string, bytes: Uint8Array): string {
  if (bytes.length > LARGEST) throw tooLarge(path)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw refusal(path, 'It is not UTF-8 text.', 'Write it again with an editor, or move it away.', error)
  }
}
