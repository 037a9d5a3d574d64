import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { holdRejection } from './cancellation.ts'
import { evaluate, isTruthy } from './expressions.ts'
import type { Job } from './job.ts'
import { addStep, type JobState, newJobState, scopeOf } from './job-state.ts'
import { type ProcessRecord, trackedProcesses } from './processes.ts'
import type { Conclusion, StepResult } from './step.ts'
import { runStep, type StepSpec } from './step-run.ts'
import { type ActionSteps, actionSteps, scriptStep, type StepOptions, type UsesOptions } from './step-spec.ts'

export type { Job } from './job.ts'
export type { StepOptions, UsesOptions } from './step-spec.ts'

export interface FinishOptions {
  /** As when the machine is lost: no post step runs, and everything the job has started dies. */
  skipPost?: boolean
}

export interface JobResult {
  conclusion: Conclusion
  /** All steps in the order they ran, post steps included. */
  steps: StepResult[]
  /** Only the post steps. */
  post: StepResult[]
  /** Processes that had outlived the steps; the runner has killed them. */
  orphans: ProcessRecord[]
}

const DEATH_MS = 2000

/**
 * Runs the steps of one job the way GitHub's runner does: `uses` a JavaScript action, `run` a script, `finish`.
 * A step that failed or was cancelled does not keep the caller from running further main steps.
 */
export class Runner implements AsyncDisposable {
  private readonly state: JobState
  private readonly posts: NonNullable<ActionSteps['post']>[] = []

  private constructor(state: JobState) {
    this.state = state
  }

  /** Makes the directories of a job; `_temp` is emptied, as at the start of every real job. */
  static async create(job: Job): Promise<Runner> {
    const name = basename(job.github.repository)
    const work = join(job.directory, '_work')
    const places = {
      workspace: join(work, name, name),
      temp: join(work, '_temp'),
      toolCache: join(work, '_tool'),
      home: join(job.directory, 'home'),
    }
    await rm(places.temp, { recursive: true, force: true })
    await Promise.all(Object.values(places).map((directory) => mkdir(directory, { recursive: true })))
    return new Runner(newJobState(job, places))
  }

  /** `$GITHUB_WORKSPACE`: empty at first, for the caller to check out into. */
  get workspace(): string {
    return this.state.places.workspace
  }

  /** `$RUNNER_TEMP`. Kept after the job, unlike on a real runner, so that tests can look for what was left there. */
  get temp(): string {
    return this.state.places.temp
  }

  get home(): string {
    return this.state.places.home
  }

  /** Runs `main` of the action in a directory with an `action.yml`, and registers its post step. */
  async uses(directory: string, options: UsesOptions = {}): Promise<StepResult> {
    holdRejection(options.signal)
    const { main, post } = await actionSteps(this.state, directory, options)
    if (post) this.posts.push(post)
    return await this.execute(main)
  }

  /** A `run:` step. */
  async run(script: string, options: StepOptions = {}): Promise<StepResult> {
    holdRejection(options.signal)
    return await this.execute(await scriptStep(this.state, script, options))
  }

  /** Runs the post steps, last registered first, and kills what the job has left running. */
  async finish({ skipPost = false }: FinishOptions = {}): Promise<JobResult> {
    const post: StepResult[] = []
    const waiting = skipPost ? [] : this.posts.splice(0).toReversed()
    for (const { condition, spec } of waiting) {
      if (this.holds(condition)) post.push(await this.execute(spec()))
    }
    const { steps, status } = this.state
    if (skipPost) this.killEscaped()
    return { conclusion: status, steps: [...steps], post, orphans: this.killLeftovers() }
  }

  /** Kills whatever still runs. The job's directory stays: it belongs to the caller. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.state.shared.running) kill(pid)
    this.killEscaped()
    // A dying process could still write into the directory that the caller is about to remove.
    const patience = Date.now() + DEATH_MS
    while (this.killLeftovers().length > 0 && Date.now() < patience) await sleep(5)
  }

  private async execute(spec: StepSpec): Promise<StepResult> {
    const { result, effects } = await runStep(spec, this.state.shared)
    addStep(this.state, result, effects)
    return result
  }

  /** A condition without a status function only holds while the job is successful. */
  private holds(condition: string): boolean {
    const bare = condition.trim().replace(/^\$\{\{(.*)\}\}$/s, '$1')
    const whole = /\b(always|success|failure|cancelled)\s*\(/.test(bare) ? bare : `success() && (${bare})`
    return isTruthy(evaluate(whole, scopeOf(this.state)))
  }

  /** A process started without the job's environment would outlive the job on a real runner, but must not outlive us. */
  private killEscaped(): void {
    for (const watcher of this.state.shared.watchers) {
      for (const { pid } of watcher.survivors()) kill(pid)
    }
  }

  // Actions/runner `JobExtension.cs` finds orphans by the id in their environment.
  private killLeftovers(): ProcessRecord[] {
    const orphans = trackedProcesses(this.state.shared.trackingId)
    for (const { pid } of orphans) kill(pid)
    return orphans
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
