import { ReleaseError } from './errors.ts'
import { readRunContext } from './github/run-context.ts'
import { readCredentialsInputs } from './inputs.ts'
import { keepForLaterSteps } from './persisted-credentials.ts'
import { problemText } from './report.ts'
import { STATE } from './state.ts'
import { IdTokens } from './github/id-tokens.ts'
import { exchange } from './steps/exchange.ts'
import { guardExit } from './world/process.ts'
import { openWorld } from './world/open.ts'
import { actionsRunner } from './world/runner.ts'

/** Entry of the credentials action: authenticates and writes the gem credentials file, until the post step. */

const runner = actionsRunner(process.env)
const exit = guardExit(() => {
  runner.error('internal-error', 'The credentials were not configured: the step stopped without reaching its end.')
})

async function configure(): Promise<void> {
  const inputs = readCredentialsInputs(runner)
  const run = await readRunContext(runner)
  await using world = await openWorld(run.temp, runner)
  // There is no release here that the post step would have to report.
  runner.saveState(STATE.reported, 'true')
  const key = await exchange(inputs.authentication, inputs.server, run, new IdTokens(run, world), world)
  await keepForLaterSteps(key, inputs.server, world)
}

try {
  await configure()
  exit.succeed()
} catch (error) {
  const failure = ReleaseError.from(error)
  runner.error(failure.code, failure.problems.map(problemText).join('\n\n'))
  exit.fail()
}
