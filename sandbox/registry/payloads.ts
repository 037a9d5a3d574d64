import type { Context } from './context.ts'
import { isLatest } from './latest.ts'
import { compareNumbers } from './gem-version.ts'
import type { GemRow, VersionRow } from './world.ts'

type Payload = Record<string, unknown>

/** Newest number first, newest row first within a number (rubygems.org app/models/rubygem.rb public_versions). */
export function publicVersions(context: Pick<Context, 'store'>, gem: string): VersionRow[] {
  return context.store
    .versionsOf(gem)
    .filter(({ indexed }) => indexed)
    .toSorted(
      (one, other) =>
        compareNumbers(other.number, one.number) || other.createdAt.localeCompare(one.createdAt) || other.id - one.id,
    )
}

/** The newest release for `ruby`, else the newest for any platform, else the newest prerelease. */
export function mostRecent(versions: VersionRow[]): VersionRow | undefined {
  const releases = versions.filter(({ prerelease }) => !prerelease)
  const [newest] = releases
  const latest = releases.filter((version) => isLatest(version, releases))
  return latest.find(({ platform }) => platform === 'ruby') ?? newest ?? versions[0]
}

/** app/models/version.rb payload. The digest of the stored gemspec is not kept, as for old versions there. */
export function versionPayload(version: VersionRow): Payload {
  const { spec } = version
  return {
    authors: spec.authors,
    built_at: spec.builtAt,
    created_at: version.createdAt,
    description: spec.description,
    downloads_count: 0,
    metadata: spec.metadata,
    number: version.number,
    summary: spec.summary,
    platform: version.platform,
    rubygems_version: spec.rubygemsVersion,
    ruby_version: spec.rubyVersion,
    prerelease: version.prerelease,
    licenses: spec.licenses,
    requirements: spec.requirements,
    sha: version.sha256,
    spec_sha: null,
  }
}

function dependencies(version: VersionRow, scope: string): Payload[] {
  return version.spec.dependencies
    .filter((dependency) => dependency.scope === scope)
    .map(({ name, requirements }) => ({ name, requirements }))
}

/** app/models/rubygem.rb payload, of the given version or the most recent one. */
export function gemPayload(context: Context, gem: GemRow, given?: VersionRow): Payload {
  const version = given ?? mostRecent(publicVersions(context, gem.name))
  if (!version) return { name: gem.name, downloads: 0 }
  const { spec } = version
  const links = ['wiki_uri', 'documentation_uri', 'mailing_list_uri', 'source_code_uri', 'bug_tracker_uri']
  return {
    name: gem.name,
    downloads: 0,
    version: version.number,
    version_created_at: version.createdAt,
    version_downloads: 0,
    platform: version.platform,
    authors: spec.authors,
    info: spec.description ?? spec.summary,
    licenses: spec.licenses,
    metadata: spec.metadata,
    yanked: !version.indexed,
    sha: version.sha256,
    spec_sha: null,
    project_uri: `${context.origin()}/gems/${gem.name}`,
    gem_uri: `${context.origin()}/gems/${version.fullName}.gem`,
    homepage_uri: spec.metadata['homepage_uri'] ?? spec.homepage,
    ...Object.fromEntries(
      [...links, 'changelog_uri', 'funding_uri'].map((link) => [link, spec.metadata[link] ?? null]),
    ),
    dependencies: { development: dependencies(version, 'development'), runtime: dependencies(version, 'runtime') },
  }
}
