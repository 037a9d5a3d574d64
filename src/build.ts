import path from 'node:path'
import { buildGems } from './build-gems.ts'
import { ReleaseError } from './errors.ts'
import { readRunContext } from './github/run-context.ts'
import { readBuildInputs } from './inputs.ts'
import { Ledger } from './ledger.ts'
import { Phases } from './phases.ts'
import { announceFailure, setBuildOutputs } from './report.ts'
import { JOURNAL, STATE } from './state.ts'
import { systemClock } from './world/clock.ts'
import { openWorld } from './world/open.ts'
import { guardExit } from './world/process.ts'
import { actionsRunner } from './world/runner.ts'

/** Entry of the build action: builds and inspects, and touches nothing outside this machine. */

const runner = actionsRunner(process.env)
const exit = guardExit(() => {
  runner.error('internal-error', 'The build stopped without reaching its end.')
})

async function main(): Promise<void> {
  const { inputs, matrixIndex, reproducible } = readBuildInputs(runner)
  const run = await readRunContext(runner)
  await using world = await openWorld(run.temp, runner)
  const ledger = new Ledger(inputs.server, path.join(world.privateDirectory, JOURNAL))
  await buildGems({ inputs, run, reproducible }, { ledger, phases: new Phases(runner, systemClock), world })
  runner.expectUntouched()
  setBuildOutputs(ledger.record, matrixIndex, runner)
}

try {
  await main()
  exit.succeed()
} catch (error) {
  announceFailure(ReleaseError.from(error), undefined, runner)
  exit.fail()
}
runner.saveState(STATE.reported, 'true')
