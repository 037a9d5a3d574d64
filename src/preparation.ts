import type { Facts } from './facts.ts'
import type { Plan } from './plan/planned.ts'
import type { Release } from './release-context.ts'
import { build } from './steps/build.ts'
import { inspect, type ReleaseGem } from './steps/inspect.ts'
import { type PreparedTag, prepareTags } from './steps/tag.ts'

/** The lines of the checklist before the first public act, which a dry run shares with a release. */

/** Makes the gems with the project's own tools, then reads and compares them. */
export async function buildAndInspect(it: Release, plan: Plan, facts: Facts): Promise<ReleaseGem[]> {
  const { inputs, phases, world } = it
  const built = await phases.run('Build', () =>
    build(plan, inputs.workingDirectory, facts.checkout?.committedAt ?? 0, world),
  )
  return phases.run('Inspect', () => inspect(built, facts, { server: inputs.server, registry: it.registry }, world))
}

/** Makes the objects of the tags to come, which proves the permission to tag before anything is public. */
export async function prepareTagObjects(
  { repository, world }: Release,
  plan: Plan,
  facts: Facts,
): Promise<PreparedTag[]> {
  if (!repository) return []
  return prepareTags(plan, facts, repository, world)
}
