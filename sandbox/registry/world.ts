/** The rows the registry keeps, named after the tables of rubygems.org. Times are ISO 8601 strings in UTC. */

export type Scope = 'index_rubygems' | 'push_rubygem' | 'yank_rubygem' | 'show_dashboard'

export interface GemRow {
  name: string
  createdAt: string
  updatedAt: string
  /** Handles of the users who own it. */
  owners: string[]
  /** Ids of the trusted publishers attached to it. */
  publishers: number[]
}

export interface DependencyRow {
  name: string
  /** Such as `>= 1.0, < 3`. */
  requirements: string
  scope: 'runtime' | 'development'
}

/** What the registry remembers of a gemspec. */
export interface SpecRow {
  authors: string
  summary: string
  description: string | null
  homepage: string | null
  licenses: string[]
  metadata: Record<string, string>
  requirements: string[]
  builtAt: string | null
  rubyVersion: string
  rubygemsVersion: string
  dependencies: DependencyRow[]
}

export interface VersionRow {
  id: number
  gem: string
  number: string
  /** The platform as the gemspec spelt it first (`original_platform`). */
  platform: string
  /** The platform as RubyGems resolves it. */
  gemPlatform: string
  canonicalNumber: string
  prerelease: boolean
  fullName: string
  gemFullName: string
  size: number
  /** Hex SHA-256 of the whole `.gem`. */
  sha256: string
  /** The key it was pushed with; null where no key was involved. */
  keyId: number | null
  pushedBy: string
  indexed: boolean
  createdAt: string
  indexedAt: string | null
  yankedAt: string | null
  spec: SpecRow
  attestations: unknown[]
}

/** A row of `oidc_trusted_publisher_github_actions`. */
export interface PublisherRow {
  id: number
  repositoryOwner: string
  repositoryName: string
  repositoryOwnerId: string
  workflowFilename: string
  environment: string | null
  workflowRepositoryOwner: string | null
  workflowRepositoryName: string | null
}

export interface PendingPublisherRow {
  gem: string
  publisherId: number
  user: string
  expiresAt: string
}

export type KeyOwner = { type: 'user'; handle: string } | { type: 'publisher'; id: number }

export interface ApiKeyRow {
  id: number
  /** Only the hash of a key is kept (rubygems.org app/controllers/concerns/api_keyable.rb). */
  hashedKey: string
  name: string
  scopes: Scope[]
  owner: KeyOwner
  /** The one gem the key is limited to. */
  gem: string | null
  expiresAt: string | null
}

export interface PolicyCondition {
  operator: 'string_equals' | 'string_matches'
  claim: string
  value: string
}

export interface PolicyStatement {
  effect: 'allow' | 'deny'
  conditions: PolicyCondition[]
}

export interface RoleRow {
  token: string
  name: string
  user: string
  scopes: Scope[]
  gem: string | null
  validForSeconds: number
  statements: PolicyStatement[]
}

/** A change that the background jobs still have to bring into the indexes. */
export interface IndexEvent {
  at: string
  kind: 'push' | 'yank'
  versionId: number
}

export interface ProviderRow {
  jwks: unknown
  refreshedAt: string
}

export interface State {
  createdAt: string
  nextId: number
  gems: GemRow[]
  versions: VersionRow[]
  publishers: PublisherRow[]
  pending: PendingPublisherRow[]
  keys: ApiKeyRow[]
  roles: RoleRow[]
  /** `jti` values used up by API key roles. */
  usedTokens: string[]
  reservedNames: string[]
  events: IndexEvent[]
  provider: ProviderRow | null
  /** Counters of the push throttles, by window. */
  counters: Record<string, number>
}
