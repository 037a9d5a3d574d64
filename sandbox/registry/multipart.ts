import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'

/** A file taken off the wire, kept on disk because gems may be as large as 500 MB. */
export interface ReceivedFile {
  path: string
  size: number
  sha256: string
}

export type Part = { kind: 'file'; file: ReceivedFile } | { kind: 'text'; text: string }

/** The body is not what its content type says. */
export class MalformedBody extends Error {
  override name = 'MalformedBody'
}

type Chunks = AsyncIterable<Buffer>

/** Writes a body to `path`, hashing on the way. */
export async function saveTo(path: string, chunks: Chunks): Promise<ReceivedFile> {
  const file = createWriteStream(path)
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of chunks) {
      size += chunk.length
      hash.update(chunk)
      if (!file.write(chunk)) await once(file, 'drain')
    }
  } finally {
    file.end()
    await finished(file)
  }
  return { path, size, sha256: hash.digest('hex') }
}

/** Reads a stream in pieces that end at given delimiters, holding no more than a chunk and a delimiter. */
class Scanner {
  private readonly source: AsyncIterator<Buffer>
  private held: Buffer = Buffer.alloc(0)

  constructor(chunks: Chunks) {
    this.source = chunks[Symbol.asyncIterator]()
  }

  async *until(delimiter: string): AsyncGenerator<Buffer> {
    for (;;) {
      const found = this.held.indexOf(delimiter)
      if (found !== -1) {
        const piece = this.held.subarray(0, found)
        this.held = this.held.subarray(found + delimiter.length)
        yield piece
        return
      }
      const safe = Math.max(0, this.held.length - delimiter.length + 1)
      if (safe > 0) yield this.held.subarray(0, safe)
      this.held = Buffer.concat([this.held.subarray(safe), await this.more()])
    }
  }

  async textUntil(delimiter: string, limit: number): Promise<string> {
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of this.until(delimiter)) {
      size += piece.length
      if (size > limit) throw new MalformedBody('a part is too large')
      pieces.push(piece)
    }
    return Buffer.concat(pieces).toString('utf8')
  }

  private async more(): Promise<Buffer> {
    const next = await this.source.next()
    if (next.done) throw new MalformedBody('the body ends too early')
    return next.value
  }
}

function parameter(header: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|;)\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(header)
  return match?.[1]?.replaceAll(/\\(.)/g, '$1') ?? match?.[2]
}

const TEXT_LIMIT = 16 * 1024 * 1024

/**
 * Reads a form as Rack does: a part with a file name is a file and goes to disk, any other is text; a part with an
 * empty file name is dropped (rack lib/rack/multipart/parser.rb).
 */
export async function readMultipart(
  contentType: string,
  chunks: Chunks,
  newPath: () => string,
): Promise<Map<string, Part>> {
  const boundary = parameter(contentType, 'boundary')
  if (boundary === undefined) throw new MalformedBody('no boundary')
  const scanner = new Scanner(chunks)
  const parts = new Map<string, Part>()
  await scanner.textUntil(`--${boundary}`, TEXT_LIMIT)
  while ((await scanner.textUntil('\r\n', 1024)).trim() !== '--') {
    const headers = await scanner.textUntil('\r\n\r\n', 64 * 1024)
    const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? ''
    const name = parameter(disposition, 'name')
    const filename = parameter(disposition, 'filename')
    const end = `\r\n--${boundary}`
    if (filename === undefined) {
      const text = await scanner.textUntil(end, TEXT_LIMIT)
      if (name !== undefined) parts.set(name, { kind: 'text', text })
    } else {
      const file = await saveTo(newPath(), scanner.until(end))
      if (name !== undefined && filename !== '') parts.set(name, { kind: 'file', file })
    }
  }
  return parts
}
