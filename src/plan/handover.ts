import type { Problem } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { Inputs } from '../inputs.ts'
import type { GemFile } from '../rubygems/gem-file.ts'
import type { Decision, PlannedGem } from './planned.ts'
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

/**
 * Of the files an earlier step of a build job made, those of the platforms it is asked for: the Rake task that packs one
 * platform usually packs the source gem as well, which another job hands over. Of a version that has none of them
 * everything stays, so that it is refused for what it lacks.
 */
export function takeAskedPlatforms(
  prebuilt: readonly GemFile[],
  { platforms }: Pick<Inputs, 'platforms'>,
): Decision<readonly GemFile[]> {
  const asked = (gem: GemFile): boolean => platforms.includes(gem.originalPlatform)
  const served = new Set(prebuilt.filter(asked).map(setOf))
  const others = prebuilt.filter((gem) => served.has(setOf(gem)) && !asked(gem))
  if (others.length === 0) return { choice: prebuilt, because: [], problems: [] }
  const names = others.map(({ fileName }) => fileName).join(', ')
  return {
    choice: prebuilt.filter((gem) => !others.includes(gem)),
    because: [`Found as well, and left out, as input \`platforms\` is ${platforms.join(', ')}: ${names}.`],
    problems: [],
  }
}

/** A set is complete or it is not published: users of a missing platform would silently get the source gem. */
export function platformProblems(gems: readonly PlannedGem[], { platforms }: Inputs): Problem[] {
  if (platforms.length === 0) return []
  return [...Map.groupBy(gems, setOf)].flatMap(([label, set]) => {
    const built = set.map((gem) => gem.platform)
    const missing = platforms.filter((platform) => !built.includes(platform))
    const extra = built.filter((platform) => !platforms.includes(platform))
    return missing.length === 0 && extra.length === 0 ? [] : [platformMismatch(label, platforms, { missing, extra })]
  })
}

/** What is missing was not built or not handed over; what is too much was, and perhaps under another name than expected. */
function platformMismatch(
  label: string,
  platforms: readonly string[],
  { missing, extra }: { missing: readonly string[]; extra: readonly string[] },
): Problem {
  const lacks = missing.length > 0
  const has = extra.length > 0
  const parts = [
    ...(lacks ? [`lacks ${missing.join(', ')}`] : []),
    ...(has ? [`has ${extra.join(', ')} that nobody asked for`] : []),
  ]
  const fixes = [
    ...(lacks ? ['Look at the build job of what is missing: did it build and hand over that platform?'] : []),
    ...(has ? ['If what nobody asked for is to go out, add it to `platforms:`; if not, keep it out of `gems:`.'] : []),
  ]
  return {
    code: 'platform-mismatch',
    what: `The set of ${label} ${parts.join(' and ')} (input \`platforms\`: ${platforms.join(', ')}).`,
    why: lacks
      ? 'A set that is published in part makes some users build from source, and is noticed late.'
      : 'What goes out by mistake cannot be replaced: a version and platform can be pushed only once.',
    fix: fixes.join(' '),
  }
}

/** The files of one version belong together, whatever their platforms. */
function setOf({ name, version }: { name: string; version: string }): string {
  return `${name} ${version}`
}
