import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { gemBytes, specification, TAR_END, tarHeader, tarMember } from '../__tests__/rubygems/gem-builder.ts'

/** Gems and projects to release. Their content does not compress, so that a size is the size on the wire. */

export const VERSION = '1.2.3'
const MiB = 1024 * 1024

export function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `lens-${String(index + 1).padStart(3, '0')}`)
}

/** Text of about this many bytes that gzip cannot shrink below three quarters. */
function noise(bytes: number): string {
  return randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')
}

export interface GemOptions {
  name: string
  platform?: string
  /** Of the content, in bytes. */
  bytes: number
}

/** Writes a prebuilt gem into a directory; returns its path. */
export function writeGem(directory: string, { name, platform = 'ruby', bytes }: GemOptions): string {
  const content = Buffer.concat([tarMember('lib/content.bin', randomBytes(bytes)), TAR_END])
  const gem = gemBytes({ yaml: yamlFor(name, platform), data: gzipSync(content, { level: 1 }) })
  mkdirSync(directory, { recursive: true })
  const suffix = platform === 'ruby' ? '' : `-${platform}`
  const file = path.join(directory, `${name}-${VERSION}${suffix}.gem`)
  writeFileSync(file, gem)
  return file
}

/** A gem of many megabytes, written piece by piece. Without checksums, which are optional. */
export function writeLargeGem(directory: string, name: string, megabytes: number): string {
  mkdirSync(directory, { recursive: true })
  const target = path.join(directory, `${name}-${VERSION}.gem`)
  const file = openSync(target, 'w')
  const data = megabytes * MiB
  writeSync(file, tarMember('metadata.gz', gzipSync(yamlFor(name, 'ruby'))))
  writeSync(file, tarHeader({ name: 'data.tar.gz', size: data }))
  // The content is never inflated, neither by us nor by the registry: it only has to begin as gzip does.
  const piece = randomBytes(MiB)
  piece.writeUIntBE(0x1f8b08, 0, 3)
  for (let written = 0; written < data; written += MiB) writeSync(file, piece)
  writeSync(file, TAR_END)
  closeSync(file)
  return target
}

function yamlFor(name: string, platform: string): string {
  return specification({
    name: ` ${name}`,
    platform: ` ${platform}`,
    metadata: ' {}',
    files: '\n- lib/content.bin',
  })
}

/** One gem as `bundle gem` lays it out, with Bundler's release task. */
export function oneGemProject(name: string): Record<string, string> {
  return {
    [`${name}.gemspec`]: gemspec(name, '`git ls-files -- lib README.md`.split("\\n")'),
    [`lib/${name}.rb`]: `# ${noise(30_000)}\n`,
    'README.md': `# ${name}\n`,
    '.gitignore': 'pkg/\n*.gem\nGemfile.lock\n',
    Rakefile: 'require "bundler/gem_tasks"\n',
    Gemfile: 'gemspec\ngem "rake"\n',
  }
}

/** Gemspecs side by side at the root, each with files of its own, without a Rakefile. */
export function monorepo(gems: readonly string[]): Record<string, string> {
  return {
    ...Object.fromEntries(gems.map((name) => [`${name}.gemspec`, gemspec(name, `Dir["lib/${name}/**/*"]`)])),
    ...Object.fromEntries(gems.map((name) => [`lib/${name}/content.rb`, `# ${noise(30_000)}\n`])),
    '.gitignore': 'pkg/\n*.gem\n',
  }
}

function gemspec(name: string, files: string): string {
  return `Gem::Specification.new do |spec|
  spec.name = ${JSON.stringify(name)}
  spec.version = ${JSON.stringify(VERSION)}
  spec.summary = "A gem of the benchmark"
  spec.authors = ["Ada Gemwright"]
  spec.homepage = "https://example.com/gem"
  spec.license = "MIT"
  spec.files = Dir.chdir(__dir__) { ${files} }
end
`
}
