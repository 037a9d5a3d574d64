import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { ReleaseError } from '../errors.ts'
import {
  type Content,
  createFile,
  type CredentialsHost,
  isThere,
  namesIn,
  PRIVATE,
  readOwn,
  remove,
  sha256,
} from './credentials-disk.ts'
import { type CredentialsReceipt, parseReceipt } from './credentials-receipt.ts'

/**
 * What the credentials file was before each write, kept beside it: RUNNER_TEMP does not outlive the job, and where the
 * job was lost with its post step, the next run puts the user's own keys back.
 */
export interface Backup {
  path: string
  receipt: CredentialsReceipt
  content: Buffer
}

/** A comment to RubyGems, so that the backup can be used as a credentials file as it is. */
const FIRST_LINE = '# Kept by release-gem: '

/** Tells which write it belongs to; the rest makes it one file for each write, also for two of the same bytes. */
export function backupPath(path: string, written: string): string {
  return join(dirname(path), `.${basename(path)}.before-${written.slice(0, 16)}-${randomUUID().slice(0, 8)}`)
}

/** A name that can be worked out from the backup's, so that nothing with a key in it is left behind after a crash. */
export function temporaryPath(backup: string): string {
  return `${backup}.tmp`
}

export async function createBackup(
  receipt: CredentialsReceipt,
  content: Content,
  host: CredentialsHost,
): Promise<void> {
  const line = Buffer.from(`${FIRST_LINE}${JSON.stringify(receipt)}\n`)
  await createFile(receipt.backup, Buffer.concat([line, content?.bytes ?? Buffer.alloc(0)]), PRIVATE, host)
}

/** All backups of a file that are plainly ours and whole, the last write first. Anything else is left alone. */
export async function backupsOf(path: string, host: CredentialsHost): Promise<Backup[]> {
  const start = `.${basename(path)}.before-`
  const names = (await namesIn(dirname(path))).filter(
    (name) => name.startsWith(start) && /^[0-9a-f]{16}-[0-9a-f]{8}$/.test(name.slice(start.length)),
  )
  const found = await Promise.all(names.map((name) => readBackup(join(dirname(path), name), host)))
  return found
    .filter((backup) => backup !== undefined)
    .toSorted((one, other) => other.receipt.writtenAt - one.receipt.writtenAt)
}

async function readBackup(path: string, host: CredentialsHost): Promise<Backup | undefined> {
  const bytes = await bytesOf(path, host)
  const end = bytes.indexOf('\n') + 1
  const line = bytes.toString('utf8', 0, end)
  const receipt = line.startsWith(FIRST_LINE) ? parseReceipt(line.slice(FIRST_LINE.length)) : undefined
  const content = bytes.subarray(end)
  const whole = receipt?.previous ? receipt.previous.sha256 === sha256(content) : content.length === 0
  return receipt && whole ? { path, receipt, content } : undefined
}

/** None of a file that is refused: it is not ours. */
async function bytesOf(path: string, host: CredentialsHost): Promise<Buffer> {
  try {
    return (await readOwn(path, host))?.bytes ?? Buffer.alloc(0)
  } catch (error) {
    const refused = error instanceof ReleaseError || (error instanceof Error && 'syscall' in error)
    if (!refused) throw error
    return Buffer.alloc(0)
  }
}

/** In ms; no job runs longer (docs.github.com, "Actions limits": five days on machines of your own). */
const LONGEST_JOB = 5 * 24 * 3600 * 1000

/** Those whose step has ended, or was lost, without having put the file back. */
export async function ended(backups: readonly Backup[]): Promise<Backup[]> {
  const used = await Promise.all(backups.map(({ receipt }) => isInUse(receipt)))
  return backups.filter((_, index) => !used[index])
}

/** Of another machine only its age can be known. */
async function isInUse({ owner, host, writtenAt }: CredentialsReceipt): Promise<boolean> {
  return host === hostname() ? isThere(owner) : Date.now() - writtenAt < LONGEST_JOB
}

interface Way {
  original: Content
  /** What was followed, last write first. */
  trail: Backup[]
}

/**
 * Follows the backups in `mayUse` from what the file holds to what it was before their writes: several runs may have
 * written on top of one another. Stops at a write that is still in use.
 */
export function traceBack(now: Content, all: readonly Backup[], mayUse: readonly Backup[]): Way {
  const trail: Backup[] = []
  let original = now
  for (;;) {
    const digest = digestOf(original)
    const before = all.find((backup) => backup.receipt.writtenSha256 === digest && !trail.includes(backup))
    if (!before || !mayUse.includes(before)) return { original, trail }
    trail.push(before)
    original = contentOf(before)
  }
}

/**
 * Backups in `mayUse` that nobody needs once the original is safe elsewhere: those that were followed to it, and others
 * that lead there as well, or nowhere at all. In the order in which to remove them: whoever is killed meanwhile leaves
 * ways that still lead there.
 */
export function spent({ original, trail }: Way, all: readonly Backup[], mayUse: readonly Backup[]): Backup[] {
  const inUse = all.filter((backup) => !mayUse.includes(backup))
  const kept = new Set([...trail, ...withNeeded(inUse, all)])
  const leadsThere = (backup: Backup): boolean =>
    digestOf(traceBack(contentOf(backup), all, mayUse).original) === digestOf(original)
  const others = mayUse.filter((backup) => !kept.has(backup) && (leadsThere(backup) || leadsNowhere(backup, all)))
  return [...others, ...trail]
}

/** These, and all on the ways that they lead to. */
function withNeeded(backups: readonly Backup[], all: readonly Backup[]): readonly Backup[] {
  const more = all.filter((backup) => !backups.includes(backup) && isNeeded(backup, backups))
  return more.length === 0 ? backups : withNeeded([...backups, ...more], all)
}

/** It only says that there was no file, and no other run wrote on top of the one that was made then. */
export function leadsNowhere(backup: Backup, all: readonly Backup[]): boolean {
  return !backup.receipt.previous && !isNeeded(backup, all)
}

/** Whether one of the others leads to the write that this one belongs to. */
function isNeeded({ receipt }: Backup, others: readonly Backup[]): boolean {
  return others.some((other) => other.receipt.previous?.sha256 === receipt.writtenSha256)
}

/** The temporary file goes first: without its backup, nobody would find it. */
export async function removeBackup(path: string): Promise<void> {
  await remove(temporaryPath(path))
  await remove(path)
}

export function digestOf(content: Content): string | undefined {
  return content && sha256(content.bytes)
}

function contentOf({ receipt, content }: Backup): Content {
  return receipt.previous && { bytes: content, mode: receipt.previous.mode }
}
