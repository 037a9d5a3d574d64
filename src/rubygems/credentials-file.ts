import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { ReleaseError } from '../errors.ts'
import type { Secret } from '../world/secret.ts'
import {
  checkOutside,
  checkParent,
  checkPrivate,
  createDirectories,
  createFile,
  decode,
  exists,
  type CredentialsHost,
  missingDirectories,
  PRIVATE,
  readOwn,
  reasonOf,
  refusal,
  removeEmpty,
  replaceFile,
  sha256,
  temporaryPath,
  thisHost,
} from './credentials-disk.ts'
import { mergeCredentials } from './credentials-text.ts'

/**
 * Everything the post step needs to undo a write: paths, modes and digests, never a secret. JSON-serialisable, because
 * it is kept in the action's state.
 */
export interface CredentialsReceipt {
  path: string
  /** Hex SHA-256 of the whole file as written. */
  writtenSha256: string
  /** What the file held before; absent when there was no file. `mode` is the permission bits it had. */
  backup?: { path: string; sha256: string; mode: number }
  /** Outermost first. */
  createdDirectories: string[]
}

export interface WriteCredentials {
  path: string
  /** From `credentialsKey`. */
  key: string
  secret: Secret
  /** The checkout, in which nothing is written; empty when there is none. */
  workspace: string
  /** A private (0700) directory outside the checkout, for the copy of the previous file. */
  backupDirectory: string
  /** Called with the receipt before anything changes, so that a run killed a moment later can be undone too. */
  remember?: (receipt: CredentialsReceipt) => void
  host?: CredentialsHost
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
 * mode 0600 from its first byte on.
 *
 * Throws `credentials-file` when the file, its directory or its content is not plainly ours to change; nothing has
 * changed then.
 */
export async function writeCredentials(options: WriteCredentials): Promise<CredentialsReceipt> {
  try {
    return await write(options, options.host ?? thisHost())
  } catch (error) {
    // Anything but the system's refusal is a defect, and passes through as one.
    if (!(error instanceof Error && 'syscall' in error)) throw error
    const rule = `The system refused to read or write it (${reasonOf(error)}).`
    const fix = 'Make it readable and its directory writable for the user this job runs as, or set HOME to another one.'
    throw refusal(options.path, rule, fix, error)
  }
}

async function write(options: WriteCredentials, host: CredentialsHost): Promise<CredentialsReceipt> {
  const { path, key, workspace, backupDirectory } = options
  await checkOutside(path, workspace)
  await checkParent(path, host)
  await checkPrivate(path, backupDirectory, host)
  const previous = await readOwn(path, host)
  const text = previous ? decode(path, previous.bytes) : ''
  const bytes = Buffer.from(mergeCredentials(text, key, options.secret.reveal(), `The gem credentials file ${path}`))
  const receipt: CredentialsReceipt = {
    path,
    writtenSha256: sha256(bytes),
    ...(previous && {
      backup: {
        path: join(backupDirectory, `gem-credentials-${randomUUID()}`),
        sha256: sha256(previous.bytes),
        mode: previous.mode,
      },
    }),
    createdDirectories: await missingDirectories(path),
  }
  options.remember?.(receipt)
  try {
    if (receipt.backup && previous) await createFile(receipt.backup.path, previous.bytes, PRIVATE, host)
    await createDirectories(receipt.createdDirectories)
    await checkParent(path, host)
    await replaceFile(path, bytes, PRIVATE, host)
  } catch (error) {
    if (receipt.backup) await rm(receipt.backup.path, { force: true })
    await removeEmpty(receipt.createdDirectories)
    throw error
  }
  return receipt
}

/**
 * Puts back what was there before, byte for byte and with its mode, if the file still holds what was written; removes
 * it, and the directories made for it, if there was none. A file somebody has changed since is left alone, and its
 * backup with it. May be called again. Several writes are undone last first. Never throws: this runs after the job.
 */
export async function restoreCredentials(receipt: CredentialsReceipt, host = thisHost()): Promise<Restored> {
  try {
    await checkParent(receipt.path, host)
    await rm(temporaryPath(receipt.path, receipt.writtenSha256), { force: true })
    const current = await readOwn(receipt.path, host)
    const digest = current && sha256(current.bytes)
    return await (receipt.backup ? putBack(receipt, receipt.backup, digest, host) : takeAway(receipt, digest))
  } catch (error) {
    const why = error instanceof ReleaseError ? error.problems[0].why : `The system said ${reasonOf(error)}.`
    return left(`${receipt.path} was not put back: ${why ?? ''}`)
  }
}

async function putBack(
  receipt: CredentialsReceipt,
  backup: NonNullable<CredentialsReceipt['backup']>,
  digest: string | undefined,
  host: CredentialsHost,
): Promise<Restored> {
  const { path, writtenSha256 } = receipt
  const copy = await readOwn(backup.path, host)
  const ours = digest === writtenSha256
  if (ours && copy && sha256(copy.bytes) === backup.sha256) {
    await replaceFile(path, copy.bytes, backup.mode, host)
  } else if (digest !== backup.sha256) {
    if (ours) return left(`${path} still holds this run's key: the copy of what it held before is missing or changed.`)
    return left(
      `${path} was ${digest ? 'changed' : 'removed'} by somebody else since; its previous content is in ${backup.path}.`,
    )
  }
  await rm(backup.path, { force: true })
  return { outcome: 'restored', reason: `${path} is as it was before this run.` }
}

async function takeAway(receipt: CredentialsReceipt, digest: string | undefined): Promise<Restored> {
  const { path, writtenSha256, createdDirectories } = receipt
  if (digest !== undefined && digest !== writtenSha256) return left(`${path} was changed by somebody else since.`)
  await rm(path, { force: true })
  await removeEmpty(createdDirectories)
  return { outcome: 'removed', reason: `${path} is gone again: there was none before this run.` }
}

function left(reason: string): Restored {
  return { outcome: 'left', reason }
}
