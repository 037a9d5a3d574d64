import path from 'node:path'
import { type Problem, ReleaseError } from '../errors.ts'
import { files } from '../world/files.ts'
import { HttpFault } from '../world/http-fault.ts'
import type { World } from '../world/world.ts'
import { describeDifference, readContents } from './gem-contents.ts'
import type { GemFile } from './gem-file.ts'
import type { Registry } from './registry.ts'

/**
 * Adds to a `version-taken` error in which files the published gem differs from ours, where it can be downloaded and is
 * not too large to compare. Only an explanation: whatever goes wrong with it leaves the error as it was.
 */
export async function explainDifference(
  refusal: unknown,
  gems: readonly GemFile[],
  registry: Registry,
  world: World,
): Promise<unknown> {
  if (!(refusal instanceof ReleaseError)) return refusal
  const problems = await Promise.all(refusal.problems.map((problem) => explained(problem, gems, registry, world)))
  const [first, ...rest] = problems
  return first ? new ReleaseError([first, ...rest], { cause: refusal }) : refusal
}

async function explained(
  problem: Problem,
  gems: readonly GemFile[],
  registry: Registry,
  world: World,
): Promise<Problem> {
  const gem = problem.code === 'version-taken' ? gems.find(({ sha256 }) => problem.what.includes(sha256)) : undefined
  const differences = gem ? await differencesOf(gem, registry, world) : []
  return differences.length === 0 ? problem : { ...problem, what: [problem.what, ...differences].join(' ') }
}

async function differencesOf(gem: GemFile, registry: Registry, world: World): Promise<string[]> {
  try {
    const published = await registry.file(gem.fullName)
    if (published === undefined) return []
    const copy = path.join(world.privateDirectory, `published-${gem.fullName}.gem`)
    await files.write(copy, published)
    const [ours, theirs] = await Promise.all([readContents(gem.path), readContents(copy)])
    return ours && theirs ? describeDifference(ours, theirs) : []
  } catch (error) {
    if (error instanceof HttpFault) return []
    throw error
  }
}
