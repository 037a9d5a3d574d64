import { InvalidGem, quoted } from './gem-tar.ts'
import { asText, isNothing, parseYaml } from './gem-yaml.ts'
import type { YamlMap, YamlNode } from './gem-yaml.ts'

const SPECIFICATION = '!ruby/object:Gem::Specification'
const VERSION = '!ruby/object:Gem::Version'
const DEPENDENCY = '!ruby/object:Gem::Dependency'
/** The second is the name RubyGems gave the class before 1.3. */
const REQUIREMENTS = ['!ruby/object:Gem::Requirement', '!ruby/object:Gem::Version::Requirement']

/** In characters: rubygems.org config/application.rb MAX_FIELD_LENGTH. */
const MAX_FIELD = 255
/** Dashes are left out on purpose: the registry refuses them (app/models/version.rb no_dashes_in_version_number). */
const VERSION_PATTERN = /^[0-9]+(?:\.[0-9a-zA-Z]+)*$/
/** Gem::Version::VERSION_PATTERN: a requirement may name a version with a dash. */
const REQUIRED_VERSION = /^[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/
const OPERATORS = new Set(['=', '!=', '>', '<', '>=', '<=', '~>'])
/** In characters: rubygems.org app/models/version.rb metadata_attribute_length. */
const MAX_METADATA = { key: 128, value: 1024 }
/** rubygems.org lib/gem_validator/schema.rb: METADATA_LINK and its keys. */
const LINK = /^https?:\/\/(?:[^\s:@]+:[^\s:@]*@)?[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)+\.?(?::\d{1,5})?(?:[/?]\S*)?$/
const LINKS = new Set(
  [
    'homepage',
    'changelog',
    'source_code',
    'documentation',
    'wiki',
    'mailing_list',
    'bug_tracker',
    'download',
    'funding',
  ].map((name) => `${name}_uri`),
)

/** One entry of a gem's dependencies. */
export interface GemDependency {
  name: string
  /** As Gem::Requirement#to_s writes it, for example `>= 1.0, < 3`. */
  requirement: string
  type: 'runtime' | 'development'
}

/** What the gem's own metadata says. */
export interface Specification {
  name: string
  version: string
  platform: string
  originalPlatform: string
  metadata: ReadonlyMap<string, string>
  dependencies: readonly GemDependency[]
  /** How many files it lists; RubyGems installs no others. */
  fileCount: number
}

/** Reads the inflated `metadata.gz`. Throws InvalidGem for everything the registry would refuse in what is read. */
export function readSpecification(bytes: Buffer): Specification {
  const { entries } = object(parseYaml('metadata', bytes), 'metadata', [SPECIFICATION])
  // Ruby makes an instance variable of each key, and fails on what cannot be the name of one.
  for (const key of entries.keys())
    if (!/^[A-Za-z_]\w*$/.test(key)) throw new InvalidGem(`its metadata has the attribute ${quoted(key)}`)
  const platform = readPlatform(entries.get('platform'), 'platform') ?? 'ruby'
  const originalPlatform = readPlatform(entries.get('original_platform'), 'original_platform') ?? platform
  if ((platform === 'ruby') !== (originalPlatform === 'ruby'))
    throw new InvalidGem(`its platform ${quoted(platform)} and original platform ${quoted(originalPlatform)} disagree`)
  return {
    name: readName(entries.get('name'), 'name'),
    version: readVersion(entries.get('version')),
    platform,
    originalPlatform,
    metadata: readMetadata(entries.get('metadata')),
    dependencies: list(entries.get('dependencies'), 'dependencies').map(readDependency),
    fileCount: countOf(entries.get('files')),
  }
}

/** SHA-256 and SHA-512 by algorithm and member, from the inflated `checksums.yaml.gz`. Throws InvalidGem. */
export function readChecksums(bytes: Buffer): Map<string, Map<string, string>> {
  const { entries } = object(parseYaml('checksums.yaml', bytes), 'checksums.yaml', [undefined])
  const checksums = new Map<string, Map<string, string>>()
  for (const algorithm of ['SHA256', 'SHA512']) {
    if (!entries.has(algorithm)) continue
    const members = object(entries.get(algorithm), `checksums ${algorithm}`, [undefined]).entries
    checksums.set(
      algorithm,
      new Map([...members].map(([name, node]) => [name, text(node, `checksum ${quoted(name)}`)])),
    )
  }
  return checksums
}

function object(node: YamlNode | undefined, what: string, tags: readonly (string | undefined)[]): YamlMap {
  if (node?.kind !== 'map' || !tags.includes(node.tag))
    throw new InvalidGem(
      `its ${what} is not ${tags[0] === undefined ? 'a map' : `a ${tags[0].replace(/^.*object:/, '')}`}`,
    )
  return node
}

function list(node: YamlNode | undefined, what: string): readonly YamlNode[] {
  if (isNothing(node)) return []
  if (node?.kind !== 'seq' || node.tag !== undefined) throw new InvalidGem(`its ${what} is not a list`)
  return node.items
}

/** Of a list that is no concern of the registry's, so that one of another kind is no reason to refuse the gem. */
function countOf(node: YamlNode | undefined): number {
  return node?.kind === 'seq' ? node.items.length : 0
}

function text(node: YamlNode | undefined, what: string): string {
  const value = asText(node)
  if (value !== undefined) return value
  throw new InvalidGem(`its ${what} is not text as Ruby reads it`)
}

/** rubygems.org lib/patterns.rb and lib/name_format_validator.rb. */
function readName(node: YamlNode | undefined, what: string): string {
  const name = format(text(node, what), what)
  if (!/[A-Za-z]/.test(name)) throw new InvalidGem(`its ${what} ${quoted(name)} has no letter`)
  return name
}

function format(value: string, what: string): string {
  const wrong = (rule: string): InvalidGem => new InvalidGem(`its ${what} ${quoted(value)} ${rule}`)
  if (value.length > MAX_FIELD) throw wrong(`is longer than ${String(MAX_FIELD)} characters`)
  if (!/^[A-Za-z0-9._-]+$/.test(value)) throw wrong('has other characters than letters, digits, ".", "-" and "_"')
  if (/^[._-]|[._-]$/.test(value)) throw wrong('begins or ends with ".", "-" or "_"')
  if (/\.(?:gem|json|html|gemspec)$/i.test(value)) throw wrong('ends like a file name')
  return value
}

function readVersion(node: YamlNode | undefined): string {
  const version = format(text(object(node, 'version', [VERSION]).entries.get('version'), 'version'), 'version')
  if (VERSION_PATTERN.test(version)) return version
  const rule = version.includes('-') ? 'has a dash, with which it could not be installed' : 'is not a version of a gem'
  throw new InvalidGem(
    `its version ${quoted(version)} ${rule}`,
    'Write the version like 1.2.3 or 1.2.3.rc1, and build the gem again.',
  )
}

function readPlatform(node: YamlNode | undefined, what: string): string | undefined {
  if (isNothing(node)) return undefined
  const platform = format(text(node, what), what)
  // RubyGems replaces this word by the platform of whatever machine reads the gem.
  if (platform === 'current') throw new InvalidGem(`its ${what} is "current", which means another one on every machine`)
  return platform
}

function readMetadata(node: YamlNode | undefined): Map<string, string> {
  const metadata = new Map<string, string>()
  if (isNothing(node)) return metadata
  for (const [key, value] of object(node, 'metadata map', [undefined]).entries) {
    const what = `metadata ${quoted(key)}`
    metadata.set(key, text(value, what))
    if (key === '' || length(key) > MAX_METADATA.key)
      throw new InvalidGem(`its ${what} key is empty or longer than 128`)
    if (length(metadata.get(key)) > MAX_METADATA.value)
      throw new InvalidGem(`its ${what} is longer than 1024 characters`)
    if (LINKS.has(key) && !LINK.test(metadata.get(key) ?? ''))
      throw new InvalidGem(`its ${what} is not an http(s) address`)
  }
  return metadata
}

/** In characters as Ruby counts them: code points. */
function length(value = ''): number {
  return Array.from(value).length
}

function readDependency(node: YamlNode): GemDependency {
  const { entries } = object(node, 'dependency', [DEPENDENCY])
  const name = readName(entries.get('name'), 'dependency')
  // Gem::Dependency#requirement falls back to the name of the attribute before RubyGems 1.3.6.
  const requirement = entries.get(isNothing(entries.get('requirement')) ? 'version_requirements' : 'requirement')
  return { name, requirement: readRequirement(requirement, name), type: readType(entries.get('type'), name) }
}

function readType(node: YamlNode | undefined, name: string): GemDependency['type'] {
  if (isNothing(node)) return 'runtime'
  if (node?.kind === 'scalar' && node.plain && node.tag === undefined) {
    if (node.text === ':runtime') return 'runtime'
    if (node.text === ':development') return 'development'
  }
  throw new InvalidGem(`its dependency on ${name} is neither runtime nor development`)
}

function readRequirement(node: YamlNode | undefined, name: string): string {
  const what = `requirement on ${name}`
  const parts = list(object(node, what, REQUIREMENTS).entries.get('requirements'), what).map((item) => {
    const [operator, version, ...rest] = list(item, what)
    const sign = text(operator, what)
    const number = text(object(version, what, [VERSION]).entries.get('version'), what)
    if (rest.length === 0 && OPERATORS.has(sign) && REQUIRED_VERSION.test(number)) return `${sign} ${number}`
    throw new InvalidGem(`its ${what} ${quoted(`${sign} ${number}`)} is not a requirement`)
  })
  if (parts.length === 0) throw new InvalidGem(`its ${what} is empty`)
  return parts.join(', ')
}
