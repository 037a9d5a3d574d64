import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import { searchForSecrets } from '../../sandbox/runner/leaks.ts'
import type { JobResult, UsesOptions } from '../../sandbox/runner/runner.ts'
import type { AnnotationLevel, StepResult } from '../../sandbox/runner/step.ts'
import { type JobOptions, Sandbox, type SandboxJob, type SandboxOptions } from '../../sandbox/sandbox.ts'
import { type Files, project } from './projects.ts'

export const ACTION = path.resolve(import.meta.dirname, '../..')
export const REPOSITORY = 'octo/rack-lens'
export const PUBLISHER = { repository: REPOSITORY, workflow: 'release.yml' }

/** A sandbox of a scenario's own, removed at its end. */
export async function newWorld(options: Omit<SandboxOptions, 'directory'> = {}): Promise<ScenarioWorld> {
  const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-scenario-'))
  const issuer = path.join(directory, 'oidc')
  await mkdir(issuer)
  if (issuerKey) await writeFile(path.join(issuer, 'key.json'), issuerKey)
  const sandbox = await Sandbox.start({ ...options, directory })
  issuerKey ??= await readFile(path.join(issuer, 'key.json'))
  return new ScenarioWorld(sandbox, directory)
}

/** Making an RSA key takes a while: the first issuer's serves the whole file. */
let issuerKey: Buffer | undefined

export interface Ran {
  step: StepResult
  job: JobResult
  /** The text of the step's log, masked. */
  log: string
  /** Title and message of its one error annotation; empty when there is none. */
  error: string
  /** The same of its warnings. */
  warnings: string
  gems: ReleasedGem[]
}

/** An entry of the `gems` output. */
export interface ReleasedGem {
  name: string
  version: string
  platform: string
  status: string
  sha256: string
  file: string
  size: number
  attested: boolean
  url: string
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
  /** Files below HOME that an earlier step wrote with a credential in it, which therefore is no leak there. */
  mayHold?: readonly string[]
}

/** One upload to the registry. */
export interface Upload {
  sha256: string
  status: number
  key: string
  startedAt: number
  endedAt: number
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
    expectNoLeaks(sandbox, job, [step, ...result.post], options.mayHold ?? [])
    await expectGoodManners(sandbox, step)
    return {
      step,
      job: result,
      log: step.lines.map(({ text }) => text).join('\n'),
      error: annotations(step, 'error'),
      warnings: annotations(step, 'warning'),
      gems: gemsOf(step.outputs['gems']),
    }
  }

  /** Requests to a service, such as `registry`, as `METHOD /path`. */
  requests(service: string): string[] {
    return this.sandbox.requests
      .filter((request) => request.service === service)
      .map(({ method, path: at }) => `${method} ${at}`)
  }

  /** Gems sent to the registry, in the order in which they were. */
  get uploads(): Upload[] {
    return this.sandbox.requests
      .filter(({ service, method, path: at }) => service === 'registry' && method === 'POST' && at === '/api/v1/gems')
      .map(({ bodySha256, status, headers, startedAt, endedAt }) => ({
        sha256: bodySha256,
        status,
        key: headers.authorization ?? '',
        startedAt,
        endedAt,
      }))
  }

  /** How often a key or a temporary one was asked for. */
  get exchanges(): string[] {
    return this.requests('registry').filter((request) => request.includes('/oidc/'))
  }

  /** SHA-256 of a live version by its full name, such as `rack-lens-1.2.3`. */
  published(fullName: string): string | undefined {
    return this.sandbox.registry.versions().find((version) => version.fullName === fullName && version.indexed)?.sha256
  }

  /** Full names of the live versions, without those that trusted publishers were given for. */
  get live(): string[] {
    return this.sandbox.registry
      .versions()
      .filter(({ indexed, number }) => indexed && number !== '0.0.0')
      .map(({ fullName }) => fullName)
      .toSorted()
  }

  /** Everything the world can see of a release: versions, and the repository's refs. */
  async public(): Promise<{ registry: string; refs: Record<string, string> }> {
    const refs = await this.sandbox.github.repository(REPOSITORY).refs()
    return { registry: this.sandbox.registry.snapshot(), refs }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Fails with the whole log where the run is not green. */
export function expectGreen({ step, job, error, log }: Ran): void {
  if (error !== '') throw new Error(`${error}\n\n${log}`)
  expect(step.exitCode).toBe(0)
  expect(job.conclusion).toBe('success')
}

function gemsOf(text: string = '[]'): ReleasedGem[] {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || !value.every(isReleasedGem)) throw new Error(`output \`gems\` is ${text}`)
  return value
}

function isReleasedGem(value: unknown): value is ReleasedGem {
  const keys = ['name', 'version', 'platform', 'file', 'sha256', 'size', 'status', 'attested', 'url']
  return typeof value === 'object' && value !== null && keys.every((key) => key in value)
}

/** What the shipped action must never do, whatever the scenario: break GitHub's rules, or leave processes behind. */
async function expectGoodManners(sandbox: Sandbox, step: StepResult): Promise<void> {
  expect(sandbox.github.violations).toEqual([])
  // A process that was killed a moment ago may take another one to be gone.
  await expect.poll(() => step.survivors().map(({ argv }) => argv.join(' ')), { timeout: 2000 }).toEqual([])
}

/** Keys, tokens and request tokens of the run, in every encoding, in every place a run leaves something. */
function expectNoLeaks(
  sandbox: Sandbox,
  job: SandboxJob,
  steps: readonly StepResult[],
  mayHold: readonly string[],
): void {
  const secrets: Record<string, string> = { 'GitHub token': job.token }
  if (job.requestToken !== undefined) secrets['request token'] = job.requestToken
  for (const [index, value] of wireSecrets(sandbox).entries()) secrets[`credential ${String(index)}`] = value
  const { runner } = job
  const texts: Record<string, string> = {}
  for (const [index, step] of steps.entries()) {
    texts[`stdout ${String(index)}`] = withoutMasks(step.rawStdout)
    texts[`stderr ${String(index)}`] = step.rawStderr
    texts[`outputs ${String(index)}`] = JSON.stringify([step.outputs, step.state, step.envChanges, step.summary])
    texts[`argv ${String(index)}`] = step.processes.map(({ argv }) => argv.join(' ')).join('\n')
  }
  const roots = [runner.home, runner.temp, runner.workspace]
  const allowed = new Set(mayHold.map((file) => path.join(runner.home, file)))
  expect(searchForSecrets({ secrets, roots, texts }).filter(({ where }) => !allowed.has(where))).toEqual([])
}

/** API keys and ID tokens as they went over the wire. */
function wireSecrets(sandbox: Sandbox): string[] {
  const found = new Set<string>()
  for (const request of sandbox.requests) {
    const key = request.headers.authorization
    if (request.service === 'registry' && key) found.add(key)
    const jwt = /"jwt":"([^"]+)"/.exec(request.body.toString('utf8'))?.[1]
    if (jwt) found.add(jwt)
  }
  return [...found]
}

function annotations(step: StepResult, wanted: AnnotationLevel): string {
  return step.annotations
    .filter(({ level }) => level === wanted)
    .map(({ title, message }) => `${title ?? ''}: ${message}`)
    .join('\n')
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
