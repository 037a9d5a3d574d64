import { hostname } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ReleaseError } from '../errors.ts'
import type { Secret } from '../world/secret.ts'
import {
  type Backup,
  backupPath,
  backupsOf,
  createBackup,
  digestOf,
  ended,
  leadsNowhere,
  removeBackup,
  spent,
  temporaryPath,
  traceBack,
} from './credentials-backup.ts'
import {
  changedMeanwhile,
  checkOutside,
  checkParent,
  type Content,
  createDirectories,
  type CredentialsHost,
  decode,
  exists,
  missingDirectories,
  type OwnFile,
  PRIVATE,
  readOwn,
  reasonOf,
  refusal,
  remove,
  removeEmpty,
  replaceFile,
  sha256,
  thisHost,
  untilUndisturbed,
} from './credentials-disk.ts'
import type { CredentialsReceipt } from './credentials-receipt.ts'
import { mergeCredentials } from './credentials-text.ts'

export interface WriteCredentials {
  path: string
  /** From `credentialsKey`. */
  key: string
  secret: Secret
  /** The checkout, in which nothing is written; empty when there is none. */
  workspace: string
  /** The private directory of this step: as long as it is there, this write is in use. */
  owner: string
  /** Called with the receipt before anything changes, so that a run killed a moment later can be undone too. */
  remember?: (receipt: CredentialsReceipt) => void
  host?: CredentialsHost
}

export interface Written extends CredentialsReceipt {
  /** The file still held the key of a run that was lost, and is treated as what it was before that. */
  recovered: boolean
}

export interface Restored {
  outcome: 'restored' | 'removed' | 'left'
  /** One sentence for the log; quotes nothing from the file. */
  reason: string
}

/**
 * Where RubyGems looks for the file: `~/.gem/credentials` if it exists, else `$XDG_DATA_HOME/gem/credentials`, by
 * default below `~/.local/share` (`Gem::ConfigFile#credentials_path` since RubyGems 3.2). Throws `credentials-file`
 * without a home directory.
 */
export async function credentialsPath(env: {
  HOME?: string | undefined
  XDG_DATA_HOME?: string | undefined
  USERPROFILE?: string | undefined
}): Promise<string> {
  const home = env.HOME || env.USERPROFILE || ''
  if (!isAbsolute(home)) {
    throw refusal('~/.gem/credentials', 'HOME is not set to an absolute path.', 'Set HOME for this step.')
  }
  const classic = join(home, '.gem', 'credentials')
  if (await exists(classic)) return classic
  const data = env.XDG_DATA_HOME ?? join(home, '.local', 'share')
  const shared = join(data, 'gem', 'credentials')
  // A relative XDG_DATA_HOME means another file in every directory; nothing can be relied on to be there.
  if (isAbsolute(data) && (await exists(shared))) return shared
  // RubyGems before 3.2 looks nowhere else, and every later version looks there first.
  return classic
}

/**
 * Writes the secret under the key and leaves every other line as it is. The file changes at once or not at all, and has
 * mode 0600 from its first byte on. What it was is kept beside it. Where a run was lost that should have put it back, that
 * comes first: only what was there before it counts.
 *
 * Throws `credentials-file` when the file, its directory or its content is not plainly ours to change; nothing has
 * changed then.
 */
export async function writeCredentials(options: WriteCredentials): Promise<Written> {
  try {
    return await untilUndisturbed(() => write(options, options.host ?? thisHost()))
  } catch (error) {
    // Anything but the system's refusal is a defect, and passes through as one.
    if (!(error instanceof Error && 'syscall' in error)) throw error
    const rule = `The system refused to read or write it (${reasonOf(error)}).`
    const fix = 'Make it readable and its directory writable for the user this job runs as, or set HOME to another one.'
    throw refusal(options.path, rule, fix, error)
  }
}

async function write(options: WriteCredentials, host: CredentialsHost): Promise<Written> {
  const { path, workspace } = options
  await checkOutside(path, workspace)
  await checkParent(path, host)
  const now = await readOwn(path, host)
  const beside = await backupsOf(path, host)
  const lost = await ended(beside)
  const way = traceBack(now, beside, lost)
  const { original, trail } = way
  const over = spent(way, beside, lost)
  const bytes = merge(options, original)
  const missing = await missingDirectories(path)
  const receipt = {
    ...newReceipt(options, bytes, original, [...directoriesOf(over), ...missing]),
    // Two writes within a millisecond have an order as well.
    writtenAt: Math.max(Date.now(), ...beside.map((backup) => backup.receipt.writtenAt + 1)),
  }
  options.remember?.(receipt)
  try {
    await createDirectories(missing)
    await checkParent(path, host)
    await createBackup(receipt, original, host)
    await replaceFile(path, now, { bytes, mode: PRIVATE }, temporaryPath(receipt.backup), host)
  } catch (error) {
    await removeBackup(receipt.backup)
    await removeEmpty(missing)
    throw error
  }
  for (const backup of lost) await remove(temporaryPath(backup.path))
  for (const backup of over) await removeBackup(backup.path)
  return { ...receipt, recovered: trail.length > 0 }
}

function merge({ path, key, secret }: WriteCredentials, original: Content): Buffer {
  const text = original ? decode(path, original.bytes) : ''
  return Buffer.from(mergeCredentials(text, key, secret.reveal(), `The gem credentials file ${path}`))
}

function newReceipt(
  { path, owner }: WriteCredentials,
  written: Buffer,
  original: Content,
  createdDirectories: readonly string[],
): Omit<CredentialsReceipt, 'writtenAt'> {
  const writtenSha256 = sha256(written)
  return {
    path,
    writtenSha256,
    owner,
    host: hostname(),
    backup: backupPath(path, writtenSha256),
    ...(original && { previous: { sha256: sha256(original.bytes), mode: original.mode } }),
    // Each is part of the path of the next, and sorts before it.
    createdDirectories: [...new Set(createdDirectories)].toSorted(),
  }
}

/**
 * Puts back what was there before, byte for byte and with its mode, if the file still holds what was written, or what
 * another run wrote on top of it that is over; removes it, and the directories made for it, if there was none. A file
 * somebody has changed since is left alone, and its backup with it. May be called again. Several writes are undone last
 * first. Never throws: this runs after the job.
 */
export async function restoreCredentials(receipt: CredentialsReceipt, host = thisHost()): Promise<Restored> {
  try {
    await checkParent(receipt.path, host)
    return await untilUndisturbed(() => restore(receipt, host))
  } catch (error) {
    const why = error instanceof ReleaseError ? error.problems[0].why : `The system said ${reasonOf(error)}.`
    return left(`${receipt.path} was not put back: ${why ?? ''}`)
  }
}

async function restore(receipt: CredentialsReceipt, host: CredentialsHost): Promise<Restored> {
  const { path } = receipt
  await remove(temporaryPath(receipt.backup))
  const now = await readOwn(path, host)
  const beside = withOwn(receipt, await backupsOf(path, host))
  const own = beside.find((backup) => isOf(backup, receipt))
  const others = beside.filter((backup) => backup.path !== receipt.backup)
  const mayUse = [...(own ? [own] : []), ...(await ended(others))]
  const way = traceBack(now, beside, mayUse)
  const { original, trail } = way
  const followed = own !== undefined && trail.includes(own)
  if (!followed && digestOf(original) !== receipt.previous?.sha256) return leave(receipt, now, beside)
  if (trail.length > 0) await putBack(receipt, now, original, host)
  const over = spent(way, beside, mayUse)
  for (const backup of over) await removeBackup(backup.path)
  if (original) return { outcome: 'restored', reason: `${path} is as it was before this run.` }
  await removeEmpty([...receipt.createdDirectories, ...directoriesOf(over)])
  return { outcome: 'removed', reason: `${path} is gone again: there was none before this run.` }
}

/** To know that there was no file, the receipt is enough, should its backup be gone. */
function withOwn(receipt: CredentialsReceipt, beside: readonly Backup[]): Backup[] {
  const known = receipt.previous !== undefined || beside.some((backup) => isOf(backup, receipt))
  return known ? [...beside] : [{ path: receipt.backup, receipt, content: Buffer.alloc(0) }, ...beside]
}

function isOf(backup: Backup, { backup: path, previous }: CredentialsReceipt): boolean {
  return backup.path === path && backup.receipt.previous?.sha256 === previous?.sha256
}

async function putBack(
  { path, backup }: CredentialsReceipt,
  now: OwnFile | undefined,
  original: Content,
  host: CredentialsHost,
): Promise<void> {
  await replaceFile(path, now, original, temporaryPath(backup), host)
  // Whoever wrote to it in this very moment needs the backups, to get to what was there before.
  if (digestOf(await readOwn(path, host)) !== digestOf(original)) throw changedMeanwhile(path)
}

/** Keeps the backup, but one that only says that there was no file: it would be of use to nobody. */
async function leave(receipt: CredentialsReceipt, now: Content, beside: readonly Backup[]): Promise<Restored> {
  const { path, writtenSha256, backup, previous } = receipt
  const own = beside.find((each) => isOf(each, receipt))
  if (!own && digestOf(now) === writtenSha256) {
    return left(`${path} still holds this run's key: the copy of what it held before is missing or changed.`)
  }
  if (own && leadsNowhere(own, beside)) await removeBackup(backup)
  const kept = own && previous ? `; its previous content is in ${backup}.` : '.'
  return left(`${path} was ${now ? 'changed' : 'removed'} by somebody else since${kept}`)
}

function directoriesOf(backups: readonly Backup[]): string[] {
  return backups.flatMap(({ receipt }) => receipt.createdDirectories)
}

function left(reason: string): Restored {
  return { outcome: 'left', reason }
}
