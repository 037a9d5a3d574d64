import path from 'node:path'
import { CHANGELOG_FILES, sectionFor } from '../changelog.ts'
import type { GitHubRelease, NewAsset, Releases } from '../github/releases.ts'
import type { Inputs } from '../inputs.ts'
import type { Plan } from '../plan/planned.ts'
import { files } from '../world/files.ts'
import type { Upload } from '../world/http.ts'
import type { World } from '../world/world.ts'
import { baseName } from './build.ts'
import type { ReleaseGem } from './inspect.ts'

/** Lists the SHA-256 of every gem, as `sha256sum --check` reads it. */
const CHECKSUMS = 'SHA256SUMS'

/**
 * Makes the GitHub Release of a tag, or completes the one that is there: draft first, then the gems and their checksums,
 * then, if wanted, published. Comes last, so that it never speaks of a gem nobody can install. Returns its page.
 * Throws ReleaseError (`github-release-failed`).
 */
export async function announce(
  tag: string,
  gems: readonly ReleaseGem[],
  plan: Pick<Plan, 'commit'>,
  inputs: Inputs,
  releases: Releases,
  { runner }: World,
): Promise<string> {
  const existing = await releases.find(tag)
  const release = existing ?? (await releases.draft(await describe(tag, gems, plan, inputs)))
  runner.info(existing ? `Completing the release of ${tag} that is there.` : `Made a draft of the release of ${tag}.`)
  for (const asset of [...gems.map(gemAsset), checksumAsset(gems)]) await attachOnce(release, asset, releases)
  if (inputs.githubRelease === 'draft' || !release.draft) return release.url
  const url = await releases.publish(release)
  runner.info(`Published ${url}`)
  return url
}

async function attachOnce(release: GitHubRelease, asset: NewAsset, releases: Releases): Promise<void> {
  const there = release.assets.some(
    ({ name, size, complete }) => complete && name === asset.name && size === asset.upload.bytes,
  )
  if (!there) await releases.attach(release, asset)
}

async function describe(
  tag: string,
  gems: readonly ReleaseGem[],
  { commit }: Pick<Plan, 'commit'>,
  inputs: Inputs,
): Promise<Parameters<Releases['draft']>[0]> {
  const version = gems[0]?.version ?? ''
  return { tag, commit, notes: await notesFor(version, inputs), prerelease: gems.every((gem) => gem.prerelease) }
}

/** The changelog's section of this version; undefined, for notes that GitHub generates, where there is none. */
async function notesFor(version: string, { workingDirectory }: Inputs): Promise<string | undefined> {
  for (const name of CHANGELOG_FILES) {
    const text = await files.text(path.join(workingDirectory, name)).catch(() => undefined)
    const section = text === undefined ? undefined : sectionFor(text, version)
    if (section !== undefined) return section
  }
  return undefined
}

function gemAsset(gem: ReleaseGem): NewAsset {
  const upload: Upload = { bytes: gem.size, chunks: () => files.read(gem.path) }
  return { name: baseName(gem.builtPath), type: 'application/octet-stream', upload }
}

function checksumAsset(gems: readonly ReleaseGem[]): NewAsset {
  const lines = gems.map((gem) => `${gem.sha256}  ${baseName(gem.builtPath)}\n`).join('')
  const bytes = Buffer.from(lines)
  return {
    name: CHECKSUMS,
    type: 'text/plain',
    upload: {
      bytes: bytes.length,
      async *chunks() {
        yield bytes
      },
    },
  }
}
