import { createHash } from 'node:crypto'
import type { RecordedRequest, SandboxRequest, SandboxResponse } from '../../sandbox/messages.ts'
import { SandboxServer } from '../../sandbox/server.ts'
import type { Fault, FaultPlan } from '../../sandbox/faults.ts'

/**
 * The six routes of GitHub's API that a tag needs, in memory: the sandbox's own runs git for each of them, which is
 * too slow for thousands of runs. Answers and refusals are those of `sandbox/github/routes-git.ts`.
 */
export class QuickGitHub implements AsyncDisposable {
  /** Commit or tag object that each tag names. */
  readonly tags = new Map<string, string>()
  readonly #objects = new Map<string, string>()
  readonly #commits: ReadonlySet<string>
  readonly #server: SandboxServer

  private constructor(commits: ReadonlySet<string>, server: SandboxServer) {
    this.#commits = commits
    this.#server = server
  }

  static async start(commits: readonly string[], shared: { requests: RecordedRequest[]; faults?: FaultPlan }) {
    const server = await SandboxServer.start((request) => github.#answer(request), { service: 'github', ...shared })
    const github = new QuickGitHub(new Set(commits), server)
    return github
  }

  get url(): string {
    return this.#server.url
  }

  /** The commit a tag comes to, whoever made it. */
  peeled(name: string): string | undefined {
    return this.tag(name)?.commit
  }

  tag(name: string): { type: 'tag' | 'commit'; commit: string } | undefined {
    const sha = this.tags.get(name)
    if (sha === undefined) return undefined
    const commit = this.#objects.get(sha)
    return commit === undefined ? { type: 'commit', commit: sha } : { type: 'tag', commit }
  }

  inject(...faults: Fault[]): void {
    this.#server.inject(...faults)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }

  async #answer({ method, url, body }: SandboxRequest): Promise<SandboxResponse> {
    const [, , , , kind = '', ...rest] = url.pathname.split('/').filter(Boolean)
    const last = rest.join('/')
    if (method === 'GET' && url.pathname.endsWith('/rulesets')) return json(200, [])
    if (method === 'GET' && kind === 'commits') return this.#commit(last)
    if (method === 'GET' && kind === 'ref') return this.#ref(decodeURIComponent(last).replace(/^tags\//, ''))
    if (method === 'GET' && kind === 'tags') return this.#tagObject(last)
    const { object = '', tag = '', ref = '', sha = '' }: Record<string, string> = JSON.parse((await body()).toString())
    if (kind === 'tags') return this.#makeTag(tag, object)
    return this.#makeRef(ref.replace(/^refs\/tags\//, ''), sha)
  }

  #commit(sha: string): SandboxResponse {
    if (!this.#commits.has(sha)) return refusal(404, 'Not Found')
    return json(200, { sha, author: { name: 'Octo Cat', email: 'octocat@example.com' } })
  }

  #ref(name: string): SandboxResponse {
    const sha = this.tags.get(name)
    if (sha === undefined) return refusal(404, 'Not Found')
    return json(200, { ref: `refs/tags/${name}`, object: { sha, type: this.#objects.has(sha) ? 'tag' : 'commit' } })
  }

  #tagObject(sha: string): SandboxResponse {
    const commit = this.#objects.get(sha)
    return commit === undefined
      ? refusal(404, 'Not Found')
      : json(200, { sha, object: { sha: commit, type: 'commit' } })
  }

  #makeTag(tag: string, commit: string): SandboxResponse {
    if (!this.#commits.has(commit)) return refusal(422, 'Could not verify object')
    const sha = createHash('sha1')
      .update(`${tag} ${commit} ${String(this.#objects.size)}`)
      .digest('hex')
    this.#objects.set(sha, commit)
    return json(201, { sha, tag, object: { sha: commit, type: 'commit' } })
  }

  #makeRef(name: string, sha: string): SandboxResponse {
    if (this.tags.has(name)) return refusal(422, 'Reference already exists')
    if (!this.#objects.has(sha) && !this.#commits.has(sha)) return refusal(422, 'Object does not exist')
    this.tags.set(name, sha)
    return json(201, { ref: `refs/tags/${name}`, object: { sha, type: 'tag' } })
  }
}

function json(status: number, value: unknown): SandboxResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

function refusal(status: number, message: string): SandboxResponse {
  return json(status, { message, documentation_url: 'https://docs.github.com/rest' })
}
