import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Fault } from '../../sandbox/faults.ts'
import type { CancelPlan, StepResult } from '../../sandbox/runner/step.ts'
import { Sandbox, type SandboxJob } from '../../sandbox/sandbox.ts'
import { ACTION, PUBLISHER, REPOSITORY } from '../scenarios/scenario.ts'
import { type GemSketch, type SmallGem, writeGems } from './gems.ts'
import { leaksOf } from './lane-checks.ts'
import { QuickGitHub } from './quick-github.ts'
import { quickJob } from './quick-job.ts'

const NAMES = ['lens-api', 'lens-core', 'lens-web', 'lens-native']
/** Between the row of a version and its being live, so that a push can be met in between. */
const STORAGE_MS = 25

/** Making an RSA key takes a while: the first issuer's serves all. */
let issuerKey: Buffer | undefined

/** How a job is ended before its time; a lost machine runs no post step. */
export interface Cut {
  plan: CancelPlan
  lost: boolean
}

/** One job that was run to an end, whatever that was. */
export interface JobEnd {
  main: StepResult
  post: readonly StepResult[]
  /** Secrets in places where none may be. */
  leaks: string[]
  /** What the job has left below RUNNER_TEMP. */
  leftovers: string[]
}

export interface LaneEnd extends JobEnd {
  gems: readonly SmallGem[]
  /** Full names of the gems that an earlier job had published. */
  before: readonly string[]
}

/** The sandbox's own GitHub runs git for each request, which takes most of a case's time. */
export type GitHubKind = 'git' | 'quick'

/** A world that one case after the other is released to, each with a version of its own. */
export class Lane implements AsyncDisposable {
  readonly sandbox: Sandbox
  /** The released commit. */
  readonly sha: string
  /** Runs that were in fact stopped before their end. */
  struck = 0
  readonly #directory: string
  readonly #quick: QuickGitHub | undefined
  #cases = 0

  private constructor(sandbox: Sandbox, directory: string, sha: string, quick: QuickGitHub | undefined) {
    this.sandbox = sandbox
    this.#directory = directory
    this.sha = sha
    this.#quick = quick
  }

  static async start(github: GitHubKind): Promise<Lane> {
    const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-lane-'))
    await mkdir(path.join(directory, 'oidc'))
    if (issuerKey) await writeFile(path.join(directory, 'oidc', 'key.json'), issuerKey)
    const sandbox = await Sandbox.start({
      directory,
      registry: { storageLatencyMs: STORAGE_MS, throttle: false },
    })
    issuerKey ??= await readFile(path.join(directory, 'oidc', 'key.json'))
    const repository = await sandbox.github.createRepository(REPOSITORY)
    const sha = await repository.commit({ 'README.md': '# Lenses\n' })
    for (const gem of NAMES) sandbox.registry.addTrustedPublisher({ gem, ...PUBLISHER })
    const { requests } = sandbox
    const quick = github === 'quick' ? await QuickGitHub.start([sha], { requests }) : undefined
    return new Lane(sandbox, directory, sha, quick)
  }

  get live(): { fullName: string; sha256: string }[] {
    return this.sandbox.registry.versions().filter(({ indexed }) => indexed)
  }

  /** Gems of the next version: one, three of different names, or a set of platforms. */
  sketches(count: 1 | 3): { version: string; gems: GemSketch[] } {
    this.#cases += 1
    this.sandbox.requests.length = 0
    const version = `1.${String(this.#cases)}.0`
    const natives = ['x86_64-linux', 'arm64-darwin', 'ruby'].map((platform) => ({
      name: 'lens-native',
      version,
      platform,
    }))
    const names = ['lens-api', 'lens-core', 'lens-web'].map((name) => ({ name, version }))
    if (count === 1) return { version, gems: [{ name: 'lens-api', version }] }
    return { version, gems: this.#cases % 2 === 0 ? natives : names }
  }

  /** One job of the release: main step, post step, and whatever the machine does when it is lost. */
  async job(sketches: readonly GemSketch[], attempt: number, cut?: Cut): Promise<LaneEnd> {
    const { sandbox } = this
    await using job = await this.#job(attempt)
    const packages = path.join(job.runner.workspace, 'pkg')
    await rm(packages, { recursive: true, force: true })
    const gems = await writeGems(packages, sketches)
    const before = this.live.map(({ fullName }) => fullName)
    const main = await job.runner.uses(ACTION, {
      with: { gems: 'pkg/*.gem', 'gem-server': sandbox.registry.url, 'await-timeout': '5' },
      ...(cut ? { signal: cut.plan } : {}),
    })
    return { gems, before, main, ...(await this.#finish(job, main, cut)) }
  }

  inject(fault: Fault): void {
    const { registry, oidc, github } = this.sandbox
    for (const service of [registry, oidc, this.#quick ?? github]) service.inject(fault)
  }

  async tag(name: string): Promise<{ type: string; commit: string } | undefined> {
    return this.#quick ? this.#quick.tag(name) : this.sandbox.github.repository(REPOSITORY).tag(name)
  }

  #job(attempt: number): Promise<SandboxJob> {
    const machine = `attempt-${String(attempt)}`
    if (this.#quick) return quickJob(this.sandbox, this.#quick, { sha: this.sha, attempt, machine })
    return this.sandbox.job({
      repository: REPOSITORY,
      on: { branch: 'main', event: 'workflow_dispatch' },
      checkout: false,
      path: '/nonexistent',
      runAttempt: attempt,
      machine,
    })
  }

  async #finish(job: SandboxJob, main: StepResult, cut: Cut | undefined): Promise<Omit<JobEnd, 'main'>> {
    const { post, orphans } = await job.runner.finish({ skipPost: cut?.lost ?? false })
    if (orphans.length > 0 || main.survivors().length > 0) throw new Error('a process has outlived the step')
    return { post, ...(await leaksOf(this.sandbox, job, [main, ...post])) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#quick?.[Symbol.asyncDispose]()
    await this.sandbox[Symbol.asyncDispose]()
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Lanes that cases are dealt out to as they become free. */
export class Lanes implements AsyncDisposable {
  readonly #lanes: Lane[]

  private constructor(lanes: Lane[]) {
    this.#lanes = lanes
  }

  static async start(count: number, github: GitHubKind): Promise<Lanes> {
    const first = await Lane.start(github)
    return new Lanes([first, ...(await Promise.all(Array.from({ length: count - 1 }, () => Lane.start(github))))])
  }

  get struck(): number {
    return this.#lanes.reduce((total, lane) => total + lane.struck, 0)
  }

  /** Works through the cases and gives what each came to, in their order. */
  async deal<T, R>(cases: readonly T[], work: (one: T, lane: Lane) => Promise<R>): Promise<R[]> {
    const results: R[] = []
    const waiting = [...cases.entries()]
    const drive = async (lane: Lane): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await work(next[1], lane)
    }
    await Promise.all(this.#lanes.map(drive))
    return results
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane[Symbol.asyncDispose]()))
  }
}
