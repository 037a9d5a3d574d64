import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { type Fault, FaultPlan } from '../faults.ts'
import type { RecordedRequest } from '../messages.ts'
import { SandboxServer } from '../server.ts'
import { newToken } from './access.ts'
import { githubApi } from './api.ts'
import { gitRemote } from './git-remote.ts'
import { Repository, initialize } from './repository.ts'
import { type Level, type StoredRelease, World } from './world.ts'

export interface GitHubOptions {
  /** Where the world is kept; a second start on the same directory goes on with it. */
  directory: string
  latencyMs?: number
  requests?: RecordedRequest[]
  faults?: FaultPlan
  apiPort?: number
  gitPort?: number
  /** Requests an hour and token, 1,000 when absent. */
  hourlyLimit?: number
}

export interface RepositoryOptions {
  private?: boolean
  defaultBranch?: string
  id?: number
  ownerId?: number
}

export interface TokenOptions {
  repository: string
  /** As in a workflow's `permissions`; what is not named is `none`. */
  permissions: Record<string, Level>
  /** Whether the token is of an app on the bypass list of the repository's rulesets. */
  bypassRules?: boolean
}

function port(value: number | undefined): { port?: number } {
  return value === undefined ? {} : { port: value }
}

/** The sandbox's GitHub: REST API and git remote as two servers on loopback, over the same bare repositories. */
export class GitHub implements AsyncDisposable {
  /** What the client did that GitHub's published description does not allow; empty when all is well. */
  readonly violations: string[]
  readonly requests: RecordedRequest[]
  private readonly world: World
  private readonly api: SandboxServer
  private readonly remote: SandboxServer

  private constructor(world: World, api: SandboxServer, remote: SandboxServer, violations: string[]) {
    this.world = world
    this.api = api
    this.remote = remote
    this.violations = violations
    this.requests = api.requests
  }

  static async start(options: GitHubOptions): Promise<GitHub> {
    const { directory, latencyMs, faults, apiPort, gitPort, hourlyLimit } = options
    const world = new World(directory)
    const shared = {
      requests: options.requests ?? [],
      ...(latencyMs === undefined ? {} : { latencyMs }),
      faults: faults ?? new FaultPlan(),
    }
    const remote = await SandboxServer.start(gitRemote(world), { service: 'git', ...shared, ...port(gitPort) })
    const violations: string[] = []
    const limit = hourlyLimit === undefined ? {} : { hourlyLimit }
    const handler = githubApi({ world, serverUrl: remote.url, violations, ...limit })
    try {
      const api = await SandboxServer.start(handler, { service: 'github', ...shared, ...port(apiPort) })
      return new GitHub(world, api, remote, violations)
    } catch (error) {
      await remote[Symbol.asyncDispose]()
      throw error
    }
  }

  /** As `GITHUB_API_URL`. */
  get apiUrl(): string {
    return this.api.url
  }

  /** As `GITHUB_SERVER_URL`. */
  get serverUrl(): string {
    return this.remote.url
  }

  /** The faults waiting to strike either server. */
  get faults(): FaultPlan {
    return this.api.faults
  }

  /** Faults for either server, in the order they are to strike. */
  inject(...faults: Fault[]): void {
    this.api.inject(...faults)
  }

  async createRepository(name: string, options: RepositoryOptions = {}): Promise<Repository> {
    if (!/^[\w.-]+\/[\w.-]+$/.test(name)) throw new Error(`not a repository name: ${name}`)
    if (this.world.repository(name)) throw new Error(`there is a repository ${name} already`)
    const defaultBranch = options.defaultBranch ?? 'main'
    await initialize(this.world.bareDirectory(name), defaultBranch)
    this.world.change((state) => {
      const sibling = Object.values(state.repositories).find((one) => one.name.split('/')[0] === name.split('/')[0])
      state.repositories[name.toLowerCase()] = {
        id: options.id ?? 700_000_000 + state.nextId++,
        name,
        ownerId: options.ownerId ?? sibling?.ownerId ?? 90_000_000 + state.nextId++,
        private: options.private ?? false,
        defaultBranch,
        protectedTags: [],
        createdAt: new Date().toISOString().replace(/\.\d+/, ''),
        releases: [],
      }
    })
    return this.repository(name)
  }

  repository(name: string): Repository {
    const stored = this.world.repository(name)
    if (!stored) throw new Error(`there is no repository ${name}`)
    return new Repository(this.world, stored.name, this.serverUrl)
  }

  /** The releases of a repository with their assets, drafts included, oldest first. */
  releases(name: string): StoredRelease[] {
    return this.repository(name).releases()
  }

  /** Where the bytes of a release's asset are kept. */
  assetFile(id: number): string {
    return this.world.assetFile(id)
  }

  /** Puts other bytes in an asset's place, as deleting and uploading by hand does. */
  alterAsset(id: number, bytes: Buffer): void {
    this.world.change(({ repositories }) => {
      const assets = Object.values(repositories).flatMap(({ releases }) => releases.flatMap((one) => one.assets))
      const asset = assets.find((one) => one.id === id)
      if (!asset) throw new Error(`there is no asset ${String(id)}`)
      asset.size = bytes.length
      asset.sha256 = createHash('sha256').update(bytes).digest('hex')
      writeFileSync(this.world.assetFile(id), bytes)
    })
  }

  /** A token as a workflow run of `repository` would hold it. */
  addToken(options: TokenOptions): string {
    const token = newToken()
    this.world.change(({ tokens }) => {
      tokens[token] = {
        repository: options.repository,
        permissions: options.permissions,
        bypassRules: options.bypassRules ?? false,
      }
    })
    return token
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.api[Symbol.asyncDispose](), this.remote[Symbol.asyncDispose]()])
  }
}

export async function startGitHub(options: GitHubOptions): Promise<GitHub> {
  return await GitHub.start(options)
}
