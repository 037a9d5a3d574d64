import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { RegistryOptions } from '../sandbox/registry/registry.ts'
import { node24 } from '../sandbox/runner/execution.ts'
import { readManifest } from '../sandbox/runner/manifest.ts'
import { Sandbox, type SandboxJob } from '../sandbox/sandbox.ts'
import type { RecordedRequest } from '../sandbox/messages.ts'
import { isObject, objectsAt, parseJson, stringAt } from '../src/json.ts'
import type { Options } from './options.ts'
import { type Program, type Ran, run } from './program.ts'
import type { Span } from './statistics.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
export const BUNDLE = path.join(ROOT, 'dist/main/index.js')
const REPOSITORY = 'octo/rack-lens'

export interface SceneOptions extends Pick<Options, 'latencyMs' | 'uploadBytesPerSecond'> {
  /** Names of gems whose trusted publisher the job is. */
  gems: readonly string[]
  /** Files of the repository; nothing is checked out where there are none. */
  files?: Record<string, string>
  persistCredentials?: boolean
  registry?: Partial<RegistryOptions>
}

/** What a traced run did, beside its requests. */
export interface Trace extends Span {
  children: (Span & { argv: string[] })[]
  modules: { url: string; at: number }[]
}

/** One job on a runner of its own, in a world of its own: nothing of one run reaches the next. */
export class Scene implements AsyncDisposable {
  readonly sandbox: Sandbox
  readonly #directory: string
  readonly #job: SandboxJob
  readonly #environment: Record<string, string>

  private constructor(directory: string, sandbox: Sandbox, job: SandboxJob, environment: Record<string, string>) {
    this.#directory = directory
    this.sandbox = sandbox
    this.#job = job
    this.#environment = environment
  }

  static async open(options: SceneOptions): Promise<Scene> {
    const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'release-gem-bench-')))
    await reuseIssuerKey(directory)
    const { latencyMs, uploadBytesPerSecond, registry } = options
    const sandbox = await Sandbox.start({
      directory,
      latencyMs,
      ...(uploadBytesPerSecond === undefined ? {} : { uploadBytesPerSecond }),
      ...(registry === undefined ? {} : { registry }),
    })
    keepIssuerKey(directory)
    const repository = await sandbox.github.createRepository(REPOSITORY)
    await repository.commit(options.files ?? { 'README.md': 'Nothing\n' })
    for (const gem of options.gems)
      sandbox.registry.addTrustedPublisher({ gem, repository: REPOSITORY, workflow: 'release.yml' })
    const job = await sandbox.job({
      repository: REPOSITORY,
      on: { branch: 'main', event: 'workflow_dispatch' },
      checkout: options.files !== undefined,
      persistCredentials: options.persistCredentials ?? false,
      path: process.env['PATH'] ?? '',
    })
    return new Scene(directory, sandbox, job, await environmentOf(job))
  }

  get workspace(): string {
    return this.#job.runner.workspace
  }

  get registry(): string {
    return this.sandbox.registry.url
  }

  /** Of a `run:` step of the job, with what a script needs to know of the servers. */
  environment(more: Record<string, string> = {}): Record<string, string> {
    return { ...this.#environment, RUBYGEMS_HOST: this.registry, ...more }
  }

  /** A key such as `gem signin` would get, for the loops people run today. */
  userKey(gems: readonly string[]): string {
    return this.sandbox.registry.addUserKey({ gems: [...gems] })
  }

  /** The program the runner would start for the action, with `node` options of our own. */
  async action(inputs: Record<string, string> = {}, nodeOptions: readonly string[] = []): Promise<Program> {
    const { inputs: known } = await readManifest(ROOT)
    const given: Record<string, string> = {
      'gem-server': this.registry,
      token: this.#job.token,
      attestations: 'false',
      ...inputs,
    }
    const values = [...known].map(([name, { default: text = '' }]) => [
      `INPUT_${name.toUpperCase()}`,
      given[name] ?? text,
    ])
    const env = { ...this.#environment, ...Object.fromEntries(values) }
    return { file: node24(), args: [...nodeOptions, BUNDLE], cwd: this.workspace, env }
  }

  /** The release, as the runner would start it. */
  async release(inputs: Record<string, string> = {}): Promise<Ran> {
    return run(await this.action(inputs))
  }

  /** The release with `trace.mjs` in it, which takes a few milliseconds more. */
  async trace(inputs: Record<string, string> = {}): Promise<Ran & { trace: Trace }> {
    const preload = path.join(import.meta.dirname, 'trace.mjs')
    const target = path.join(this.#directory, 'trace.json')
    const program = await this.action(inputs, ['--import', preload])
    const ran = await run({ ...program, env: { ...program.env, BENCH_TRACE: target } })
    return { ...ran, trace: asTrace(parseJson(readFileSync(target, 'utf8'))) }
  }

  /** Requests the job has made so far, without those of the checkout. */
  requestsSince(moment: number): RecordedRequest[] {
    return this.sandbox.requests.filter(
      ({ startedAt, path: at }) => startedAt >= moment && !at.startsWith('/.well-known'),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#job[Symbol.asyncDispose]()
    await this.sandbox[Symbol.asyncDispose]()
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Asked of a real `run:` step, so that the rules for a job's environment are in one place. */
async function environmentOf({ runner }: SandboxJob): Promise<Record<string, string>> {
  const file = path.join(runner.temp, 'environment')
  const step = await runner.run('env -0 > "$RUNNER_TEMP/environment"')
  if (step.exitCode !== 0) throw new Error('the environment of the job could not be read')
  const entries = readFileSync(file, 'utf8')
    .split('\0')
    .filter((entry) => entry.includes('='))
  const environment = Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
  // The runner takes them away at the end of a step; the action is started by hand.
  for (const name of ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY']) {
    const target = environment[`GITHUB_${name}`]
    if (target !== undefined) writeFileSync(target, '')
  }
  return environment
}

function asTrace(value: unknown): Trace {
  if (!isObject(value)) throw new Error('the trace is no JSON')
  return {
    from: number(value['from']),
    to: number(value['to']),
    modules: objectsAt(value, 'modules').map((one) => ({ url: stringAt(one, 'url') ?? '', at: number(one['at']) })),
    children: objectsAt(value, 'children').map((one) => ({
      argv: Array.isArray(one['argv']) ? one['argv'].map(String) : [],
      from: number(one['from']),
      to: number(one['to']),
    })),
  }
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** Making an RSA key takes a while, and one issuer's is as good as another's. */
let issuerKey: string | undefined

async function reuseIssuerKey(directory: string): Promise<void> {
  if (issuerKey === undefined) return
  await mkdir(path.join(directory, 'oidc'))
  cpSync(issuerKey, path.join(directory, 'oidc', 'key.json'))
}

function keepIssuerKey(directory: string): void {
  if (issuerKey !== undefined || !existsSync(path.join(directory, 'oidc', 'key.json'))) return
  const kept = mkdtempSync(path.join(tmpdir(), 'release-gem-bench-key-'))
  process.on('exit', () => {
    rmSync(kept, { recursive: true, force: true })
  })
  issuerKey = path.join(kept, 'key.json')
  cpSync(path.join(directory, 'oidc', 'key.json'), issuerKey)
}
