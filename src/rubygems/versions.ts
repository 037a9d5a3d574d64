import type { Problem } from '../errors.ts'
import type { PublishedVersion } from './registry.ts'

/** What identifies a published gem; nothing else does (rubygems.org, index on versions). */
export interface GemVersion {
  name: string
  version: string
  platform: string
}

/** `foo 1.2.3` or `foo 1.2.3 (x86_64-linux)`. */
export function title(gem: GemVersion): string {
  return `${gem.name} ${gem.version}${gem.platform === 'ruby' ? '' : ` (${gem.platform})`}`
}

/** RubyGems writes `universal-darwin19` into the file and says `universal-darwin-19` when asked (Gem::Platform#to_s). */
function spelled(platform: string): string {
  return platform.replaceAll('-', '')
}

export function samePlatform(one: string, other: string): boolean {
  return spelled(one) === spelled(other)
}

/** One gem under both spellings of its platform. */
export function identity({ name, version, platform }: GemVersion): string {
  return `${name} ${version} ${spelled(platform)}`
}

export function publishedVersion(
  gem: GemVersion,
  published: ReadonlyMap<string, readonly PublishedVersion[]>,
): { sha256: string } | undefined {
  return published.get(gem.name)?.find(({ version, platform }) => version === gem.version && platform === gem.platform)
}

export function versionTaken(gem: GemVersion, ours: string, theirs: string, host: string): Problem {
  return {
    code: 'version-taken',
    what: `${title(gem)} is already on ${host} with other content: SHA-256 ${theirs} there, ${ours} here.`,
    why: 'A published version cannot be replaced. Either it was released from another state of the code, or the build gives other bytes each time.',
    fix: 'Bump the version and release that. If the code is the same, compare the two files: `gem fetch` gets the published one.',
  }
}
