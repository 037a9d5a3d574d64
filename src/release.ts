import { attestAll, bundlesOf, confirmAll } from './attestations.ts'
import { dryRun } from './dry-run.ts'
import { type Problem, ReleaseError } from './errors.ts'
import type { Facts } from './facts.ts'
import { readCheckout } from './git/checkout.ts'
import { readOnlyGit } from './git/git.ts'
import { createReleases } from './github/releases.ts'
import type { Inputs } from './inputs.ts'
import { keepForLaterSteps } from './persisted-credentials.ts'
import type { Plan } from './plan/planned.ts'
import { makePlan, refuseForeignEvents } from './plan.ts'
import { buildAndInspect, prepareTagObjects } from './preparation.ts'
import type { Release } from './release-context.ts'
import { explainDifference } from './rubygems/explain-difference.ts'
import type { Registry } from './rubygems/registry.ts'
import { announce } from './steps/announce.ts'
import { awaitIndex, lateProblem } from './steps/await.ts'
import { downloadAndCompare, notServedProblem } from './steps/download.ts'
import type { ReleaseGem } from './steps/inspect.ts'
import { pushAndRecord } from './steps/push-and-record.ts'
import { pushSet } from './steps/push-set.ts'
import { runReleaseTask } from './steps/release-task.ts'
import { createTag, type PreparedTag, tagsByTask } from './steps/tag.ts'
import { verifyAndRecord } from './steps/verify-and-record.ts'
import { survey } from './survey.ts'
import type { World } from './world/world.ts'

/** The release, from looking around to the last gem being installable. Throws ReleaseError; nothing else. */
export async function release(it: Release): Promise<void> {
  refuseForeignEvents(it.run, it.inputs.dryRun)
  const facts = await it.phases.run('Look around', () => survey(it.inputs, it.run, it.registry, it.world))
  const plan = await it.phases.run('Plan', () => decide(it, facts))
  if (it.inputs.dryRun) return dryRun(it, plan, facts)

  const gems = plan.strategy === 'rake' ? await byReleaseTask(it, plan, facts) : await directly(it, plan, facts)

  if (it.inputs.awaitRelease !== 'false') await it.phases.run('Await', () => awaitAll(it, gems))
  if (it.inputs.githubRelease !== 'false') await it.phases.run('Announce', () => announceAll(it, plan, gems))
}

/** Builds, checks, pushes and tags: our own way, in which the key is the last thing to come into being. */
async function directly(it: Release, plan: Plan, facts: Facts): Promise<ReleaseGem[]> {
  const gems = await buildAndInspect(it, plan, facts)
  for (const gem of gems) await it.ledger.gem(gem, gem.alreadyPublished ? 'already-published' : 'not-tried')
  const unattested = gems.filter((gem) => !gem.alreadyPublished)
  if (unattested.length > 0) askAhead(it)
  const tags = await it.phases.run('Prepare tag', () => prepareTagObjects(it, plan, facts))

  const missing = plan.attest ? await it.phases.run('Attest', () => attestAll(unattested, plan, it)) : unattested
  if (missing.length > 0 || it.inputs.persistCredentials) await it.phases.run('Exchange', () => getKey(it))
  const looks = missing.length > 0 ? await it.phases.run('Push', () => pushAll(it, missing)) : []
  const all = gems.map((gem) => missing.find(({ path }) => path === gem.path) ?? gem)
  if (missing.length > 0 || plan.attest) await it.phases.run('Verify', () => allVerified(it, plan, all, looks))
  await it.phases.run('Tag', () => tagAll(it, plan, tags))
  return all
}

/** Runs the project's own release task and gives its pushes our hands. */
async function byReleaseTask(it: Release, plan: Plan, facts: Facts): Promise<ReleaseGem[]> {
  await it.phases.run('Exchange', () => getKey(it))
  const gems = await it.phases
    .run('Release task', () => runReleaseTask(it, plan, facts))
    .catch(async (error: unknown) => {
      // Bundler's task pushes the tag before the gem. What is public is worth knowing, but not more than the failure.
      await recordTagsOfTask(it, plan).catch(() => undefined)
      throw error
    })
  await it.phases.run('Verify', () => {
    const looks = gems.map((gem) => verifyAndRecord(gem, it))
    return allVerified(it, plan, gems, looks)
  })
  await it.phases.run('Tag', () => recordTagsOfTask(it, plan))
  if (it.ledger.record.tags.length === 0) {
    it.world.runner.info('The release task made no tag of the usual form on the released commit.')
  }
  return gems
}

async function recordTagsOfTask({ repository, inputs, ledger, world }: Release, plan: Plan): Promise<void> {
  if (!repository) return
  // The task may have committed.
  const checkout = await readCheckout(readOnlyGit(inputs.workingDirectory, world.runner.env))
  await ledger.tagged(await tagsByTask(plan.tags, [plan.commit, checkout?.head ?? plan.commit], repository))
}

async function planOrExplain(inputs: Inputs, facts: Facts, registry: Registry, world: World): Promise<Plan> {
  try {
    return makePlan(inputs, facts)
  } catch (error) {
    throw await explainDifference(error, facts.prebuilt, registry, world)
  }
}

async function decide({ inputs, run, ledger, registry, world }: Release, facts: Facts): Promise<Plan> {
  const plan = await planOrExplain(inputs, facts, registry, world)
  for (const sentence of plan.decisions) world.runner.info(sentence)
  for (const { title, text } of plan.warnings) world.runner.warning(title, text)
  ledger.planned(plan.gems, { commit: plan.commit, repository: run.repository })
  return plan
}

/** The project's code has run by now: the ID token may come while GitHub is asked about the tag. */
function askAhead({ idTokens, inputs: { authentication }, run }: Release): void {
  if ('audience' in authentication && run.idToken) idTokens.askAhead(authentication.audience)
}

async function getKey({ keys, inputs, world }: Release): Promise<void> {
  const key = await keys.current()
  world.runner.info(
    `Authenticated at ${inputs.server.host}: ${key.source}${key.name === undefined ? '' : ` (${key.name})`}.`,
  )
  if (inputs.persistCredentials) await keepForLaterSteps(key, inputs.server, world)
}

/** Looks at what became of a gem as soon as it is there, while others are still on their way. */
async function pushAll(it: Release, gems: readonly ReleaseGem[]): Promise<Promise<unknown>[]> {
  const looks: Promise<unknown>[] = []
  await pushSet(gems, async (gem, stop) => {
    await pushAndRecord(gem, it, stop.signal)
    const look = verifyAndRecord(gem, it)
    look.catch(stop.because)
    looks.push(look)
  })
  return looks
}

async function tagAll(
  { repository, ledger, world }: Release,
  plan: Plan,
  prepared: readonly PreparedTag[],
): Promise<void> {
  for (const { name } of plan.tags) {
    const object = prepared.find((tag) => tag.name === name)
    if (object && repository) await createTag(object, plan, repository, world)
    await ledger.tagged([name])
  }
}

async function allVerified(
  it: Release,
  plan: Plan,
  gems: readonly ReleaseGem[],
  looks: readonly Promise<unknown>[],
): Promise<void> {
  await Promise.all(looks)
  await confirmAll(gems, plan, it)
}

/** A published gem that index or caches are late with is no failed release, unless the workflow says so. */
async function awaitAll({ inputs, registry, world }: Release, gems: readonly ReleaseGem[]): Promise<void> {
  const { awaitTimeout: seconds, awaitRelease, server } = inputs
  const everySize = awaitRelease === 'strict'
  const [unlisted, unserved] = await Promise.all([
    awaitIndex(gems, seconds, registry, world),
    downloadAndCompare(gems, { seconds, everySize }, registry, world),
  ])
  const index = unlisted.length > 0 ? [lateProblem(unlisted, seconds, server.host)] : []
  const file = unserved.length > 0 ? [notServedProblem(unserved, seconds, server.host)] : []
  if (awaitRelease === 'strict') ReleaseError.throwIfAny([...index, ...file])
  for (const [name, problems] of Object.entries({ index, file })) {
    for (const { what, why = '', fix } of problems) {
      world.runner.warning(`The ${name} is late`, [what, why, fix].join('\n'))
    }
  }
}

/** One GitHub Release for each tag, with the gems it speaks for. */
async function announceAll(
  { inputs, run, ledger, world }: Release,
  plan: Plan,
  gems: readonly ReleaseGem[],
): Promise<void> {
  const { githubToken: token } = inputs
  if (!token) return
  const missing = plan.tags.filter((tag) => !ledger.record.tags.includes(tag.name))
  ReleaseError.throwIfAny(missing.map(({ name }) => noTag(name)))
  const log = (line: string): void => {
    world.runner.info(line)
  }
  const releases = createReleases({ name: run.repository, apiUrl: run.apiUrl, token, ...world, log })
  const bundles = async (gem: ReleaseGem): Promise<readonly unknown[]> =>
    plan.attest ? bundlesOf(gem, { inputs, world }) : []
  for (const tag of plan.tags) {
    const its = gems.filter((gem) => tag.gems.includes(gem.name))
    await ledger.announced(await announce(its, { tag, plan, inputs, releases, bundles, world }))
  }
}

/** GitHub would make the tag with its release, on a commit that the release task may not have meant. */
function noTag(name: string): Problem {
  return {
    code: 'github-release-failed',
    what: `The release task made no tag ${name} on the released commit, and a GitHub Release belongs to one.`,
    fix: 'Let the task make it, name the form of its tags with `tag:`, or remove `github-release:`.',
  }
}
