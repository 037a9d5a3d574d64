import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { type Document, isMap, isNode, parseDocument } from 'yaml'
import { type GemSpec, readSpec } from './gem-spec.ts'
import { CHECKSUMS, SPECIFICATION } from './gem-schema.ts'
import { checkDocument, SchemaError, textOf, UnexpectedAlias } from './yaml-schema.ts'

/** The registry cannot process the gem; `detail` is what it tells the client, if anything. */
export class InvalidGem extends Error {
  override name = 'InvalidGem'
  readonly detail: string | undefined
  readonly alias: boolean

  constructor(detail?: string, alias = false) {
    super(detail ?? 'the gem cannot be read')
    this.detail = detail
    this.alias = alias
  }
}

export interface ReadGem {
  spec: GemSpec
  /** Names of the entries, in order. */
  files: string[]
}

/** An entry of the archive while it streams by. */
interface Entry extends AsyncIterable<unknown> {
  header: { name: string }
}

async function* bytesOf(entry: Entry): AsyncGenerator<Buffer> {
  for await (const chunk of entry) if (Buffer.isBuffer(chunk)) yield chunk
}

const LIMIT = 10 * 1024 * 1024

interface Findings {
  files: string[]
  document: Document | undefined
  /** SHA-256 of each entry that has one. */
  calculated: Map<string, string>
  reported: Map<string, string> | undefined
  signatures: Set<string>
}

async function readEntry(entry: Entry, name: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bytesOf(entry)) {
    size += chunk.length
    if (size > LIMIT) throw new InvalidGem(`${name} is too big (over ${String(LIMIT)} bytes)`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function inflate(bytes: Buffer, name: string): string {
  try {
    return gunzipSync(bytes, { maxOutputLength: LIMIT }).toString('utf8')
  } catch (error) {
    const tooBig =
      error instanceof RangeError ||
      (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
    throw tooBig ? new InvalidGem(`${name} is too big (over ${String(LIMIT)} bytes)`) : new InvalidGem()
  }
}

function parse(yaml: string, what: string): Document {
  const document = parseDocument(yaml, { schema: 'failsafe', uniqueKeys: false, keepSourceTokens: false })
  const [problem] = document.errors
  if (problem)
    throw new InvalidGem(
      `invalid YAML syntax${what} at line ${String(problem.linePos?.[0].line ?? 0)}: ${problem.message}`,
    )
  if (document.contents === null) throw new InvalidGem()
  return document
}

function checkAgainst(schema: typeof SPECIFICATION, document: Document): void {
  try {
    checkDocument(schema, document)
  } catch (error) {
    if (error instanceof SchemaError) throw new InvalidGem(error.message, error instanceof UnexpectedAlias)
    throw error
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function reportedChecksums(document: Document): Map<string, string> {
  const list = new Map<string, string>()
  const root = document.contents
  const table: unknown = isMap(root) ? root.get('SHA256', true) : undefined
  if (!isMap(table)) return list
  for (const { key, value } of table.items) {
    if (isNode(key) && isNode(value)) list.set(textOf(key), textOf(value))
  }
  return list
}

async function takeMetadata(entry: Entry, found: Findings): Promise<void> {
  const { name } = entry.header
  if (found.document) throw new InvalidGem(`duplicate metadata file: already processed metadata, found ${name}`)
  const bytes = await readEntry(entry, name)
  found.document = parse(name === 'metadata.gz' ? inflate(bytes, name) : bytes.toString('utf8'), '')
  checkAgainst(SPECIFICATION, found.document)
  found.calculated.set(name, sha256(bytes))
}

async function takeData(entry: Entry, found: Findings): Promise<void> {
  if (found.calculated.has('data.tar.gz')) throw new InvalidGem('duplicate data.tar.gz file found')
  const hash = createHash('sha256')
  for await (const chunk of bytesOf(entry)) hash.update(chunk)
  found.calculated.set('data.tar.gz', hash.digest('hex'))
}

async function takeChecksums(entry: Entry, found: Findings): Promise<void> {
  const { name } = entry.header
  if (found.reported) throw new InvalidGem('duplicate checksums.yaml.gz file found')
  const bytes = await readEntry(entry, name)
  const document = parse(inflate(bytes, name), ' in checksums')
  checkAgainst(CHECKSUMS, document)
  const own = sha256(bytes)
  found.reported = reportedChecksums(document).set(name, own)
  found.calculated.set(name, own)
}

async function takeSignature(entry: Entry, found: Findings): Promise<void> {
  const base = entry.header.name.replace(/\.sig$/, '')
  if (found.signatures.has(base)) throw new InvalidGem('duplicate signatures files found')
  await readEntry(entry, 'signature')
  found.signatures.add(base)
}

async function take(entry: Entry, found: Findings): Promise<void> {
  const { name } = entry.header
  found.files.push(name)
  if (name === 'metadata' || name === 'metadata.gz') await takeMetadata(entry, found)
  else if (name === 'data.tar.gz') await takeData(entry, found)
  else if (name === 'checksums.yaml.gz') await takeChecksums(entry, found)
  else if (name.endsWith('.sig')) await takeSignature(entry, found)
  else throw new InvalidGem(`unexpected gem file entry: ${JSON.stringify(name)}`)
}

function verifyChecksums(found: Findings): void {
  if (!found.reported) return
  const { reported } = found
  const missing = [...found.calculated.keys()].find((name) => !reported.has(name))
  if (missing !== undefined) throw new InvalidGem(`expected checksum for ${JSON.stringify(missing)} but found none`)
  for (const [name, calculated] of found.calculated) {
    const given = reported.get(name) ?? ''
    if (given !== calculated) {
      throw new InvalidGem(`expected ${JSON.stringify(name)} to have ${calculated} but was ${given}`)
    }
  }
}

function verifySignatures(found: Findings, certificates: number): void {
  if (found.signatures.size === 0) {
    if (certificates > 0) throw new InvalidGem('Cert chain provided, but no signatures found')
    return
  }
  const unsigned = [...found.calculated.keys()].find((name) => !found.signatures.has(name))
  if (unsigned !== undefined) throw new InvalidGem(`missing signature for ${unsigned}`)
  if (certificates === 0) throw new InvalidGem('missing signing certificate')
}

async function scan(path: string, found: Findings): Promise<void> {
  const archive = extract()
  const file = createReadStream(path)
  file.on('error', (error) => archive.destroy(error))
  file.pipe(archive)
  try {
    for await (const entry of archive) await take(entry, found)
  } catch (error) {
    throw error instanceof InvalidGem ? error : new InvalidGem(error instanceof Error ? error.message : undefined)
  } finally {
    file.destroy()
  }
}

/**
 * Reads a pushed gem as the server does (rubygems.org lib/gem_validator/package.rb): only known entries, SHA-256
 * checksums where they are given, the gemspec's YAML against the schema. Signatures must be complete, but their
 * certificates are not verified here.
 */
export async function readGem(path: string): Promise<ReadGem> {
  const found: Findings = {
    files: [],
    document: undefined,
    calculated: new Map(),
    reported: undefined,
    signatures: new Set(),
  }
  await scan(path, found)
  if (found.files.length === 0) throw new InvalidGem('gem package contains no entries')
  if (!found.document) throw new InvalidGem('missing metadata.gz file')
  if (!found.calculated.has('data.tar.gz')) throw new InvalidGem('missing data.tar.gz file')
  if (found.signatures.has('checksums.yaml.gz') && !found.reported)
    throw new InvalidGem('missing checksums.yaml.gz file')
  verifyChecksums(found)
  const spec = readSpec(found.document)
  verifySignatures(found, spec.certificates)
  return { spec, files: found.files }
}
