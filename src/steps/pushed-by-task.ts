import { type ErrorCode, type Problem, ReleaseError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { type GemVersion, identity, publishedVersion, title, versionTaken } from '../rubygems/versions.ts'
import type { Plan, PlannedGem } from '../plan/planned.ts'
import type { Release } from '../release-context.ts'
import { readGem } from '../rubygems/gem-file.ts'
import { findBuilt } from './build.ts'
import { privateCopy, type ReleaseGem } from './inspect.ts'
import { publishedDigest } from './verify.ts'

/** How often the registry is asked for a gem that a task says it has pushed; RubyGems.org shows it before it answers. */
const LOOKS = 5

export interface AfterTask {
  plan: Plan
  facts: Facts
  /** Gems whose push reached our stand-in and was carried out. */
  known: readonly ReleaseGem[]
  /** Those whose push we tried in vain: the ledger has what is to be said of them. */
  tried: readonly ReleaseGem[]
  /** When the task began, in ms since 1970. */
  since: number
  failed: boolean
}

/**
 * Gems the task pushed with a `gem` of its own: the registry is asked for each that was planned. What is certain then
 * is in the ledger, whatever else is wrong. Throws ReleaseError with what is missing.
 */
export async function pushedByTask(it: Release, after: AfterTask): Promise<ReleaseGem[]> {
  const gems: ReleaseGem[] = []
  const problems: Problem[] = []
  for (const planned of after.plan.gems) {
    if (isAmong(after.known, planned)) continue
    const others = after.known.filter(({ name, version }) => name === planned.name && version === planned.version)
    try {
      gems.push(await lookFor(planned, it, { ...after, others }))
    } catch (error) {
      const failure = ReleaseError.from(error)
      if (others.length > 0 && !after.failed && NOT_PUSHED.has(failure.code)) leaveOut(planned, others, it)
      else problems.push(...failure.problems)
    }
  }
  ReleaseError.throwIfAny(problems)
  return gems
}

/** What is said of a gem that the registry does not have from this task. */
const NOT_PUSHED: ReadonlySet<ErrorCode> = new Set(['release-task-failed', 'version-taken'])

function isAmong(gems: readonly GemVersion[], planned: GemVersion): boolean {
  return gems.some((gem) => identity(gem) === identity(planned))
}

/** Which platforms a task pushes is its own business: one of a matrix, say, where another pushes what the gemspec names. */
function leaveOut(planned: PlannedGem, others: readonly ReleaseGem[], { ledger, world, inputs }: Release): void {
  ledger.leftOut(planned)
  world.runner.warning(
    'Not all platforms',
    `The release task did not push ${title(planned)}, for which the gemspec is. It has pushed ${others.map(title).join(', ')} to ${inputs.server.host}.`,
  )
}

interface Looking extends AfterTask {
  /** What the task has pushed of the same version. */
  others: readonly ReleaseGem[]
}

async function lookFor(planned: PlannedGem, it: Release, after: Looking): Promise<ReleaseGem> {
  const { inputs, registry, world, ledger } = it
  const found = await findBuilt(planned, inputs.workingDirectory, after.since).catch(() => undefined)
  if (!found) return withoutFile(planned, it, after)
  const file = await readGem(found.path, { copyTo: privateCopy(world) })
  const before = publishedVersion(file, after.facts.published)
  const gem = { ...file, builtPath: found.path, alreadyPublished: before?.sha256 === file.sha256 }
  const expected = !after.failed && after.others.length === 0
  const digest = await publishedDigest(gem, registry, world, expected ? LOOKS : 1)
  if (digest !== undefined && digest !== gem.sha256) {
    await ledger.gem(gem, 'failed')
    throw new ReleaseError(versionTaken(gem, gem.sha256, digest, inputs.server.host))
  }
  // Some servers show no digest; then the word of a task that ended well is all there is.
  const unverifiable = expected && inputs.server.kind === 'other'
  if (digest === undefined && !unverifiable) {
    if (!isAmong(after.tried, planned)) await ledger.gem(gem, 'not-tried')
    throw new ReleaseError(notPushed(gem, inputs.server.host))
  }
  await ledger.gem(gem, gem.alreadyPublished ? 'already-published' : 'pushed')
  return gem
}

/** The task may have built somewhere else, and pushed from there; or it came to neither. */
async function withoutFile(planned: PlannedGem, it: Release, after: AfterTask): Promise<never> {
  const { registry, ledger, inputs } = it
  const { host, kind } = inputs.server
  const before = publishedVersion(planned, after.facts.published)?.sha256
  const answer = await registry.digest({ ...planned, originalPlatform: planned.platform })
  const now = 'done' in answer ? { digest: answer.done } : undefined
  if (now && now.digest === before && kind !== 'other' && !isAmong(after.tried, planned)) ledger.settled(planned)
  throw new ReleaseError(now && now.digest === undefined ? notPushed(planned, host) : notComparable(planned, host))
}

function notPushed(gem: PlannedGem | ReleaseGem, host: string): Problem {
  return {
    code: 'release-task-failed',
    what: `The release task ended, but ${host} does not have ${title(gem)}.`,
    why: 'A release task has to build the gem and to push it; `gem_push=no` in the environment keeps Bundler’s from pushing.',
    fix: 'Let the task call Bundler’s `release:rubygem_push`, or `gem push`, or set `strategy: direct`.',
  }
}

function notComparable(gem: PlannedGem, host: string): Problem {
  return {
    code: 'release-task-failed',
    what: `The release task left no new file of ${title(gem)} in \`pkg\` or beside the gemspec, so that what ${host} has cannot be compared with what was built.`,
    fix: 'Let the task build into `pkg`, as Bundler’s `build` does, or push through its `release:rubygem_push`.',
  }
}
