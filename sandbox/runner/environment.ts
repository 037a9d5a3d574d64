import { delimiter } from 'node:path'
import { type Context, contextEnvironment } from './context.ts'
import type { CommandFiles } from './file-commands.ts'
import type { JobState } from './job-state.ts'

/** A closed port: whatever talks to the real runtime service fails at once. */
const NOWHERE = 'http://127.0.0.1:9/'
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

interface StepParts {
  /** `env:` of the step. */
  env: Record<string, string>
  /** Entries of `github` that only this step has. */
  github: Context
  files: CommandFiles
}

/**
 * Environment of a `run:` step. Nothing of our own process gets in. The order decides who wins, and is that of
 * actions/runner `ActionRunner.cs`, `Handlers/ScriptHandler.cs`, `Handlers/Handler.cs` and `ProcessInvoker.cs`.
 */
export function scriptEnvironment(state: JobState, step: StepParts): Record<string, string> {
  return finish(state, base(state, step), step, idTokenVariables(state))
}

/** Environment of a JavaScript action; on top of a script's it has inputs, state and the runtime service's variables. */
export function actionEnvironment(
  state: JobState,
  step: StepParts & { inputs: Record<string, string>; saved: Record<string, string> },
): Record<string, string> {
  const environment = base(state, step)
  for (const [name, value] of Object.entries(step.saved)) environment[`STATE_${name}`] = value
  for (const [name, value] of Object.entries(step.inputs)) {
    environment[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] = value
  }
  return finish(state, environment, step, {
    ACTIONS_RUNTIME_URL: NOWHERE,
    ACTIONS_RUNTIME_TOKEN: state.runtimeToken,
    ACTIONS_CACHE_URL: NOWHERE,
    ACTIONS_RESULTS_URL: NOWHERE,
    ...idTokenVariables(state),
  })
}

function base(state: JobState, step: StepParts): Record<string, string> {
  return {
    PATH: state.job.path ?? SYSTEM_PATH,
    LANG: 'C.UTF-8',
    HOME: state.places.home,
    RUNNER_TRACKING_ID: state.shared.trackingId,
    ...Object.fromEntries(state.env),
    ...step.env,
  }
}

function finish(
  state: JobState,
  environment: Record<string, string>,
  step: StepParts,
  service: Record<string, string>,
): Record<string, string> {
  const added = state.path.toReversed()
  const finished: Record<string, string> = {
    CI: 'true',
    ...environment,
    PATH: [...added, environment['PATH'] ?? ''].filter((directory) => directory !== '').join(delimiter),
    ...contextEnvironment({ ...state.github, ...step.github, ...step.files }, state.runner),
    ...service,
    GITHUB_ACTIONS: 'true',
  }
  delete finished['NODE_ICU_DATA']
  return finished
}

function idTokenVariables({ job }: JobState): Record<string, string> {
  if (!job.idToken) return {}
  return {
    ACTIONS_ID_TOKEN_REQUEST_URL: job.idToken.requestUrl,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.idToken.requestToken,
  }
}
