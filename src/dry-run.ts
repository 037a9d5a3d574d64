import type { Facts } from './facts.ts'
import { type Claims, publisherForm } from './github/claims.ts'
import { eventProblem } from './github/who-may-release.ts'
import { predictIdentity } from './sigstore/identity.ts'
import { title } from './rubygems/versions.ts'
import { chooseStrategy } from './plan/strategy.ts'
import type { Plan } from './plan/planned.ts'
import { buildAndInspect, prepareTagObjects } from './preparation.ts'
import type { Release } from './release-context.ts'
import type { ReleaseGem } from './steps/inspect.ts'

/**
 * Everything of a release but its public acts: the build, the checks, the permission to tag, and the real exchange, whose
 * key is thrown away. Ends with what a real run would do, and with what could not be checked here. Throws ReleaseError
 * for whatever would stop a real run.
 */
export async function dryRun(it: Release, plan: Plan, facts: Facts): Promise<void> {
  const { phases, ledger } = it
  const gems = await buildAndInspect(it, { ...plan, build: buildOf(it, plan, facts) }, facts)
  for (const gem of gems) await ledger.gem(gem, gem.alreadyPublished ? 'already-published' : 'would-push')
  const untagged = await phases.run('Prepare tag', () => tryTag(it, plan, facts))
  const unchecked = [...untagged, ...(await phases.run('Exchange', () => tryExchange(it, plan)))]
  await phases.run('What a real run would do', async () => {
    for (const line of [...prospects(it, plan, gems), ...unchecked, ...foreign(it)]) it.world.runner.info(line)
  })
}

/** A release task cannot be run halfway: what it would build is built without it. */
function buildOf({ inputs, world }: Release, plan: Plan, facts: Facts): Plan['build'] {
  if (plan.build.kind !== 'release-task') return plan.build
  world.runner.info('The release task is not run in a dry run; the gems are built without it.')
  return chooseStrategy({ ...inputs, strategy: 'direct' }, facts, plan.gems).choice.build
}

/** A run that must not release is not expected to have the permission to tag: from a fork it cannot even be given. */
async function tryTag(it: Release, plan: Plan, facts: Facts): Promise<string[]> {
  if (eventProblem(it.run)) return ['Not checked: whether a real run could tag. This one is given other permissions.']
  await prepareTagObjects(it, plan, facts)
  return []
}

/** Gets a key and forgets it. Returns what could not be tried, as sentences. */
async function tryExchange({ keys, inputs, run, world }: Release, { attest }: Plan): Promise<string[]> {
  const { kind } = inputs.authentication
  if ((kind === 'trusted-publisher' || kind === 'api-key-role') && !run.idToken) {
    return [
      'Not checked: whether the gem server accepts this job. It has no `id-token: write`, which a real run needs.',
    ]
  }
  const key = await keys.current()
  world.runner.info(`${inputs.server.host} accepts this job (${key.source}); its key has been thrown away.`)
  if (key.claims) {
    const identity = attest ? identityLines(key.claims) : []
    for (const line of [...publisherLines(key.claims), ...identity]) world.runner.info(line)
  }
  return ['Not checked: whether each gem trusts this workflow. The registry tells only when a gem is pushed.']
}

/** The trusted publisher this job is, as its form shows it. */
function publisherLines(claims: Claims): string[] {
  return [
    'The trusted publisher of this job:',
    ...Object.entries(publisherForm(claims)).map(([field, value]) => `  ${field}: ${value}`),
  ]
}

/** What a certificate of this job would say, and whether the registry would take it. */
function identityLines(claims: Claims): string[] {
  const identity = predictIdentity(claims)
  return identity.accepted
    ? [`Attestations would be signed as ${identity.name}.`]
    : [`Attestations would be refused: ${identity.because}. ${identity.fix}`]
}

function prospects({ inputs }: Release, plan: Plan, gems: readonly ReleaseGem[]): string[] {
  const { host } = inputs.server
  return [
    ...gems.map((gem) =>
      gem.alreadyPublished
        ? `${title(gem)} is on ${host} already, with these bytes.`
        : `${title(gem)} would be pushed to ${host}.`,
    ),
    ...plan.tags.map(({ name, action }) =>
      action === 'exists' ? `Tag ${name} is there already.` : `Tag ${name} would be created.`,
    ),
    ...(inputs.githubRelease === 'false'
      ? []
      : plan.tags.map(({ name }) => `A GitHub Release of ${name} would be made.`)),
  ]
}

function foreign({ run }: Release): string[] {
  const problem = eventProblem(run)
  return problem ? [`A real run would be refused: ${problem.what}`] : []
}
