import { attestAll, bundlesOf, confirmAll } from './attestations.ts'
import { dryRun } from './dry-run.ts'
import { ReleaseError } from './errors.ts'
import type { Facts } from './facts.ts'
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
import { createTags, type PreparedTag, tagsByTask } from './steps/tag.ts'
import { verify } from './steps/verify.ts'
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
  const { gems, commit } = await it.phases.run('Release task', () => runReleaseTask(it, plan, facts))
  await it.phases.run('Verify', () => {
    const looks = gems.map((gem) => verify(gem, it.registry, it.world))
    return allVerified(it, plan, gems, looks)
  })
  await it.phases.run('Tag', async () => {
    const { repository, world } = it
    const found = repository ? await tagsByTask(plan.tags, [plan.commit, commit], repository) : []
    await it.ledger.tagged(found)
    if (found.length === 0) world.runner.info('The release task made no tag of the usual form on the released commit.')
  })
  return gems
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
  for (const doubt of plan.doubts) world.runner.warning('The tag may be refused', doubt)
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
  await pushSet(gems, async (gem) => {
    await pushAndRecord(gem, it)
    const look = verify(gem, it.registry, it.world)
    // Told when all are asked for; a push that fails meanwhile comes first.
    look.catch(() => undefined)
    looks.push(look)
  })
  return looks
}

async function tagAll(
  { repository, ledger, world }: Release,
  plan: Plan,
  prepared: readonly PreparedTag[],
): Promise<void> {
  if (repository) await createTags(prepared, plan, repository, world)
  await ledger.tagged(plan.tags.map((tag) => tag.name))
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
