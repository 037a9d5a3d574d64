import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'

/** What is inside a gem: SHA-256 by path for its files, and the lines of its metadata. */
export interface GemContents {
  files: ReadonlyMap<string, string>
  metadata: readonly string[]
}

/** Inflated bytes and entries beyond which a comparison is not worth what it costs. */
const LARGEST = 1024 * 1024 * 1024
const MOST_ENTRIES = 100_000

/** Reads a gem for comparison; undefined where it is too large to compare or cannot be read. */
export async function readContents(path: string): Promise<GemContents | undefined> {
  const files = new Map<string, string>()
  const metadata: string[] = []
  try {
    await eachEntry(createReadStream(path), async (name, content) => {
      if (name === 'data.tar.gz')
        await eachEntry(inflated(content), async (file, bytes) => void files.set(file, await digest(bytes)))
      else if (name === 'metadata.gz') metadata.push(...(await text(inflated(content))).split('\n'))
      else content.resume()
    })
    return { files, metadata }
  } catch {
    // Only the explanation of a refusal is lost: the refusal itself rests on the digests.
    return undefined
  }
}

/** Sentences on how two gems differ, for people; empty where nothing tells. */
export function describeDifference(ours: GemContents, theirs: GemContents): string[] {
  const paths = [...new Set([...ours.files.keys(), ...theirs.files.keys()])].toSorted()
  const changed = paths.filter(
    (path) => ours.files.has(path) && theirs.files.has(path) && ours.files.get(path) !== theirs.files.get(path),
  )
  const added = paths.filter((path) => !theirs.files.has(path))
  const missing = paths.filter((path) => !ours.files.has(path))
  const sentences = [list('Different content', changed), list('Only here', added), list('Only there', missing)]
  const lines = ours.metadata.filter((line) => !theirs.metadata.includes(line)).slice(0, 3)
  if (lines.length > 0)
    sentences.push(`Different metadata: ${lines.map((line) => JSON.stringify(line.trim())).join(', ')}.`)
  else if (paths.length > 0 && changed.length + added.length + missing.length === 0) {
    sentences.push('The files are the same; only how they are packed differs (modes, times or compression).')
  }
  return sentences.filter((sentence) => sentence !== '')
}

function list(label: string, paths: readonly string[]): string {
  if (paths.length === 0) return ''
  const shown = paths.slice(0, 8).map((path) => JSON.stringify(path))
  return `${label}: ${shown.join(', ')}${paths.length > 8 ? ` and ${String(paths.length - 8)} more` : ''}.`
}

async function eachEntry(source: Readable, visit: (name: string, content: Readable) => Promise<void>): Promise<void> {
  const tar = extract()
  const walk = async (): Promise<void> => {
    let entries = 0
    for await (const entry of tar) {
      entries += 1
      if (entries > MOST_ENTRIES) throw new Error('too many entries')
      await visit(entry.header.name, Readable.from(entry))
    }
  }
  await Promise.all([pipeline(source, tar), walk()])
}

/** The inflated content, broken off where it grows beyond all measure. */
function inflated(source: Readable): Readable {
  const bounded = async function* (): AsyncGenerator<Buffer> {
    let size = 0
    for await (const chunk of source.pipe(createGunzip()) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > LARGEST) throw new Error('too large')
      yield chunk
    }
  }
  return Readable.from(bounded())
}

async function digest(content: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of content as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

async function text(content: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
