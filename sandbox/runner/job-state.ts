import { randomBytes, randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { type Context, githubContext, type Places, runnerContext } from './context.ts'
import { addPath, type Effects } from './effects.ts'
import type { Scope } from './expressions.ts'
import type { Job } from './job.ts'
import { Masker } from './masker.ts'
import type { Conclusion, StepResult } from './step.ts'
import type { Shared } from './step-run.ts'

/** What changes while the steps of a job run, and what they all share. */
export interface JobState {
  job: Job
  places: Places
  shared: Shared
  github: Context
  runner: Context
  /** The `env` context: of the job at first, then with what steps wrote to `$GITHUB_ENV`. */
  env: Map<string, string>
  /** What steps wrote to `$GITHUB_PATH`; the last comes first in `PATH`. */
  path: string[]
  /** `ACTIONS_RUNTIME_TOKEN`: the same value as the ID token's request token (`NodeScriptActionHandler.cs`). */
  runtimeToken: string
  /** All steps so far, post steps included. */
  steps: StepResult[]
  status: Conclusion
}

export function newJobState(job: Job, places: Places): JobState {
  const runtimeToken = job.idToken?.requestToken ?? randomBytes(48).toString('base64url')
  return {
    job,
    places,
    shared: {
      masker: maskerOf(job, runtimeToken),
      workspace: places.workspace,
      temp: places.temp,
      debug: job.debug ?? false,
      outputGraceMs: job.outputGraceMs ?? 5000,
      trackingId: `github_${randomUUID()}`,
      running: new Set(),
      watchers: [],
    },
    github: githubContext(job, places, join(places.temp, '_github_workflow', 'event.json')),
    runner: runnerContext(job, places, dirname(places.workspace)),
    env: new Map(Object.entries(job.env ?? {})),
    path: [],
    runtimeToken,
    steps: [],
    status: 'success',
  }
}

/** Adds a finished step: what it leaves to later steps, and what it means for the job. */
export function addStep(state: JobState, result: StepResult, effects: Effects): void {
  state.steps.push(result)
  for (const [key, value] of effects.env) state.env.set(key, value)
  for (const directory of effects.path) addPath(state.path, directory)
  if (state.status === 'success' && result.conclusion !== 'success') state.status = result.conclusion
}

/** The contexts and functions of an expression in a step with this `env`. */
export function scopeOf(state: JobState, stepEnv: Record<string, string> = {}): Scope {
  const named = state.steps.flatMap((step) =>
    step.id === undefined
      ? []
      : [[step.id, { outputs: step.outputs, outcome: step.conclusion, conclusion: step.conclusion }] as const],
  )
  return {
    contexts: {
      github: state.github,
      runner: state.runner,
      env: { ...Object.fromEntries(state.env), ...stepEnv },
      secrets: { ...state.job.secrets, GITHUB_TOKEN: state.job.token },
      steps: Object.fromEntries(named),
      job: { status: state.status },
    },
    functions: {
      always: () => true,
      success: () => state.status === 'success',
      failure: () => state.status === 'failure',
      cancelled: () => state.status === 'cancelled',
    },
  }
}

// `Worker.cs` (InitializeSecretMasker) and `ExecutionContext.cs` (InitializeJob): secrets, the connection's token,
// and the job token once more in the form git sends it.
function maskerOf(job: Job, runtimeToken: string): Masker {
  const masker = new Masker()
  for (const secret of [job.token, ...Object.values(job.secrets ?? {})]) masker.addWithLines(secret.trim())
  masker.add(runtimeToken)
  masker.add(Buffer.from(`x-access-token:${job.token}`).toString('base64'))
  return masker
}
