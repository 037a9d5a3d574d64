import type { SandboxRequest } from '../messages.ts'
import { type Caller, levelOf, mayBypass } from './access.ts'
import { type Answer, Refusal, ok } from './answers.ts'
import type { BareRepository } from './bare.ts'
import { violation } from './rules.ts'
import type { JsonObject } from './schema.ts'
import type { StoredRepository, World } from './world.ts'

interface CallFields {
  world: World
  repository: StoredRepository
  caller: Caller
  params: Record<string, string>
  body: JsonObject
  request: SandboxRequest
  serverUrl: string
}

/** Everything a route has to work with; by then the request conforms to GitHub's description and is permitted. */
export class Call implements CallFields {
  readonly world: World
  readonly repository: StoredRepository
  readonly caller: Caller
  readonly params: Record<string, string>
  readonly body: JsonObject
  readonly request: SandboxRequest
  readonly serverUrl: string
  readonly bare: BareRepository

  constructor(fields: CallFields) {
    this.world = fields.world
    this.repository = fields.repository
    this.caller = fields.caller
    this.params = fields.params
    this.body = fields.body
    this.request = fields.request
    this.serverUrl = fields.serverUrl
    this.bare = fields.world.bare(fields.repository.name)
  }

  /** API address of the repository. */
  get api(): string {
    return `${this.request.url.origin}/repos/${this.repository.name}`
  }

  /** Web address of the repository. */
  get html(): string {
    return `${this.serverUrl}/${this.repository.name}`
  }

  get canPush(): boolean {
    return levelOf(this.caller, this.repository) === 'write'
  }

  /** The rule that creating `ref` would break, unless the caller may bypass rules. */
  refuseProtected(ref: string): string | undefined {
    return mayBypass(this.caller) ? undefined : violation(this.repository.protectedTags, ref, 'create')
  }

  /** A string of the body; nothing where it is absent. */
  text(field: string): string | undefined {
    const value = this.body[field]
    return typeof value === 'string' ? value : undefined
  }

  /** One page of a list, with the `Link` header that leads to the others. */
  page(all: unknown[]): Answer {
    const { searchParams, origin, pathname } = this.request.url
    const size = Math.min(Math.max(Number(searchParams.get('per_page') ?? 30), 1), 100)
    const page = Math.max(Number(searchParams.get('page') ?? 1), 1)
    const last = Math.max(Math.ceil(all.length / size), 1)
    const link = (to: number, relation: string) =>
      `<${origin}${pathname}?per_page=${String(size)}&page=${String(to)}>; rel="${relation}"`
    const links = [
      ...(page > 1 ? [link(page - 1, 'prev')] : []),
      ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
      ...(page > 1 ? [link(1, 'first')] : []),
    ]
    return ok(all.slice((page - 1) * size, page * size), links.length > 0 ? { link: links.join(', ') } : {})
  }
}

/** The permission that `x-accepted-github-permissions` names, and that the caller must have. */
export type Permission = 'metadata=read' | 'contents=read' | 'contents=write'

export interface Route {
  permission: Permission
  /** Whether `workflows: write` may be needed too: the route can publish a commit that changes workflows. */
  workflows?: true
  handle: (call: Call) => Promise<Answer> | Answer
}

/** "Git Repository is empty.", GitHub's 409 for every question about git data of a repository without commits. */
export async function refuseEmpty(call: Call): Promise<void> {
  if (await call.bare.isEmpty()) throw new Refusal(409, 'Git Repository is empty.')
}

/** GraphQL's name of a thing; opaque to clients. */
export function nodeId(kind: string, ...parts: (string | number)[]): string {
  return `${kind}_${Buffer.from(parts.join(':')).toString('base64url')}`
}
