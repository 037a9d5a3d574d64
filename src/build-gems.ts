import { ReleaseError } from './errors.ts'
import { type Facts, knownCommit } from './facts.ts'
import type { RunContext } from './github/run-context.ts'
import type { Inputs } from './inputs.ts'
import type { Ledger } from './ledger.ts'
import type { Phases } from './phases.ts'
import { selectGems } from './plan/gems.ts'
import { takeAskedPlatforms } from './plan/handover.ts'
import { chooseBuild } from './plan/strategy.ts'
import { otherThanTagged } from './plan/tags.ts'
import { build } from './steps/build.ts'
import { inspect } from './steps/inspect.ts'
import { rebuild } from './steps/rebuild.ts'
import { surveyMachine } from './survey.ts'
import type { World } from './world/world.ts'

/** What a job without any credential does for a release: builds the gems, reads them and tells their digests. */
export async function buildGems(
  { inputs, run, reproducible }: { inputs: Inputs; run: RunContext; reproducible: boolean },
  { ledger, phases, world }: { ledger: Ledger; phases: Phases; world: World },
): Promise<void> {
  if (run.idToken) world.runner.warning('Build job can publish', CAN_PUBLISH)
  const facts: Facts = {
    ...(await phases.run('Look around', () => surveyMachine(inputs, run, world))),
    github: undefined,
    published: new Map(),
  }
  const plan = decide(inputs, facts, world)
  const commit = knownCommit(facts)
  if (commit === undefined) world.runner.warning('Commit not known', NOT_KNOWN)
  ledger.planned(plan.gems, { commit: commit ?? '', repository: run.repository })
  const built = await phases.run('Build', () =>
    build(plan, inputs.workingDirectory, facts.checkout?.committedAt ?? 0, world),
  )
  const gems = await phases.run('Inspect', () => inspect(built, facts, { server: inputs.server }, world))
  for (const gem of gems) await ledger.gem(gem, 'not-tried')
  if (!reproducible) return
  const project = {
    directory: inputs.workingDirectory,
    root: run.workspace,
    committedAt: facts.checkout?.committedAt ?? 0,
  }
  await phases.run('Build again', () => rebuild(gems, plan, project, world))
}

function decide(inputs: Inputs, found: Facts, { runner }: World): Parameters<typeof build>[0] {
  const files = takeAskedPlatforms(found.prebuilt, inputs)
  for (const sentence of files.because) runner.info(sentence)
  const facts = { ...found, prebuilt: files.choice }
  const gems = selectGems(inputs, facts)
  const strategy = chooseBuild(inputs, facts, gems.choice)
  ReleaseError.throwIfAny([...gems.problems, ...otherThanTagged(inputs, facts), ...strategy.problems])
  for (const sentence of [...gems.because, ...strategy.because]) runner.info(sentence)
  return { gems: gems.choice, build: strategy.choice.build }
}

const CAN_PUBLISH = [
  'This job builds, and it may ask for ID tokens: code of the project or its dependencies could publish in its name.',
  'Remove `id-token: write` from the build job; only the publish job needs it.',
].join('\n')

const NOT_KNOWN = [
  'There is no git checkout around these gems that can be read: the output `commit` is empty.',
  'A publish job then tags the commit that started the run. Add `actions/checkout` before this step, and install git in the container image.',
].join('\n')
