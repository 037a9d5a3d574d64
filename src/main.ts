import path from 'node:path'
import { ReleaseError } from './errors.ts'
import { readRunContext } from './github/run-context.ts'
import { readInputs } from './inputs.ts'
import { Ledger } from './ledger.ts'
import { Phases } from './phases.ts'
import { prepareRelease } from './release-context.ts'
import { release } from './release.ts'
import { announceFailure, outcome, setOutputs } from './report.ts'
import { summary } from './summary.ts'
import { JOURNAL, STATE } from './state.ts'
import { systemClock } from './world/clock.ts'
import { openWorld } from './world/open.ts'
import { guardExit } from './world/process.ts'
import { actionsRunner } from './world/runner.ts'

/** Entry of the root action: inputs to one record, one call, outputs from the ledger. */

const runner = actionsRunner(process.env)
const exit = guardExit(() => {
  runner.error(
    'internal-error',
    'The release stopped without reaching its end. Re-run the job: what is published already is recognised by its digest.',
  )
})

async function main(): Promise<void> {
  const phases = new Phases(runner, systemClock)
  let ledger: Ledger | undefined
  let failure: ReleaseError | undefined
  try {
    const inputs = readInputs(runner)
    const run = await readRunContext(runner)
    await using world = await openWorld(run.temp, runner)
    ledger = new Ledger(inputs.server, path.join(world.privateDirectory, JOURNAL))
    await release(prepareRelease({ inputs, run, ledger, phases, world }))
    await ledger.finish()
    runner.expectUntouched()
  } catch (error) {
    failure = ReleaseError.from(error)
    if (failure.code === 'internal-error') runner.debug(error instanceof Error ? (error.stack ?? '') : typeof error)
  }
  await report(ledger, phases, failure)
  if (failure) exit.fail()
  else exit.succeed()
}

async function report(ledger: Ledger | undefined, phases: Phases, failure: ReleaseError | undefined): Promise<void> {
  const record = ledger?.record ?? {
    server: '',
    commit: '',
    repository: '',
    gems: [],
    tags: [],
    releaseUrl: '',
    finished: false,
  }
  setOutputs(record, runner)
  if (failure) announceFailure(failure, record, runner)
  else runner.info(outcome(record))
  await runner.summary(summary(record, phases.done, failure))
  runner.saveState(STATE.reported, 'true')
}

await main()
