import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import { searchForSecrets } from '../../sandbox/runner/leaks.ts'
import type { JobResult, UsesOptions } from '../../sandbox/runner/runner.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import { type JobOptions, Sandbox, type SandboxJob, type SandboxOptions } from '../../sandbox/sandbox.ts'
import { type Files, project } from './projects.ts'

export const ACTION = path.resolve(import.meta.dirname, '../..')
export const REPOSITORY = 'octo/rack-lens'
export const PUBLISHER = { repository: REPOSITORY, workflow: 'release.yml' }

/** A sandbox of a scenario's own, removed at its end. */
export async function newWorld(options: Omit<SandboxOptions, 'directory'> = {}): Promise<ScenarioWorld> {
  const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-scenario-'))
  return new ScenarioWorld(await Sandbox.start({ ...options, directory }), directory)
}

export interface Ran {
  step: StepResult
  job: JobResult
  /** The text of the step's log, masked. */
  log: string
  /** Title and message of its one error annotation; empty when there is none. */
  error: string
  gems: {
    name: string
    version: string
    platform: string
    status: string
    sha256: string
    file: string
    size: number
  }[]
}

export interface RunOptions extends Partial<JobOptions> {
  with?: Record<string, string>
  step?: Omit<UsesOptions, 'with'>
  /** Runs in the checkout before the action, as an earlier step would. */
  before?: (job: SandboxJob) => Promise<void> | void
  /** Looks at the world between the main step and the post step. */
  meanwhile?: (job: SandboxJob) => Promise<void> | void
  /** Below the repository's root; the action itself when absent. */
  action?: string
}

export class ScenarioWorld implements AsyncDisposable {
  readonly sandbox: Sandbox
  readonly #directory: string

  constructor(sandbox: Sandbox, directory: string) {
    this.sandbox = sandbox
    this.#directory = directory
  }

  get directory(): string {
    return this.#directory
  }

  /** A repository with one commit; the gem is attached to its trusted publisher unless told otherwise. */
  async repository(
    files: Files = project(),
    options: { gems?: readonly string[]; tag?: string } = {},
  ): Promise<string> {
    const repository = await this.sandbox.github.createRepository(REPOSITORY)
    const sha = await repository.commit(files)
    if (options.tag !== undefined) await repository.createTag(options.tag, sha)
    for (const gem of options.gems ?? ['rack-lens']) this.sandbox.registry.addTrustedPublisher({ gem, ...PUBLISHER })
    return sha
  }

  /** Runs the action as a workflow on `main` started by hand would, looks for leaks, and ends the job. */
  async run(options: RunOptions = {}): Promise<Ran> {
    const { sandbox } = this
    const on = options.on ?? { branch: 'main', event: 'workflow_dispatch' }
    await using job = await sandbox.job({ repository: REPOSITORY, ...options, on })
    await options.before?.(job)
    const step = await job.runner.uses(path.join(ACTION, options.action ?? ''), {
      ...options.step,
      with: { 'gem-server': sandbox.registry.url, 'await-timeout': '5', ...options.with },
    })
    await options.meanwhile?.(job)
    const result = await job.runner.finish()
    await this.#expectNoLeaks(job, [step, ...result.post])
    expect(sandbox.github.violations).toEqual([])
    expect(step.survivors().map(({ argv }) => argv.join(' '))).toEqual([])
    return {
      step,
      job: result,
      log: step.lines.map(({ text }) => text).join('\n'),
      error: step.annotations
        .filter(({ level }) => level === 'error')
        .map(({ title, message }) => `${title ?? ''}: ${message}`)
        .join('\n'),
      gems: JSON.parse(step.outputs['gems'] ?? '[]') as Ran['gems'],
    }
  }

  /** Requests to a service, such as `registry`, as `METHOD /path`. */
  requests(service: string): string[] {
    return this.sandbox.requests
      .filter((request) => request.service === service)
      .map(({ method, path: at }) => `${method} ${at}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Keys, tokens and request tokens of the run, in every encoding, in every place a run leaves something. */
  async #expectNoLeaks(job: SandboxJob, steps: readonly StepResult[]): Promise<void> {
    const secrets: Record<string, string> = { 'GitHub token': job.token }
    if (job.requestToken !== undefined) secrets['request token'] = job.requestToken
    for (const [index, value] of this.#wireSecrets().entries()) secrets[`credential ${String(index)}`] = value
    const { runner } = job
    const texts: Record<string, string> = {}
    for (const [index, step] of steps.entries()) {
      texts[`stdout ${String(index)}`] = withoutMasks(step.rawStdout)
      texts[`stderr ${String(index)}`] = step.rawStderr
      texts[`outputs ${String(index)}`] = JSON.stringify([step.outputs, step.state, step.envChanges, step.summary])
      texts[`argv ${String(index)}`] = step.processes.map(({ argv }) => argv.join(' ')).join('\n')
    }
    const roots = [runner.home, runner.temp, runner.workspace]
    expect(searchForSecrets({ secrets, roots, texts })).toEqual([])
  }

  /** API keys and ID tokens as they went over the wire. */
  #wireSecrets(): string[] {
    const found = new Set<string>()
    for (const request of this.sandbox.requests) {
      const key = request.headers.authorization
      if (request.service === 'registry' && key) found.add(key)
      const jwt = /"jwt":"([^"]+)"/.exec(request.body.toString('utf8'))?.[1]
      if (jwt) found.add(jwt)
    }
    return [...found]
  }
}

/** `add-mask` commands hold the secret by their nature; the runner shows `***` for them. */
function withoutMasks(text: string): string {
  return text.replace(/^::add-mask::.*$/gm, '')
}

/** Makes a file that cannot be forgotten by clean-ups readable again, and lists what a directory holds. */
export async function listing(directory: string): Promise<string[]> {
  await chmod(directory, 0o755)
  return (await readdir(directory, { recursive: true })).toSorted()
}
