import path from 'node:path'
import { type Problem, ReleaseError } from '../errors.ts'
import { title } from '../rubygems/versions.ts'
import type { Plan } from '../plan/planned.ts'
import { describeDifference, readContents } from '../rubygems/gem-contents.ts'
import { readGem } from '../rubygems/gem-file.ts'
import { files } from '../world/files.ts'
import type { World } from '../world/world.ts'
import { build } from './build.ts'
import { privateCopy, type ReleaseGem } from './inspect.ts'

/**
 * Builds the gems once more, from a copy of the project in another directory and at another time, and compares them with
 * the first ones. Throws ReleaseError (`not-reproducible`) naming what differs.
 */
export async function rebuild(
  gems: readonly ReleaseGem[],
  plan: Pick<Plan, 'gems' | 'build'>,
  project: { directory: string; root: string; committedAt: number },
  world: World,
): Promise<void> {
  const copy = path.join(world.privateDirectory, 'rebuild')
  await files.copyDirectory(project.root, copy)
  const workingDirectory = path.join(copy, path.relative(project.root, project.directory))
  const built = await build(plan, workingDirectory, project.committedAt, world)
  const problems: Problem[] = []
  for (const { path: second } of built) {
    const other = await readGem(second, { copyTo: privateCopy(world) })
    const first = gems.find((gem) => gem.fullName === other.fullName)
    if (first && first.sha256 !== other.sha256) problems.push(await notReproducible(first, other))
    else world.runner.info(`${title(other)}: the second build has the same SHA-256.`)
  }
  await files.remove(copy)
  ReleaseError.throwIfAny(problems)
}

async function notReproducible(first: ReleaseGem, second: { path: string; sha256: string }): Promise<Problem> {
  const [one, other] = await Promise.all([readContents(first.path), readContents(second.path)])
  const differences = one && other ? describeDifference(one, other) : []
  return {
    code: 'not-reproducible',
    what: `Two builds of ${title(first)} differ: SHA-256 ${first.sha256} and ${second.sha256}. ${differences.join(' ')}`.trim(),
    why: 'Something of the build depends on the time, the directory or chance. A re-run that has to build again could then not tell its gem from the published one.',
    fix: 'Take times from `SOURCE_DATE_EPOCH`, sort what a directory listing gives, and keep absolute paths out of generated files.',
  }
}
