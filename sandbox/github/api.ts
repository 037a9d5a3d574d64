import type { Handler, SandboxRequest, SandboxResponse } from '../messages.ts'
import { type Caller, callerOf, canSee, levelOf } from './access.ts'
import { type Answer, Refusal, notFound, onTheWire, refusalBody } from './answers.ts'
import { type Match, bodyProblems, findOperation, parameterProblems } from './openapi.ts'
import { ASSET_ROUTES } from './routes-assets.ts'
import { GIT_ROUTES } from './routes-git.ts'
import { RELEASE_ROUTES } from './routes-releases.ts'
import { REPOSITORY_ROUTES } from './routes-repository.ts'
import { RULESET_ROUTES } from './routes-rulesets.ts'
import { Call, type Permission, type Route } from './routes.ts'
import { isObject, type JsonObject } from './schema.ts'
import type { StoredRepository, World } from './world.ts'

const ROUTES: Record<string, Route> = {
  ...REPOSITORY_ROUTES,
  ...RULESET_ROUTES,
  ...GIT_ROUTES,
  ...RELEASE_ROUTES,
  ...ASSET_ROUTES,
}
const DOCS = 'https://docs.github.com/rest'
const HOUR = 60 * 60 * 1000

export interface ApiOptions {
  world: World
  serverUrl: string
  /** Where everything lands that GitHub's description does not allow. */
  violations: string[]
  /** Requests an hour and token; GitHub gives the token of a workflow run 1,000 for a repository. */
  hourlyLimit?: number
}

/** Counts requests as GitHub's primary rate limit does, by token. */
class RateLimit {
  private readonly limit: number
  private readonly used = new Map<string, { count: number; reset: number }>()

  constructor(limit: number) {
    this.limit = limit
  }

  /** Counts one request; the headers GitHub sends with its answer, and whether it was one too many. */
  take(key: string): { headers: Record<string, string>; exceeded: boolean } {
    const now = Date.now()
    const before = this.used.get(key)
    const entry = before && before.reset > now ? before : { count: 0, reset: now + HOUR }
    entry.count += 1
    this.used.set(key, entry)
    const headers = {
      'x-ratelimit-limit': String(this.limit),
      'x-ratelimit-remaining': String(Math.max(this.limit - entry.count, 0)),
      'x-ratelimit-used': String(Math.min(entry.count, this.limit)),
      'x-ratelimit-reset': String(Math.ceil(entry.reset / 1000)),
      'x-ratelimit-resource': 'core',
    }
    return { headers, exceeded: entry.count > this.limit }
  }
}

function accepted({ permission, workflows }: Route): string {
  return workflows ? `${permission}; ${permission},workflows=write` : permission
}

/** The repository a request names, if this caller may do there what the route needs. */
function admit(world: World, caller: Caller, match: Match, permission: Permission): StoredRepository {
  const repository = world.repository(`${match.params['owner'] ?? ''}/${match.params['repo'] ?? ''}`)
  if (!repository || !canSee(caller, repository)) throw notFound()
  // Every installation token has metadata: read, so whoever can see the repository has it.
  if (permission === 'metadata=read') return repository
  if (permission === 'contents=write' && caller.kind === 'anonymous') throw new Refusal(401, 'Requires authentication')
  const level = levelOf(caller, repository)
  const enough = level === 'write' || (level === 'read' && permission === 'contents=read')
  if (!enough) throw new Refusal(403, 'Resource not accessible by integration')
  return repository
}

async function parsedBody(request: SandboxRequest): Promise<JsonObject> {
  const bytes = await request.body()
  if (bytes.length === 0) return {}
  try {
    const parsed: unknown = JSON.parse(bytes.toString())
    if (isObject(parsed)) return parsed
  } catch {
    throw new Refusal(400, 'Problems parsing JSON')
  }
  throw new Refusal(400, 'Body should be a JSON object')
}

/** GitHub's REST API, as far as its description in `openapi.json` goes. */
export function githubApi(options: ApiOptions): Handler {
  const { world, violations } = options
  const limit = new RateLimit(options.hourlyLimit ?? 1000)

  const violate = (request: SandboxRequest, found: string[]) => {
    const line = `${request.method} ${request.url.pathname}${request.url.search}`
    violations.push(...found.map((one) => `${line}: ${one}`))
  }

  async function answer(request: SandboxRequest, caller: Caller, match: Match, route: Route): Promise<Answer> {
    if (caller.kind === 'unknown') throw new Refusal(401, 'Bad credentials')
    violate(request, parameterProblems(match, request.url.searchParams))
    const repository = admit(world, caller, match, route.permission)
    const takesJson = match.operation.body?.type === 'application/json'
    const body = takesJson ? await parsedBody(request) : {}
    const problems = bodyProblems(match.operation, body)
    violate(request, problems)
    if (problems.length > 0) throw new Refusal(422, `Invalid request.\n\n${problems.join('\n')}`)
    const { params } = match
    return await route.handle(
      new Call({ world, repository, caller, params, body, request, serverUrl: options.serverUrl }),
    )
  }

  return async (request): Promise<SandboxResponse> => {
    if (!request.headers['user-agent']) {
      violate(request, ['has no User-Agent header'])
      const text = 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header'
      return { status: 403, headers: { 'content-type': 'text/html' }, body: `\r\n${text}.\r\n` }
    }
    const caller = callerOf(world, request.headers.authorization)
    const { headers, exceeded } = limit.take(request.headers.authorization ?? '')
    const match = findOperation(request.method, request.url.pathname)
    const route = match && ROUTES[match.operation.name]
    const docs = match?.operation.docs ?? DOCS
    const all = route ? { ...headers, 'x-accepted-github-permissions': accepted(route) } : headers
    try {
      if (exceeded) throw new Refusal(403, 'API rate limit exceeded for installation.')
      if (match && route) return onTheWire(await answer(request, caller, match, route), all)
      violate(request, ['is not an operation of the API that the sandbox serves'])
      throw caller.kind === 'unknown' ? new Refusal(401, 'Bad credentials') : notFound()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.status === 400) violate(request, [error.message])
      const body = refusalBody(error.status, error.message, error.status === 401 ? DOCS : docs, error.errors)
      return onTheWire({ status: error.status, body }, all)
    }
  }
}
