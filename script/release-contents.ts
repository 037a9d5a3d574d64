import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { sectionFor } from '../src/changelog.ts'
import { stringAt } from '../src/json.ts'
import { billOfMaterials, type Materials } from './bill-of-materials.ts'
import { ROOT } from './materials.ts'

/** What GitHub's runner reads to start one of our actions. */
export const MANIFESTS = ['action.yml', 'build/action.yml', 'credentials/action.yml', 'publish/action.yml'] as const

/**
 * The files of the release of this action at `tag`, by name. The tag has to be the version of package.json, and the
 * changelog has to have a section for it, which becomes the notes; otherwise it throws, with all that is wrong.
 */
export function releaseContents(tag: string, changelog: string, materials: Materials): Record<string, string> {
  const version = stringAt(materials.manifest, 'version') ?? ''
  const notes = sectionFor(changelog, version)
  const problems = [
    ...(tag === `v${version}` ? [] : [`the tag is ${tag}, but package.json says ${version}`]),
    ...(notes === undefined ? [`CHANGELOG.md has no section for ${version}`] : []),
  ]
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return { 'notes.md': `${notes ?? ''}\n`, SHA256SUMS: digests(), 'sbom.cdx.json': billOfMaterials(materials) }
}

/** Every file that a user's runner may read or run, as `sha256sum --check` wants them. */
function digests(): string {
  const dist = readdirSync(path.join(ROOT, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
  return [...dist, ...MANIFESTS]
    .toSorted()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(path.join(ROOT, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('')
}
