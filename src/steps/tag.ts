import { isCancelled, type Problem, ReleaseError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { Plan, PlannedTag } from '../plan/planned.ts'
import type { Repository } from '../github/repository.ts'
import type { World } from '../world/world.ts'

/** A tag whose object exists but which no ref names yet. */
export interface PreparedTag {
  name: string
  /** SHA of the tag object. */
  object: string
}

/**
 * Makes the objects of the tags to come. It needs the very permission that the tags will, and nobody sees it: a
 * missing permission is found before the first push. Throws ReleaseError (`tag-not-permitted`).
 */
export async function prepareTags(
  plan: Plan,
  facts: Facts,
  repository: Repository,
  world: World,
): Promise<PreparedTag[]> {
  const author = facts.github?.commit?.author
  const tagger = {
    name: author?.name ?? facts.run.actor,
    email: author?.email ?? `${facts.run.actor}@users.noreply.github.com`,
    date: world.clock.date(),
  }
  const wanted = plan.tags.filter((tag) => tag.action === 'create')
  return Promise.all(
    wanted.map(async ({ name, message }) => ({
      name,
      object: await repository.prepareTag({ name, message, commit: plan.commit, tagger }),
    })),
  )
}

/** Names a prepared object; an equal tag made meanwhile is as good. Throws ReleaseError (`tag-commit-mismatch`). */
export async function createTag(
  { name, object }: PreparedTag,
  { commit }: Pick<Plan, 'commit'>,
  repository: Repository,
  { runner }: World,
): Promise<void> {
  if ((await makeTag(name, object, commit, repository)) === 'created') {
    runner.info(`Created tag ${name} on ${commit.slice(0, 12)}.`)
    return
  }
  const existing = await repository.tag(name)
  if (existing?.commit !== commit) throw new ReleaseError(taken(name, commit, existing?.commit))
  runner.info(`Tag ${name} has been created on ${commit.slice(0, 12)} meanwhile.`)
}

/** Whatever was answered, or not: a tag that is there on our commit is a success. */
async function makeTag(
  name: string,
  object: string,
  commit: string,
  repository: Repository,
): Promise<'created' | 'exists'> {
  try {
    return await repository.createTag(name, object)
  } catch (error) {
    if (!(error instanceof ReleaseError) || isCancelled(error)) throw error
    const found = await repository.tag(name).catch(() => undefined)
    if (found?.commit === commit) return 'exists'
    throw error
  }
}

/**
 * What became of the tags a release task was to make: the names that are there, on one of the released commits. A task
 * that commits before it tags has two. Throws ReleaseError (`tag-commit-mismatch`) for a tag that is elsewhere.
 */
export async function tagsByTask(
  tags: readonly PlannedTag[],
  commits: readonly [string, ...string[]],
  repository: Repository,
): Promise<string[]> {
  const found = await Promise.all(tags.map(async ({ name }) => ({ name, tag: await repository.tag(name) })))
  const made = found.filter(({ tag }) => tag !== undefined)
  ReleaseError.throwIfAny(
    made
      .filter(({ tag }) => !commits.includes(tag?.commit ?? ''))
      .map(({ name, tag }) => taken(name, commits[0], tag?.commit)),
  )
  return made.map(({ name }) => name)
}

function taken(name: string, commit: string, existing: string | undefined): Problem {
  return {
    code: 'tag-commit-mismatch',
    what: `The gems are published, but the tag ${name} was created meanwhile on ${existing?.slice(0, 12) ?? 'an unknown commit'} instead of ${commit.slice(0, 12)}.`,
    why: 'Somebody else made the tag while this run was publishing. A tag is never moved.',
    fix: `Find out who made it. If it is a mistake, delete it and re-run this job: it publishes nothing again and creates the tag.`,
  }
}
