import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { type Problem, ReleaseError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { Lanes } from '../lanes.ts'
import { pushHostProblems } from '../plan/gems.ts'
import { publishedVersion, samePlatform, title, versionTaken } from '../rubygems/versions.ts'
import type { PlannedGem } from '../plan/planned.ts'
import { type GemFile, readGem } from '../rubygems/gem-file.ts'
import { explainDifference } from '../rubygems/explain-difference.ts'
import type { Registry } from '../rubygems/registry.ts'
import type { GemServer } from '../server.ts'
import type { Bundle } from '../sigstore/attester.ts'
import type { World } from '../world/world.ts'
import type { BuiltGem } from './build.ts'

/** A gem whose bytes are known, copied where no build code reaches for them, and compared with the plan. */
export interface ReleaseGem extends GemFile {
  /** Where the build left it, for outputs and reports. */
  builtPath: string
  /** The registry has exactly these bytes already. */
  alreadyPublished: boolean
  /** The Sigstore bundles it is pushed with; none where it is not attested. */
  bundles?: readonly Bundle[]
}

/** Two files are open for each gem that is being read, and a large release has hundreds. */
export const READ_AT_ONCE = 16

/** A fresh name below our private directory: the one copy that is hashed, inspected and sent. */
export function privateCopy(world: World): string {
  return path.join(world.privateDirectory, `${randomUUID()}.gem`)
}

/**
 * Reads every gem as built and compares it with what was planned and with what is published.
 * Throws ReleaseError with all problems: `gem-unexpected`, `push-host-mismatch`, `version-taken`, `gem-invalid`.
 */
export async function inspect(
  built: readonly BuiltGem[],
  facts: Facts,
  { server, registry }: { server: GemServer; registry?: Registry },
  world: World,
): Promise<ReleaseGem[]> {
  const lanes = new Lanes(READ_AT_ONCE)
  const gems = await Promise.all(
    built.map(async ({ planned, path: builtPath }) => {
      const file = planned.file ?? (await lanes.run(() => readGem(builtPath, { copyTo: privateCopy(world) })))
      const live = publishedVersion({ ...file, platform: file.originalPlatform }, facts.published)
      return { ...file, builtPath, planned, live, alreadyPublished: live?.sha256 === file.sha256 }
    }),
  )
  const [first, ...others] = gems.flatMap((gem) => [
    ...unexpected(gem, gem.planned),
    ...empty(gem, gem.planned),
    ...pushHostProblems(gem, gem.metadata, server),
    ...(gem.live && !gem.alreadyPublished ? [versionTaken(gem, gem.sha256, gem.live.sha256, server.host)] : []),
  ])
  if (first) {
    const error = new ReleaseError([first, ...others])
    throw registry ? await explainDifference(error, gems, registry, world) : error
  }
  for (const gem of gems) describe(gem, server, world)
  return gems.map(({ planned: _planned, live: _live, ...gem }) => gem)
}

function describe(gem: ReleaseGem, server: GemServer, { runner }: World): void {
  const files = `${String(gem.fileCount)} ${gem.fileCount === 1 ? 'file' : 'files'}`
  runner.info(`${title(gem)}: ${files}, ${String(gem.size)} bytes, SHA-256 ${gem.sha256}`)
  const runtime = gem.dependencies.filter((dependency) => dependency.type === 'runtime')
  if (runtime.length > 0) {
    runner.info(`  depends on ${runtime.map(({ name, requirement }) => `${name} ${requirement}`).join('; ')}`)
  }
  if (gem.alreadyPublished)
    runner.info(`  is on ${server.host} already with exactly these bytes: it will not be pushed again.`)
}

/** The gemspec was evaluated twice, once to plan and once to build: both must have said the same. */
function unexpected(gem: GemFile, planned: PlannedGem): Problem[] {
  const platform = samePlatform(gem.platform, planned.platform) || samePlatform(gem.originalPlatform, planned.platform)
  if (gem.name === planned.name && gem.version === planned.version && platform) return []
  return [
    {
      code: 'gem-unexpected',
      what: `The build made ${title(gem)}, but ${planned.gemspec ?? 'the plan'} said ${title(planned)}.`,
      why: 'The gemspec depends on something that changed between reading and building it, such as the clock or a file the build writes.',
      fix: 'Make name, version and platform in the gemspec independent of the build.',
    },
  ]
}

/** Only of gems that were built here: who hands a file over has made it that way. A gem may just depend on others. */
function empty(gem: GemFile, { gemspec }: PlannedGem): Problem[] {
  if (gemspec === undefined || gem.fileCount > 0 || gem.dependencies.some(({ type }) => type === 'runtime')) return []
  return [
    {
      code: 'gem-unexpected',
      what: `The build made ${title(gem)} without a single file: \`files\` of ${gemspec} was empty.`,
      why: 'Most often the gemspec asks git for its files, and git had none to name: the checkout is shallow in an unusual way, belongs to another user, or the files were never added.',
      fix: 'Look at the line in the gemspec that sets `files`, and run it in a step before this one.',
    },
  ]
}
