import { type Dirent, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gunzipSync, inflateSync } from 'node:zlib'
import { type Encoding, formsOf, type SecretForm } from './secret-forms.ts'

/** A secret found where it must not be. Holds the secret's name, never the secret. */
export interface Leak {
  secret: string
  encoding: Encoding
  /** It was found only after inflating. */
  inflated: boolean
  /** Path of the file, `name of PATH`, `target of PATH`, or the name of the text. */
  where: string
  /** Byte offset in what was searched. */
  offset: number
}

export interface LeakSearch {
  /** Secrets by the name to report them under. */
  secrets: Record<string, string>
  /** Directories to search with all below them; symbolic links are not followed. A missing one is an error. */
  roots: string[]
  /** Other text to search, such as logs, by the name to report it under. */
  texts: Record<string, string>
}

interface Wanted {
  secret: string
  forms: SecretForm[]
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08])
const DEEPEST = 3
const LARGEST_INFLATED = 256 * 1024 * 1024
const LINE_ENDS = /[\r\n]/g

/**
 * Looks for secrets in files, file names and texts: plain, in base64 at each of its three alignments (also broken into
 * lines), base64url, hex, URI and JSON escapes, reversed, upper-cased; and all of these inside gzip and zlib data,
 * which covers gems and loose git objects.
 */
export function searchForSecrets({ secrets, roots, texts }: LeakSearch): Leak[] {
  const wanted = Object.entries(secrets).map(([secret, value]) => ({ secret, forms: formsOf(secret, value) }))
  const leaks: Leak[] = []
  for (const [name, text] of Object.entries(texts)) leaks.push(...searchBytes(Buffer.from(text), name, wanted))
  for (const root of roots) {
    for (const entry of walk(root)) leaks.push(...searchEntry(entry, wanted))
  }
  // A stream that starts inside another one is found twice.
  return [...new Map(leaks.map((leak) => [JSON.stringify({ ...leak, offset: 0 }), leak])).values()]
}

/** Not `readdir`'s own recursion: that one goes through symbolic links. */
function* walk(directory: string): Generator<Dirent> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    yield entry
    if (entry.isDirectory()) yield* walk(join(directory, entry.name))
  }
}

function searchEntry(entry: Dirent, wanted: Wanted[]): Leak[] {
  const path = join(entry.parentPath, entry.name)
  const leaks = searchPlainly(Buffer.from(entry.name), `name of ${path}`, wanted, false)
  try {
    if (entry.isFile()) leaks.push(...searchBytes(readFileSync(path), path, wanted))
    if (entry.isSymbolicLink()) {
      leaks.push(...searchPlainly(Buffer.from(readlinkSync(path)), `target of ${path}`, wanted, false))
    }
  } catch (error) {
    // A file that has gone since it was listed holds nothing; one that cannot be read might.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return leaks
}

function searchBytes(bytes: Buffer, where: string, wanted: Wanted[], depth = 0): Leak[] {
  const leaks = searchPlainly(bytes, where, wanted, depth > 0)
  if (depth >= DEEPEST) return leaks
  for (const content of inflateAll(bytes)) leaks.push(...searchBytes(content, where, wanted, depth + 1))
  return leaks
}

function searchPlainly(bytes: Buffer, where: string, wanted: Wanted[], inflated: boolean): Leak[] {
  let unwrapped: Buffer | undefined
  const withoutLineEnds = (): Buffer =>
    (unwrapped ??= Buffer.from(bytes.toString('latin1').replace(LINE_ENDS, ''), 'latin1'))
  return wanted.flatMap(({ secret, forms }) => {
    const found = new Map<Encoding, number>()
    for (const form of forms) {
      if (found.has(form.encoding)) continue
      let offset = bytes.indexOf(form.bytes)
      if (offset < 0 && form.encoding.startsWith('base64')) offset = withoutLineEnds().indexOf(form.bytes)
      if (offset >= 0) found.set(form.encoding, offset)
    }
    return [...found].map(([encoding, offset]) => ({ secret, encoding, inflated, where, offset }))
  })
}

/** Contents of every gzip stream in the bytes, wherever it starts, and of a zlib stream at their start. */
function inflateAll(bytes: Buffer): Buffer[] {
  const contents: Buffer[] = []
  // Flushing as it goes returns what a truncated stream still holds.
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LARGEST_INFLATED }
  const keep = (inflate: () => Buffer): void => {
    try {
      contents.push(inflate())
    } catch (error) {
      // Bytes that only look like the start of a stream are no stream; a stream too large to search is a surprise.
      if (error instanceof RangeError) throw error
    }
  }
  for (let at = bytes.indexOf(GZIP_MAGIC); at >= 0; at = bytes.indexOf(GZIP_MAGIC, at + 1)) {
    keep(() => gunzipSync(bytes.subarray(at), options))
  }
  if (bytes.length > 2 && bytes[0] === 0x78 && bytes.readUInt16BE(0) % 31 === 0) keep(() => inflateSync(bytes, options))
  return contents
}
