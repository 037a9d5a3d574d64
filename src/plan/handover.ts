import type { Problem } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { Inputs } from '../inputs.ts'
import type { PlannedGem } from './planned.ts'
import { title } from '../rubygems/versions.ts'

/** What a build job handed over, compared with what it said: every file named, none that is not, each with its digest. */
export function checksumProblems({ checksums }: Inputs, { prebuilt }: Facts): Problem[] {
  if (checksums.size === 0) return []
  const files = new Map(prebuilt.map((gem) => [gem.fileName, gem.sha256]))
  return [
    ...[...files].flatMap(([file, sha256]) => wrongDigest(file, sha256, checksums.get(file))),
    ...[...checksums.keys()].filter((file) => !files.has(file)).map(missingFile),
  ]
}

function wrongDigest(file: string, actual: string, expected: string | undefined): Problem[] {
  if (actual === expected) return []
  return [
    {
      code: 'checksum-mismatch',
      what:
        expected === undefined
          ? `Input \`checksums\` does not name ${file}, which \`gems\` matches.`
          : `${file} has SHA-256 ${actual}, but input \`checksums\` says ${expected}.`,
      why: 'Only what the build job made and named may be published; anything else was put there or changed on the way.',
      fix: 'Hand over the build job’s output `checksums` and exactly its files. If nobody changed them on purpose, find out who did before you re-run.',
    },
  ]
}

function missingFile(file: string): Problem {
  return {
    code: 'checksum-mismatch',
    what: `Input \`checksums\` names ${file}, but \`gems\` matches no such file.`,
    fix: 'Download all artifacts of the build jobs into one directory (`merge-multiple: true`), and let `gems:` match them all.',
  }
}

/** Two files for one version and platform: only one of them could be published. */
export function duplicateProblems(gems: readonly PlannedGem[]): Problem[] {
  const same = Map.groupBy(gems, title)
  return [...same].flatMap(([label, files]) =>
    files.length === 1
      ? []
      : [
          {
            code: 'gem-unexpected' as const,
            what: `There are ${String(files.length)} files for ${label}: ${files.map((gem) => gem.file?.fileName ?? gem.gemspec ?? '').join(', ')}.`,
            fix: 'Clean the directory before building, or make `gems:` match only one of them.',
          },
        ],
  )
}

/** A set is complete or it is not published: users of a missing platform would silently get the source gem. */
export function platformProblems(gems: readonly PlannedGem[], { platforms }: Inputs): Problem[] {
  if (platforms.length === 0) return []
  const sets = Map.groupBy(gems, (gem) => `${gem.name} ${gem.version}`)
  return [...sets].flatMap(([label, set]) => {
    const built = set.map((gem) => gem.platform)
    const missing = platforms.filter((platform) => !built.includes(platform))
    const extra = built.filter((platform) => !platforms.includes(platform))
    if (missing.length === 0 && extra.length === 0) return []
    const parts = [
      ...(missing.length > 0 ? [`lacks ${missing.join(', ')}`] : []),
      ...(extra.length > 0 ? [`has ${extra.join(', ')} that nobody asked for`] : []),
    ]
    return [
      {
        code: 'platform-mismatch' as const,
        what: `The set of ${label} ${parts.join(' and ')} (input \`platforms\`: ${platforms.join(', ')}).`,
        why: 'A set that is published in part makes some users build from source, and is noticed late.',
        fix: 'Look at the build job of the missing platform, or correct `platforms:`.',
      },
    ]
  })
}
