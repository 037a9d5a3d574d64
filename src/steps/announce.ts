import { createHash } from 'node:crypto'
import path from 'node:path'
import { CHANGELOG_FILES, sectionFor } from '../changelog.ts'
import type { GitHubRelease, NewAsset, NewRelease, Releases } from '../github/releases.ts'
import type { Inputs } from '../inputs.ts'
import type { Plan, PlannedTag } from '../plan/planned.ts'
import { files } from '../world/files.ts'
import type { Upload } from '../world/http.ts'
import type { World } from '../world/world.ts'
import { baseName } from './build.ts'
import type { ReleaseGem } from './inspect.ts'

/** Lists the SHA-256 of every gem, as `sha256sum --check` reads it. */
const CHECKSUMS = 'SHA256SUMS'

export interface Announcement {
  tag: PlannedTag
  plan: Pick<Plan, 'commit'>
  inputs: Inputs
  releases: Releases
  /** The Sigstore bundles a gem was published with. */
  bundles: (gem: ReleaseGem) => Promise<readonly unknown[]>
  world: World
}

/**
 * Makes the GitHub Release of a tag, or completes the one that is there: draft first, then the gems, their Sigstore
 * bundles and their checksums, then, if wanted, published. Comes last, so that it never speaks of a gem nobody can
 * install. Returns its page. Throws ReleaseError (`github-release-failed`).
 */
export async function announce(gems: readonly ReleaseGem[], announcement: Announcement): Promise<string> {
  const { tag, inputs, releases, world } = announcement
  const existing = await releases.find(tag.name)
  const release = existing ?? (await releases.draft(await describe(gems, announcement)))
  world.runner.info(
    existing ? `Completing the release of ${tag.name} that is there.` : `Made a draft of the release of ${tag.name}.`,
  )
  for (const gem of gems) {
    await releases.attach(release, gemAsset(gem))
    for (const asset of await bundleAssets(gem, release, announcement)) await releases.attach(release, asset)
  }
  await releases.attach(release, checksumAsset(gems))
  if (inputs.githubRelease === 'draft' || !release.draft) return release.url
  const url = await releases.publish(release)
  world.runner.info(`Published ${url}`)
  return url
}

async function describe(gems: readonly ReleaseGem[], { tag, plan, inputs }: Announcement): Promise<NewRelease> {
  const section = await changelogSection(gems[0]?.version ?? '', inputs)
  return {
    tag: tag.name,
    commit: plan.commit,
    notes: section ?? tag.notes,
    prerelease: gems.every((gem) => gem.prerelease),
  }
}

/** What a changelog of the project says of this version. */
async function changelogSection(version: string, { workingDirectory }: Inputs): Promise<string | undefined> {
  for (const name of CHANGELOG_FILES) {
    const text = await files.text(path.join(workingDirectory, name)).catch(() => undefined)
    const section = text === undefined ? undefined : sectionFor(text, version)
    if (section !== undefined) return section
  }
  return undefined
}

function gemAsset(gem: ReleaseGem): NewAsset {
  const upload: Upload = { bytes: gem.size, chunks: () => files.read(gem.path) }
  return { name: baseName(gem.builtPath), type: 'application/octet-stream', sha256: gem.sha256, upload }
}

/**
 * `FILE.sigstore.json`, the name that Sigstore's tools give and look for. What an earlier run has attached stays: the
 * registry may write a bundle anew, with other bytes that prove the same.
 */
async function bundleAssets(
  gem: ReleaseGem,
  release: GitHubRelease,
  { bundles }: Announcement,
): Promise<readonly NewAsset[]> {
  const file = baseName(gem.builtPath)
  const first = `${file}.sigstore.json`
  if (release.assets.some(({ name, complete }) => name === first && complete)) return []
  return (await bundles(gem)).map((bundle, index) => ({
    ...textAsset(index === 0 ? first : `${file}.${String(index + 1)}.sigstore.json`, `${JSON.stringify(bundle)}\n`),
    type: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    sha256: undefined,
  }))
}

function checksumAsset(gems: readonly ReleaseGem[]): NewAsset {
  return textAsset(CHECKSUMS, gems.map((gem) => `${gem.sha256}  ${baseName(gem.builtPath)}\n`).join(''))
}

function textAsset(name: string, text: string): NewAsset {
  const bytes = Buffer.from(text)
  return {
    name,
    type: 'text/plain',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    upload: {
      bytes: bytes.length,
      async *chunks() {
        yield bytes
      },
    },
  }
}
