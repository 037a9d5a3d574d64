import { createHash } from 'node:crypto'
import { crc32, inflateRawSync } from 'node:zlib'

import type { Extract } from 'tar-stream'

import { readChecksums } from './gem-metadata.ts'
import { InvalidGem, quoted } from './gem-tar.ts'

/** The registry's limit for the inflated metadata and checksums, in bytes (rubygems.org lib/gem_validator/package.rb). */
const MAX_TEXT = 10 * 1024 * 1024
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b)

/** One member of the outer archive. */
export interface Member {
  sha256: string
  sha512: string
  /** The content; of `data.tar.gz` only the first two bytes. */
  bytes: Buffer
}

/** Reads the members as tar-stream reports them; `data.tar.gz` is only hashed, never held. */
export async function readMembers(extract: Extract): Promise<Map<string, Member>> {
  const members = new Map<string, Member>()
  for await (const entry of extract) members.set(entry.header.name, await readMember(entry.header.name, entry))
  return members
}

async function readMember(name: string, content: AsyncIterable<unknown>): Promise<Member> {
  const sha256 = createHash('sha256')
  const sha512 = createHash('sha512')
  const kept: Buffer[] = []
  let wanted = name === 'data.tar.gz' ? GZIP_MAGIC.length : Infinity
  for await (const chunk of content) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('tar-stream gave something other than bytes')
    sha256.update(chunk)
    sha512.update(chunk)
    if (wanted > 0) kept.push(chunk.subarray(0, wanted))
    wanted -= chunk.length
  }
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex'), bytes: Buffer.concat(kept) }
}

/**
 * Checks that the members make a gem and have the checksums it states, and returns its metadata, inflated. Throws
 * InvalidGem. The rules are those of rubygems.org lib/gem_validator/package.rb (validate_required_files!,
 * verify_checksums!), except that the signatures themselves are left to the registry.
 */
export function metadataOf(members: ReadonlyMap<string, Member>): Buffer {
  const compressed = members.get('metadata.gz')
  const old = members.get('metadata')
  if (compressed && old) throw new InvalidGem('it has both metadata and metadata.gz')
  const data = members.get('data.tar.gz')
  if (!data) throw new InvalidGem('its data.tar.gz is missing')
  if (!data.bytes.equals(GZIP_MAGIC)) throw new InvalidGem('its data.tar.gz is not gzip data')
  for (const name of members.keys())
    if (name.endsWith('.sig') && !members.has(name.slice(0, -4))) throw new InvalidGem(`its ${name} signs nothing`)
  const checksums = members.get('checksums.yaml.gz')
  if (checksums) checkChecksums(members, readChecksums(gunzipOne('checksums.yaml.gz', checksums.bytes)))
  if (compressed) return gunzipOne('metadata.gz', compressed.bytes)
  if (!old) throw new InvalidGem('its metadata.gz is missing')
  if (old.bytes.length > MAX_TEXT) throw new InvalidGem('its metadata is larger than 10 MiB')
  return old.bytes
}

function checkChecksums(
  members: ReadonlyMap<string, Member>,
  checksums: ReadonlyMap<string, ReadonlyMap<string, string>>,
): void {
  if (!checksums.has('SHA256')) throw new InvalidGem('its checksums name no SHA256')
  const expected = [...members.keys()].filter((name) => !/^checksums|\.sig$/.test(name))
  for (const [algorithm, given] of checksums) {
    for (const name of given.keys())
      if (!expected.includes(name)) throw new InvalidGem(`its checksums name the unknown member ${quoted(name)}`)
    for (const name of expected) {
      const member = members.get(name)
      if (given.get(name) !== (algorithm === 'SHA256' ? member?.sha256 : member?.sha512))
        throw new InvalidGem(`its ${algorithm} checksum of ${name} differs`)
    }
  }
}

/**
 * Inflates a gzip file of exactly one member, to at most 10 MiB. Ruby stops after the first member, `gunzip` joins
 * all of them: with more than one, or anything behind it, two readers see two gems. Node tells the two cases apart
 * only from 24.19 on, so the deflate stream is inflated by itself and must end 8 bytes before the end. RFC 1952.
 */
function gunzipOne(name: string, bytes: Buffer): Buffer {
  const start = deflateStart(name, bytes)
  const { text, consumed } = inflate(name, bytes.subarray(start))
  const trailer = bytes.subarray(start + consumed)
  if (trailer.length < 8) throw new InvalidGem(`its ${name} is cut off`)
  if (trailer.length > 8) throw new InvalidGem(`its ${name} goes on after the end of the gzip data`)
  if (trailer.readUInt32LE(0) !== crc32(text) || trailer.readUInt32LE(4) !== text.length)
    throw new InvalidGem(`its ${name} is damaged: the gzip checksum differs`)
  return text
}

/** Ruby and the registry write no optional gzip fields, `gzip FILE` writes the name. Others have no place here. */
function deflateStart(name: string, bytes: Buffer): number {
  const flags = bytes[3] ?? 0
  if (bytes.length < 18 || bytes.readUIntBE(0, 3) !== 0x1f8b08) throw new InvalidGem(`its ${name} is not gzip data`)
  if ((flags & ~8) !== 0) throw new InvalidGem(`its ${name} has unusual gzip fields`)
  return flags === 0 ? 10 : bytes.indexOf(0, 10) + 1 || bytes.length
}

function inflate(name: string, bytes: Buffer): { text: Buffer; consumed: number } {
  try {
    const result: unknown = inflateRawSync(bytes, { info: true, maxOutputLength: MAX_TEXT })
    if (isInflated(result)) return { text: result.buffer, consumed: result.engine.bytesWritten }
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw new InvalidGem(tooLarge ? `its ${name} is larger than 10 MiB` : `its ${name} cannot be decompressed`)
  }
  throw new TypeError('inflateRawSync returned no engine')
}

function isInflated(value: unknown): value is { buffer: Buffer; engine: { bytesWritten: number } } {
  if (typeof value !== 'object' || value === null || !('buffer' in value) || !('engine' in value)) return false
  const { buffer, engine } = value
  if (!Buffer.isBuffer(buffer) || typeof engine !== 'object' || engine === null) return false
  return 'bytesWritten' in engine && typeof engine.bytesWritten === 'number'
}
