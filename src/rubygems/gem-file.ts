import { createHash } from 'node:crypto'
import { constants, open, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { extract } from 'tar-stream'

import { ReleaseError } from '../errors.ts'
import { metadataOf, readMembers } from './gem-archive.ts'
import type { Member } from './gem-archive.ts'
import { readSpecification } from './gem-metadata.ts'
import type { GemDependency, Specification } from './gem-metadata.ts'
import { InvalidGem, quoted, TarBlocks } from './gem-tar.ts'

export type { GemDependency }

/** In bytes: what RubyGems.org's front server lets through (config/deploy nginx `client_max_body_size 500M`). */
export const MAX_GEM_SIZE = 500 * 1024 * 1024

/** What a built gem says about itself. */
export interface GemFile {
  /** The file that was inspected: the private copy where one was asked for. */
  path: string
  /** The file that was given, and its base name: what reports, checksums and assets call it. */
  givenPath: string
  fileName: string
  /** In bytes. */
  size: number
  /** 64 hexadecimal digits, of the whole file: the identity the registry publishes. */
  sha256: string
  name: string
  version: string
  /** As the metadata writes it; `ruby` when the gem names none. */
  platform: string
  /** Decides the registry's full name. The same as `platform` unless the metadata names both. */
  originalPlatform: string
  /** `name-version`, or `name-version-originalPlatform` when the platform is not `ruby`. */
  fullName: string
  /** `allowed_push_host`, `rubygems_mfa_required` and whatever else the gemspec sets. */
  metadata: ReadonlyMap<string, string>
  dependencies: readonly GemDependency[]
  /** How many files it lists. */
  fileCount: number
  /** The version has a letter. */
  prerelease: boolean
}

/**
 * Reads and checks a built gem in one pass over the file: SHA-256, members, checksums, metadata. With `copyTo` the
 * same bytes go to a new file (0600) at that path, so that what was inspected is what is sent later, whatever happens
 * to the original meanwhile. Nothing of `data.tar.gz` is inflated or held in memory.
 *
 * Throws ReleaseError `gem-not-found` when the file cannot be opened, `gem-invalid` when it is not a gem the
 * registry would take, `internal-error` when reading or the copy fails. No copy is left then.
 */
export async function readGem(path: string, options: { copyTo?: string } = {}): Promise<GemFile> {
  const fileName = basename(path)
  await using source = await openGem(path, fileName)
  await using copy = options.copyTo === undefined ? undefined : await createCopy(options.copyTo)
  try {
    const { size, sha256, members } = await readArchive(source, copy)
    const specification = readSpecification(metadataOf(members))
    return {
      path: options.copyTo ?? path,
      givenPath: path,
      fileName,
      size,
      sha256,
      ...specification,
      ...identity(specification),
    }
  } catch (error) {
    // What went wrong first is what matters; the copy may be gone already.
    if (options.copyTo !== undefined) await unlink(options.copyTo).catch(() => undefined)
    throw asReleaseError(error, fileName)
  }
}

/** O_NONBLOCK: opening a FIFO would wait for a writer otherwise. It changes nothing for regular files. */
async function openGem(path: string, fileName: string): Promise<FileHandle> {
  let handle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    throw cannotOpen(error, fileName)
  }
  const found = await handle.stat()
  if (found.isFile() && found.size <= MAX_GEM_SIZE) return handle
  await handle.close()
  throw invalid(fileName, found.isFile() ? 'it is larger than 500 MB' : 'it is no regular file')
}

function cannotOpen(error: unknown, fileName: string): ReleaseError {
  const code = codeOf(error)
  if (code === 'ELOOP') return invalid(fileName, 'it is a symbolic link', 'Name the file the link points to.')
  if (code === 'ENXIO') return invalid(fileName, 'it is no regular file')
  return new ReleaseError(
    {
      code: 'gem-not-found',
      what: `The gem ${quoted(fileName)} cannot be opened (${code}).`,
      fix: 'Check the path, relative to the working directory, and that the step which builds the gem ran before.',
    },
    { cause: error },
  )
}

async function createCopy(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    throw new ReleaseError(
      {
        code: 'internal-error',
        what: `The private copy of a gem cannot be created (${codeOf(error)}).`,
        fix: 'Check that the temporary directory of the runner exists and can be written, and re-run the job.',
      },
      { cause: error },
    )
  }
}

async function readArchive(
  source: FileHandle,
  copy: FileHandle | undefined,
): Promise<{ size: number; sha256: string; members: Map<string, Member> }> {
  const hash = createHash('sha256')
  const blocks = new TarBlocks()
  let size = 0
  async function* checked(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      size += chunk.length
      // The file may have grown since it was opened.
      if (size > MAX_GEM_SIZE) throw new InvalidGem('it is larger than 500 MB')
      hash.update(chunk)
      blocks.check(chunk)
      if (copy) await copy.writeFile(chunk)
      yield chunk
    }
    blocks.end()
  }
  const tar = extract()
  const stream = source.createReadStream({ autoClose: false })
  const [read, parsed] = await Promise.allSettled([pipeline(stream, checked, tar), readMembers(tar)])
  // The first rejection is the cause: the other is only how the parser hears of it.
  if (read.status === 'rejected') throw read.reason
  if (parsed.status === 'rejected') throw parsed.reason
  // Both readers must have seen the same members.
  if ([...parsed.value.keys()].join() !== [...blocks.names].join()) throw new InvalidGem('its tar is ambiguous')
  return { size, sha256: hash.digest('hex'), members: parsed.value }
}

/** rubygems.org app/models/version.rb full_nameify!: the original platform, not the normalised one. */
function identity({ name, version, originalPlatform }: Specification): { fullName: string; prerelease: boolean } {
  const suffix = originalPlatform === 'ruby' ? '' : `-${originalPlatform}`
  return { fullName: `${name}-${version}${suffix}`, prerelease: /[A-Za-z]/.test(version) }
}

function asReleaseError(error: unknown, fileName: string): ReleaseError {
  if (error instanceof InvalidGem) return invalid(fileName, error.message, error.fix)
  // tar-stream's own errors: a header whose checksum is wrong. All else was refused before it got there.
  if (error instanceof Error && /^Invalid (?:tar )?header/.test(error.message))
    return invalid(fileName, 'a tar header is damaged')
  return new ReleaseError(
    {
      code: 'internal-error',
      what: `The gem ${quoted(fileName)} could not be read or copied (${codeOf(error)}).`,
      fix: 'Check the disk of the runner (space, permissions), and re-run the job.',
    },
    { cause: error },
  )
}

function invalid(fileName: string, rule: string, fix?: string): ReleaseError {
  return new ReleaseError({
    code: 'gem-invalid',
    what: `The file ${quoted(fileName)} is not a gem that can be released: ${rule}.`,
    why: 'The registry refuses such files, or tools disagree about what they contain.',
    fix: fix ?? 'Build the gem again with `gem build` of a current RubyGems, and release the file it writes.',
  })
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code) ? code : 'unknown error'
}
