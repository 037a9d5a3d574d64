import path from 'node:path'
import { ReleaseError } from './errors.ts'
import { InputReader } from './input-reader.ts'
import { type GemServer, gemServer, isLoopback } from './server.ts'
import type { Runner } from './world/runner.ts'
import type { Secret } from './world/secret.ts'

/** How the release is carried out; `auto` is decided by the plan. */
export type StrategyInput = 'auto' | 'direct' | 'rake'

/** Whether gems are attested, and what becomes of a release where they cannot be. */
export type AttestationsInput = 'true' | 'required' | 'false'

/** How the action proves to the gem server who it is. */
export type Authentication =
  | { kind: 'trusted-publisher'; audience: string }
  | { kind: 'api-key-role'; role: string; audience: string }
  | { kind: 'api-token'; token: Secret }
  | { kind: 'existing' }

export type TagInput = { kind: 'auto' } | { kind: 'template'; template: string } | { kind: 'none' }

/** Everything a workflow can say to the root action, validated. */
export interface Inputs {
  /** Absolute. */
  workingDirectory: string
  /** Patterns of prebuilt gems, relative to the working directory; empty when the action builds. */
  gems: readonly string[]
  /** SHA-256 by file name, as the build job found them; empty where none were handed over. */
  checksums: ReadonlyMap<string, string>
  /** The commit that `gems` were built from; undefined where nobody says. */
  commit: string | undefined
  /** Platforms every gem must come in; empty where any set is right. */
  platforms: readonly string[]
  expectedVersion: string | undefined
  strategy: StrategyInput
  server: GemServer
  authentication: Authentication
  attestations: AttestationsInput
  /** Patterns of files with ready-made Sigstore bundles, relative to the working directory. */
  attestationBundles: readonly string[]
  tag: TagInput
  /** For the tag and the GitHub Release. */
  githubToken: Secret | undefined
  githubRelease: 'false' | 'draft' | 'true'
  awaitRelease: 'true' | 'strict' | 'false'
  /** Seconds. */
  awaitTimeout: number
  /** Everything but public acts. */
  dryRun: boolean
  persistCredentials: boolean
}

/** What `credentials/action.yml` accepts. */
export interface CredentialsInputs {
  server: GemServer
  authentication: Exclude<Authentication, { kind: 'existing' }>
}

/** What `build/action.yml` accepts. */
export interface BuildInputs {
  /** As for a release that publishes and tags nothing. */
  inputs: Inputs
  /** Position of this job in a matrix, whose other jobs set outputs of their own names; undefined outside of one. */
  matrixIndex: number | undefined
  /** Build twice and compare. */
  reproducible: boolean
}

/** An OIDC API key role's token: `rg_oidc_akr_` and 20 characters (rubygems.org app/models/oidc/api_key_role.rb). */
const ROLE = /^rg_oidc_akr_[0-9a-z]{20}$/
/** Gem::Version::VERSION_PATTERN without the `-` that the registry refuses. */
const VERSION = /^[0-9]+(\.[0-9A-Za-z]+)*$/
/** A commit's name under SHA-1 or SHA-256. */
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/
/** What may be sent as the value of an `Authorization` header without being quoted or cut. */
export const API_TOKEN = /^[\x21-\x7e]{8,512}$/

/** The inputs of the root action. Throws ReleaseError (`invalid-input`) with every problem there is. */
export function readInputs(runner: Runner): Inputs {
  const read = new InputReader(runner)
  const server = readServer(read)
  const inputs: Inputs = {
    ...readSources(read, runner),
    checksums: readChecksums(read),
    commit: readCommit(read),
    strategy: read.choice('strategy', ['auto', 'direct', 'rake']),
    server,
    authentication: readAuthentication(read, server),
    attestations: read.choice('attestations', ['true', 'required', 'false']),
    attestationBundles: read.lines('attestation-bundles'),
    tag: readTag(read),
    githubToken: read.secret('token'),
    githubRelease: read.choice('github-release', ['false', 'draft', 'true']),
    awaitRelease: read.choice('await-release', ['true', 'strict', 'false']),
    awaitTimeout: read.whole('await-timeout', 300, 3600),
    dryRun: read.boolean('dry-run', false),
    persistCredentials: read.boolean('persist-credentials', false),
  }
  if (inputs.gems.length > 0 && inputs.strategy === 'rake') {
    read.conflict(
      'Inputs `gems` and `strategy: rake` contradict each other: prebuilt gems are pushed directly, `rake` builds its own.',
      'Remove `strategy: rake`, or remove `gems:` and let `rake release` build.',
    )
  }
  if (inputs.gems.length === 0 && inputs.checksums.size > 0) {
    read.conflict(
      'Input `checksums` is given without `gems`: there are no prebuilt files to compare it with.',
      'Give `gems:` as well, such as `gems: pkg/*.gem`.',
    )
  }
  if (inputs.gems.length === 0 && inputs.commit !== undefined) {
    read.conflict(
      'Input `commit` is given without `gems`: what is built here is of the commit that is checked out.',
      'Give `gems:` as well, such as `gems: pkg/*.gem`; or remove `commit:`, and let actions/checkout have it as its `ref:`.',
    )
  }
  ReleaseError.throwIfAny(read.problems)
  return inputs
}

/** The inputs of the build action. Throws ReleaseError (`invalid-input`). */
export function readBuildInputs(runner: Runner): BuildInputs {
  const read = new InputReader(runner)
  const index = read.text('matrix-index')
  const matrixIndex = index === '' ? undefined : read.whole('matrix-index', 0, 255)
  const inputs: Inputs = {
    ...readSources(read, runner),
    server: readServer(read),
    checksums: new Map(),
    commit: undefined,
    strategy: read.choice('strategy', ['auto', 'direct']),
    authentication: { kind: 'existing' },
    attestations: 'false',
    attestationBundles: [],
    tag: { kind: 'none' },
    githubToken: undefined,
    githubRelease: 'false',
    awaitRelease: 'false',
    awaitTimeout: 0,
    dryRun: false,
    persistCredentials: false,
  }
  const reproducible = read.boolean('reproducible', false)
  if (reproducible && inputs.gems.length > 0) {
    read.conflict(
      'Inputs `reproducible` and `gems` contradict each other: what is built already cannot be built twice.',
      'Remove one of them.',
    )
  }
  ReleaseError.throwIfAny(read.problems)
  return { inputs, matrixIndex, reproducible }
}

/** What says which gems there are, in every action that builds or takes built ones. */
function readSources(
  read: InputReader,
  runner: Runner,
): Pick<Inputs, 'workingDirectory' | 'gems' | 'platforms' | 'expectedVersion'> {
  return {
    workingDirectory: path.resolve(runner.env['GITHUB_WORKSPACE'] ?? '.', read.text('working-directory')),
    gems: read.lines('gems'),
    platforms: readPlatforms(read),
    expectedVersion: readExpectedVersion(read),
  }
}

/** The inputs of the credentials action. Throws ReleaseError (`invalid-input`). */
export function readCredentialsInputs(runner: Runner): CredentialsInputs {
  const read = new InputReader(runner)
  const server = readServer(read)
  const token = read.secret('api-token')
  const role = read.text('role-to-assume')
  const publisher = read.text('trusted-publisher')
  const audience = readAudience(read, server)
  const asked = [token && 'api-token', role && 'role-to-assume', publisher === 'true' && 'trusted-publisher'].filter(
    Boolean,
  )
  if (asked.length > 1) {
    read.conflict(
      `Inputs ${asked.join(' and ')} are given together, but each is a way to authenticate of its own.`,
      'Keep one of them.',
    )
  }
  if (!asked.length && publisher !== '' && !read.boolean('trusted-publisher', true)) {
    read.conflict(
      'Input `trusted-publisher` is "false" and neither `role-to-assume` nor `api-token` is given: there is no way left to authenticate.',
      'Give `role-to-assume:` or `api-token:`, or remove `trusted-publisher: false`.',
    )
  }
  const authentication = authenticate(read, { token, role, audience })
  ReleaseError.throwIfAny(read.problems)
  return { server, authentication }
}

function readServer(read: InputReader): GemServer {
  const value = read.text('gem-server') || 'https://rubygems.org'
  const url = URL.parse(value)
  const rule = 'an https URL of a gem server, such as https://rubygems.org (http only for loopback hosts)'
  const usable = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))
  if (!usable || url.username || url.password) {
    read.refuse('gem-server', withoutCredentials(value), rule)
    return gemServer(new URL('https://rubygems.org'))
  }
  if (url.pathname.replace(/\/+$/, '') || url.search || url.hash) {
    read.refuse(
      'gem-server',
      withoutCredentials(value),
      'an origin without path or query: the API of a gem server is at its root',
    )
  }
  return gemServer(url)
}

/** A host without its scheme, as somebody may give it: labels that are too short and too plain for a token. */
const HOST = /^[a-z0-9-]{1,24}(\.[a-z0-9-]{1,24})+$/

/**
 * A would-be URL as it may be repeated in the log: its origin. User, path and query may be a token; so may the whole
 * of a value that is no URL.
 */
function withoutCredentials(value: string): string {
  if (HOST.test(value)) return value
  const url = URL.parse(value)
  if (url === null || url.username || url.password || !/^https?:$/.test(url.protocol)) return '(not shown)'
  return `${url.origin}${url.pathname === '/' && !url.search && !url.hash ? '' : '/…'}`
}

/**
 * The audience of the ID token: the gem server's host unless given. A token for `rubygems.org` is as good as a key
 * of the publisher for five minutes, so it is never minted for another server.
 */
function readAudience(read: InputReader, server: GemServer): string {
  const given = read.text('audience')
  if (given === '') return server.kind === 'loopback' ? 'rubygems.org' : server.host
  if (!/^[\x21-\x7e]{1,255}$/.test(given)) read.refuse('audience', given, 'at most 255 printable ASCII characters')
  if (given === 'rubygems.org' && server.kind === 'other') {
    read.refuse(
      'audience',
      given,
      `another value than "rubygems.org" when \`gem-server\` is ${server.origin}, because that server could use the token at rubygems.org`,
      `Set \`audience:\` to the value ${server.host} expects, or leave it out for "${server.host}".`,
    )
  }
  return given
}

function readAuthentication(read: InputReader, server: GemServer): Authentication {
  const setup = read.boolean('setup-trusted-publisher', true)
  const token = read.secret('api-token')
  const role = read.text('role-to-assume')
  const audience = readAudience(read, server)
  if (token && role) {
    read.conflict(
      'Inputs `api-token` and `role-to-assume` are given together, but each is a way to authenticate of its own.',
      'Keep one of them.',
    )
  }
  if (!setup && !token && !role) return { kind: 'existing' }
  return authenticate(read, { token, role, audience })
}

function authenticate(
  read: InputReader,
  { token, role, audience }: { token: Secret | undefined; role: string; audience: string },
): Exclude<Authentication, { kind: 'existing' }> {
  if (token) {
    if (!API_TOKEN.test(token.reveal())) {
      read.refuse('api-token', '(hidden)', '8 to 512 printable ASCII characters without spaces or line breaks')
    }
    return { kind: 'api-token', token }
  }
  if (role) {
    if (!ROLE.test(role))
      read.refuse(
        'role-to-assume',
        role,
        '`rg_oidc_akr_` followed by 20 letters and digits, as its page on the gem server shows it',
      )
    return { kind: 'api-key-role', role, audience }
  }
  return { kind: 'trusted-publisher', audience }
}

/** Lines of `SHA256  FILE`, as `sha256sum` prints them; `*FILE` for its binary mode. */
function readChecksums(read: InputReader): Map<string, string> {
  const checksums = new Map<string, string>()
  for (const line of read.lines('checksums')) {
    const [, digest, file] = /^([0-9a-f]{64})\s+\*?(\S.*)$/i.exec(line) ?? []
    const name = file?.split(/[\\/]/).at(-1)
    if (digest === undefined || name === undefined) {
      read.refuse('checksums', line, 'lines of 64 hex digits, two spaces and a file name')
    } else if ((checksums.get(name) ?? digest.toLowerCase()) !== digest.toLowerCase()) {
      read.refuse('checksums', line, 'one digest for each file name; this one was named before with another')
    } else checksums.set(name, digest.toLowerCase())
  }
  return checksums
}

/** One commit; in several lines where each job of a matrix says which one it has built. */
function readCommit(read: InputReader): string | undefined {
  const commits = [...new Set(read.lines('commit').map((line) => line.toLowerCase()))]
  const wrong = commits.filter((commit) => !COMMIT.test(commit))
  for (const commit of wrong) read.refuse('commit', commit, '40 or 64 hex digits: the build action’s output `commit`')
  if (commits.length > 1 && wrong.length === 0) {
    read.conflict(
      `Input \`commit\` names ${String(commits.length)} commits (${commits.join(', ')}): the build jobs have not built the same.`,
      'Let all of them check out one commit, such as `ref: ${{ github.sha }}`, and run them all again.',
    )
  }
  return commits[0]
}

/** Separated by line breaks, spaces or commas. */
function readPlatforms(read: InputReader): string[] {
  const platforms = read
    .text('platforms')
    .split(/[\s,]+/)
    .filter((platform) => platform !== '')
  for (const platform of platforms) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(platform)) {
      read.refuse('platforms', platform, 'names of RubyGems platforms, such as ruby, x86_64-linux-gnu or arm64-darwin')
    }
  }
  return [...new Set(platforms)]
}

function readExpectedVersion(read: InputReader): string | undefined {
  const value = read.text('expected-version').replace(/^v(?=\d)/, '')
  if (value === '') return undefined
  if (!VERSION.test(value)) read.refuse('expected-version', value, 'a gem version such as 1.2.3 or 2.0.0.rc1')
  return value
}

function readTag(read: InputReader): TagInput {
  const value = read.text('tag') || 'auto'
  if (value === 'auto') return { kind: 'auto' }
  if (value === 'false') return { kind: 'none' }
  const unknown = /\{(?!name\}|version\})/.test(value)
  // `git check-ref-format` for what remains after the placeholders are filled with a gem's name and version.
  const sample = value.replaceAll('{name}', 'a').replaceAll('{version}', '1')
  const badRef = /[^\x21-\x7e]|[~^:?*[\\{}]|\.\.|\/\/|^[-/.]|[/.]$|\.lock(?:\/|$)|\/\./.test(sample)
  if (unknown || badRef || !value.includes('{version}')) {
    read.refuse(
      'tag',
      value,
      '`auto`, `false`, or a tag name with the placeholder {version} and, if wanted, {name}, such as v{version}',
    )
  }
  return { kind: 'template', template: value }
}
