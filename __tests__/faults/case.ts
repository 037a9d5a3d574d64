import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Exchange, Fault } from '../../sandbox/faults.ts'
import type { JobClaims, OidcIssuer } from '../../sandbox/oidc.ts'
import type { Registry, RegistryOptions } from '../../sandbox/registry/registry.ts'
import { type SeedGem, seedGem } from '../../sandbox/registry/seed-gem.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import type { VirtualClock } from './clock.ts'
import { type Job, type Run, runRelease } from './run.ts'
import { type Target, targetOf } from './targets.ts'
import { isReroute, playOf, type Stage, type Trouble } from './troubles.ts'
import type { FaultWorld } from './world.ts'

export const REPOSITORY = 'octo/faults'
const PUBLISHER = { repository: REPOSITORY, workflow: 'release.yml' }

export interface Strike {
  trouble: Trouble
  on: Target
  times: number
}

export interface CaseOptions {
  strikes?: readonly Strike[]
  /** Gems to release, by what makes them differ from `NAME 1.0.0`; one plain gem when absent. */
  gems?: readonly Partial<SeedGem>[]
  /** Whether a tag is made, which needs GitHub. */
  tags?: boolean
  registry?: Partial<RegistryOptions>
  /** More inputs of the action. */
  with?: Record<string, string>
}

/** A request as the client began it, whether it arrived anywhere or not. */
export interface Attempt {
  target: Target
  /** On the case's clock. */
  at: number
  /** How many deadlines had been set before. */
  armed: number
  over: boolean
}

/** One world in which a release is made, goes wrong, and is made again. */
export class Case implements Stage, AsyncDisposable {
  readonly label: string
  readonly directory: string
  readonly clock: VirtualClock
  readonly issuer: OidcIssuer
  readonly registry: Registry
  readonly world: FaultWorld
  readonly options: CaseOptions
  readonly attempts: Attempt[] = []
  readonly requests: RecordedRequest[] = []
  /** Everything nobody may read, by what it is. */
  readonly secrets: Record<string, string> = {}
  readonly gems: readonly SeedGem[]
  /** How many releases were tried. */
  runs = 0
  #strikes: Strike[]

  constructor(parts: Pick<Case, 'label' | 'directory' | 'clock' | 'issuer' | 'registry' | 'world' | 'options'>) {
    this.label = parts.label
    this.directory = parts.directory
    this.clock = parts.clock
    this.issuer = parts.issuer
    this.registry = parts.registry
    this.world = parts.world
    this.options = parts.options
    this.gems = (parts.options.gems ?? [{}]).map((gem) => ({ name: parts.label, number: '1.0.0', ...gem }))
    this.#strikes = (parts.options.strikes ?? []).map((strike) => ({ ...strike }))
  }

  get otherServer(): string {
    return this.world.otherServer
  }

  async prepare(): Promise<void> {
    await mkdir(path.join(this.directory, 'pkg'), { recursive: true })
    for (const gem of this.gems) {
      const platform = gem.platform === undefined ? '' : `-${gem.platform}`
      await writeFile(path.join(this.directory, 'pkg', `${gem.name}-${gem.number}${platform}.gem`), seedGem(gem))
    }
    for (const gem of new Set(this.gems.map(({ name }) => name)))
      this.registry.addTrustedPublisher({ gem, ...PUBLISHER })
  }

  /** The action's run, and what came of it. Every run is a job of its own with tokens of its own. */
  async release(): Promise<Run> {
    return runRelease(this, this.newJob())
  }

  newJob(): Job {
    this.runs += 1
    const { github, commit } = this.world
    const token = github.addToken({ repository: REPOSITORY, permissions: { contents: 'write' } })
    this.world.register(`token ${token}`, this)
    const claims: JobClaims = {
      repository: REPOSITORY,
      workflowFile: 'release.yml',
      ref: 'refs/heads/main',
      sha: commit,
    }
    const idToken = this.issuer.registerJob(claims)
    this.secrets[`GitHub token ${String(this.runs)}`] = token
    this.secrets[`request token ${String(this.runs)}`] = idToken.requestToken
    return { token, idToken }
  }

  clear(): void {
    this.#strikes = []
  }

  attemptsAt(target: Target): Attempt[] {
    return this.attempts.filter((attempt) => attempt.target === target)
  }

  requestsTo(target: Target): RecordedRequest[] {
    return this.requests.filter(({ method, path: where }) => targetOf(method, where) === target)
  }

  expireKeys(): void {
    this.registry.expireKeys()
  }

  /** A request begins. */
  begin(method: string, url: URL): Attempt {
    const target = targetOf(method, `${url.pathname}${url.search}`)
    if (!target) throw new Error(`no test knows ${method} ${url.pathname}`)
    const attempt = { target, at: this.clock.now(), armed: this.clock.armed, over: false }
    this.attempts.push(attempt)
    return attempt
  }

  /** The origin a request is sent to instead of its own, where there is one. */
  async reroute(attempt: Attempt): Promise<string | undefined> {
    const strike = this.#strike(attempt.target)
    if (!strike || !isReroute(strike.trouble)) return undefined
    strike.times -= 1
    if (strike.trouble !== 'silent') return this.world.lost[strike.trouble]
    return this.world.elsewhere.silent(() => void this.#passTimeUntilOver(attempt))
  }

  /** A request has arrived: the fault that hits it. */
  arrived(request: RecordedRequest): Fault | undefined {
    const target = targetOf(request.method, request.path)
    if (!target) return undefined
    this.requests.push(request)
    const strike = this.#strike(target)
    if (strike) strike.times -= 1
    const play = strike && playOf(strike.trouble)
    return {
      name: strike?.trouble ?? 'none',
      times: 1,
      on: () => true,
      play: async (exchange) => {
        const answer = play ? await play(exchange, this) : await exchange.handle()
        if (!answer || request.service !== 'registry') return answer
        // The services' own clock is the case's; what Node would put here is not.
        return { ...answer, headers: { date: this.clock.date().toUTCString(), ...answer.headers } }
      },
    }
  }

  async untilGivenUp({ request }: Exchange): Promise<void> {
    const target = targetOf(request.method ?? '', request.url ?? '')
    const attempt = this.attempts.findLast((candidate) => candidate.target === target && !candidate.over)
    if (attempt) await this.#passTimeUntilOver(attempt)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]()
    await this.issuer[Symbol.asyncDispose]()
  }

  #strike(target: Target): Strike | undefined {
    return this.#strikes.find((strike) => strike.times > 0 && strike.on === target)
  }

  /** Only the stalled exchange may be hit by the time that passes: all others come to their end first. */
  async #passTimeUntilOver(attempt: Attempt): Promise<void> {
    let quiet = 0
    for (;;) {
      await pause(1)
      if (attempt.over) return
      quiet = this.attempts.filter(({ over }) => !over).length === 1 ? quiet + 1 : 0
      if (quiet > 3) this.clock.expire(attempt.armed)
    }
  }
}
