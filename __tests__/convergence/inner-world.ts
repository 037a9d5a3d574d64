import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Fault, FaultPlan } from '../../sandbox/faults.ts'
import { OidcIssuer, type TokenRequest } from '../../sandbox/oidc.ts'
import { type Registry, type RegistryOptions, startRegistry } from '../../sandbox/registry/registry.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import { QuickGitHub } from './quick-github.ts'
import { VirtualClock } from './virtual-clock.ts'

export const COMMIT = '1'.repeat(40)
export const OTHER_COMMIT = '2'.repeat(40)
const REPOSITORY = 'octo/lens'
const PUBLISHER = { repository: REPOSITORY, workflow: 'release.yml' }

/** Making an RSA key takes a while: the first issuer's serves all. */
let issuerKey: Buffer | undefined

/**
 * A registry and an issuer of the sandbox and a small GitHub, all on one virtual clock, for releases that run inside
 * this process: real sockets, real bytes, no waiting.
 */
export class InnerWorld implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly directory: string
  readonly registry: Registry
  readonly github: QuickGitHub
  readonly requests: RecordedRequest[]
  readonly #faults: FaultPlan
  readonly #oidc: OidcIssuer
  readonly #idToken: TokenRequest

  private constructor(parts: {
    clock: VirtualClock
    directory: string
    registry: Registry
    github: QuickGitHub
    oidc: OidcIssuer
    requests: RecordedRequest[]
    faults: FaultPlan
  }) {
    this.clock = parts.clock
    this.directory = parts.directory
    this.registry = parts.registry
    this.github = parts.github
    this.requests = parts.requests
    this.#faults = parts.faults
    this.#oidc = parts.oidc
    this.#idToken = parts.oidc.registerJob({
      repository: REPOSITORY,
      workflowFile: 'release.yml',
      ref: 'refs/heads/main',
      sha: COMMIT,
      eventName: 'workflow_dispatch',
    })
  }

  static async start(names: readonly string[], options: Partial<RegistryOptions> = {}): Promise<InnerWorld> {
    const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-inner-'))
    const clock = new VirtualClock()
    const time = (): Date => clock.date()
    const requests: RecordedRequest[] = []
    const faults = new FaultPlan()
    const issuer = path.join(directory, 'oidc')
    await mkdir(issuer)
    if (issuerKey) await writeFile(path.join(issuer, 'key.json'), issuerKey)
    const oidc = await OidcIssuer.start({ requests, faults, clock: time, directory: issuer })
    issuerKey ??= await readFile(path.join(issuer, 'key.json'))
    const registry = await startRegistry({
      requests,
      faults,
      clock: time,
      directory: path.join(directory, 'registry'),
      durable: false,
      jwksUrl: oidc.jwksUrl,
      ...options,
    })
    const github = await QuickGitHub.start([COMMIT, OTHER_COMMIT], { requests, faults })
    for (const gem of names) registry.addTrustedPublisher({ gem, ...PUBLISHER })
    return new InnerWorld({ clock, directory, registry, github, oidc, requests, faults })
  }

  /** Faults of all three services, in the order they are to strike. */
  inject(...faults: Fault[]): void {
    this.#faults.add(...faults)
  }

  clearFaults(): void {
    this.#faults.clear()
  }

  /** `with:` of a workflow that releases these prebuilt gems. */
  with(gems: readonly string[]): Record<string, string> {
    return { gems: gems.join('\n'), 'gem-server': this.registry.url, token: 'ghs_convergence' }
  }

  /** A job's environment, as far as the action reads it. */
  environment(sha: string = COMMIT): Record<string, string> {
    return {
      GITHUB_EVENT_NAME: 'workflow_dispatch',
      GITHUB_REPOSITORY: REPOSITORY,
      GITHUB_REF: 'refs/heads/main',
      GITHUB_SHA: sha,
      GITHUB_ACTOR: 'octocat',
      GITHUB_API_URL: this.github.url,
      GITHUB_WORKSPACE: this.directory,
      RUNNER_TEMP: this.directory,
      ACTIONS_ID_TOKEN_REQUEST_URL: this.#idToken.requestUrl,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: this.#idToken.requestToken,
    }
  }

  /** Pushes that reached the registry, with the status they were answered with. */
  get pushes(): RecordedRequest[] {
    return this.requests.filter(({ method, path: at }) => method === 'POST' && at === '/api/v1/gems')
  }

  get exchanges(): RecordedRequest[] {
    return this.requests.filter(({ path: at }) => at.endsWith('/exchange_token'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.registry[Symbol.asyncDispose](),
      this.github[Symbol.asyncDispose](),
      this.#oidc[Symbol.asyncDispose](),
    ])
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
