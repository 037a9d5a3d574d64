import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

/** What a tar header says; everything but the name has the value RubyGems' own writer gives it. */
export interface Header {
  name: string
  /** In bytes, or the 12 bytes of the field as they are. */
  size?: number | string
  type?: string
  magic?: string
  prefix?: string
  linkname?: string
  /** The 8 bytes of the checksum field, when they are to be wrong. */
  checksum?: string
}

/** A 512-byte ustar header, written byte by byte so that it can say what no tar writer would. */
export function tarHeader({ name, size = 0, type = '0', magic = 'ustar\u000000', ...rest }: Header): Buffer {
  const block = Buffer.alloc(512)
  const field = (text: string, at: number): unknown => block.write(text, at, 'latin1')
  field(name, 0)
  field('0000444', 100)
  field('0000000', 108)
  field('0000000', 116)
  field(typeof size === 'number' ? size.toString(8).padStart(11, '0') : size, 124)
  field('15300742377\0', 136)
  field('        ', 148)
  field(type, 156)
  field(rest.linkname ?? '', 157)
  field(magic, 257)
  field('wheel', 265)
  field('wheel', 297)
  field('0000000', 329)
  field('0000000', 337)
  field(rest.prefix ?? '', 345)
  const sum = block.reduce((total, byte) => total + byte, 0)
  field(rest.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** A header, its content, and zeros up to the next block. */
export function tarMember(name: string, content: Buffer, header: Partial<Header> = {}): Buffer {
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([tarHeader({ name, size: content.length, ...header }), content, padding])
}

/** The two empty blocks that end a tar archive. */
export const TAR_END = Buffer.alloc(1024)

export interface Parts {
  /** The metadata as text or, where it is no text, as bytes. */
  yaml?: string | Buffer
  /** The member `metadata.gz` as it is, instead of `yaml`. */
  metadataGz?: Buffer
  data?: Buffer
  /** The text of `checksums.yaml.gz`; null for a gem without. */
  checksums?: string | null
}

/** The gzipped empty tar archive that Ruby writes for a gem without files. */
export const EMPTY_DATA = gzipSync(TAR_END)

/** The members of a gem, by name, with checksums that are right unless they are given. */
export function gemMembers(parts: Parts = {}): [name: string, content: Buffer][] {
  const metadata = parts.metadataGz ?? gzipSync(parts.yaml ?? specification())
  const data = parts.data ?? EMPTY_DATA
  const members: [string, Buffer][] = [
    ['metadata.gz', metadata],
    ['data.tar.gz', data],
  ]
  if (parts.checksums === null) return members
  return [...members, ['checksums.yaml.gz', gzipSync(parts.checksums ?? checksumsOf(members))]]
}

/** The text of `checksums.yaml.gz` for these members. */
export function checksumsOf(members: readonly (readonly [string, Buffer])[]): string {
  const digests = (algorithm: string): string =>
    members.map(([name, content]) => `  ${name}: ${createHash(algorithm).update(content).digest('hex')}\n`).join('')
  return `---\nSHA256:\n${digests('sha256')}SHA512:\n${digests('sha512')}`
}

/** A whole gem file. */
export function gemBytes(parts: Parts = {}): Buffer {
  return Buffer.concat([...gemMembers(parts).map(([name, content]) => tarMember(name, content)), TAR_END])
}

/** The lines of a specification as RubyGems writes it; a value that starts with a line feed is a nested one. */
const FIELDS: Readonly<Record<string, string>> = {
  name: ' sample',
  version: ' !ruby/object:Gem::Version\n  version: 1.2.3',
  platform: ' ruby',
  authors: '\n- Sam',
  bindir: ' bin',
  cert_chain: ' []',
  date: ' 2026-11-23 00:00:00.000000000 Z',
  dependencies: ' []',
  description: '',
  files: '\n- lib/sample.rb',
  licenses: '\n- MIT',
  metadata: '\n  allowed_push_host: https://gems.example.org',
  required_ruby_version:
    ' !ruby/object:Gem::Requirement\n  requirements:\n  - - ">="\n    - !ruby/object:Gem::Version\n      version: \'0\'',
  rubygems_version: ' 3.3.15',
  specification_version: ' 4',
  summary: ' A sample',
}

/** A specification's YAML with some fields replaced, as text that follows `key:`, added, or left out (undefined). */
export function specification(fields: Readonly<Record<string, string | undefined>> = {}, end = ''): string {
  const lines = Object.entries({ ...FIELDS, ...fields }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}:${value}\n`],
  )
  return `--- !ruby/object:Gem::Specification\n${lines.join('')}${end}`
}

/** A dependency as RubyGems writes it, for `specification({ dependencies: … })`. */
export function dependency(
  name: string,
  requirements: readonly (readonly [string, string])[],
  type = ':runtime',
): string {
  const versions = requirements.map(
    ([sign, version]) => `    - - "${sign}"\n      - !ruby/object:Gem::Version\n        version: '${version}'\n`,
  )
  const requirement = ` !ruby/object:Gem::Requirement\n    requirements:\n${versions.join('')}`
  return `\n- !ruby/object:Gem::Dependency\n  name: ${name}\n  requirement:${requirement}  type: ${type}\n  prerelease: false\n  version_requirements:${requirement.trimEnd()}`
}

const run = promisify(execFile)

/** Builds a gemspec with the real `gem build` in a directory of its own; returns the path of what it wrote. */
export async function gemBuild(
  directory: string,
  source: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  await mkdir(directory, { recursive: true })
  await writeFile(path.join(directory, 'it.gemspec'), source)
  const { stdout } = await run('gem', ['build', 'it.gemspec', '--force'], {
    cwd: directory,
    env: { ...process.env, ...environment },
  })
  return path.join(directory, /^ {2}File: (.+)$/m.exec(stdout)?.[1] ?? '')
}

/** What Ruby reads from a gem, or the class of the error it refuses it with. */
export type RubyReading = { error: string } | { spec: RubySpecification }

export interface RubySpecification {
  name: string
  version: string
  originalPlatform: string
  metadata: Record<string, string>
  dependencies: { name: string; requirement: string; type: string }[]
  prerelease: boolean
}

const READER = `
require 'rubygems/package'
require 'json'
$stderr.reopen(File::NULL)
puts '[' + ARGV.map { |path|
  begin
    spec = Gem::Package.new(path).spec
    JSON.generate(
      spec: {
        name: spec.name,
        version: spec.version.to_s,
        originalPlatform: spec.original_platform.to_s,
        metadata: spec.metadata,
        dependencies: spec.dependencies.map { |d| { name: d.name, requirement: d.requirement.to_s, type: d.type } },
        prerelease: spec.version.prerelease?,
      },
    )
  rescue Exception => e
    JSON.generate(error: e.class.name)
  end
}.join(',') + ']'
`

/** Reads gems with the Ruby of this machine, in one process. */
export async function readWithRuby(paths: readonly string[]): Promise<RubyReading[]> {
  const { stdout } = await run('ruby', ['-e', READER, '--', ...paths], { maxBuffer: 64 * 1024 * 1024 })
  const readings: RubyReading[] = JSON.parse(stdout)
  return readings
}
