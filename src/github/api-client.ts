import type { getOctokit } from '@actions/github'
import { ReleaseError } from '../errors.ts'
import { stringAt } from '../json.ts'
import type { Http, HttpRequest } from '../world/http.ts'
import { asResponse, describe, type HttpAnswer } from '../world/http-answer.ts'
import { HttpFault } from '../world/http-fault.ts'
import { POLICIES, retryAfter } from '../world/retry.ts'
import type { Secret } from '../world/secret.ts'

type Octokit = ReturnType<typeof getOctokit>

const SUPPORTED = { GET: 'GET', POST: 'POST', PATCH: 'PATCH', DELETE: 'DELETE' } as const

/**
 * GitHub's REST client over our own HTTP edge: its routes and types, our deadlines, retries, caps and proxies.
 * Loaded on first use, since a dry registry-only run never needs it.
 */
export async function githubClient(token: Secret, apiUrl: string, http: Http): Promise<Octokit> {
  const github = await import('@actions/github')
  return github.getOctokit(token.reveal(), { baseUrl: apiUrl, request: { fetch: fetchThrough(http) } })
}

/** The same without repetition, for what must be looked up before it is asked for again. */
export async function githubClientOnce(token: Secret, apiUrl: string, http: Http): Promise<Octokit> {
  const github = await import('@actions/github')
  const fetch: Fetch = async (url, options) => asResponse(await http.send('github', asRequest(url, options)))
  return github.getOctokit(token.reveal(), { baseUrl: apiUrl, request: { fetch } })
}

interface FetchOptions {
  method?: string
  headers?: Record<string, string>
  body?: string
}

type Fetch = (url: string, options: FetchOptions) => Promise<ReturnType<typeof asResponse>>

function fetchThrough(http: Http): Fetch {
  return async (url, options) => {
    const request = asRequest(url, options)
    const answer = await http.ask(
      {
        edge: 'github',
        purpose: `reach GitHub (${request.method} ${request.url.pathname})`,
        failure: (reason) => ({
          code: 'github-unavailable',
          what: `GitHub's API did not answer usefully: ${reason}.`,
          fix: 'Re-run the job: what is published already is recognised by its digest.',
        }),
      },
      request,
      (reply) => rateLimit(reply) ?? htmlRefusal(reply) ?? { done: reply },
    )
    return asResponse(answer)
  }
}

function asRequest(url: string, { method = 'GET', headers = {}, body }: FetchOptions): HttpRequest {
  const verb = Object.values(SUPPORTED).find((supported) => supported === method)
  if (verb === undefined) throw new Error(`${method} is not used by this action`)
  return {
    method: verb,
    url: new URL(url),
    headers: { ...headers, accept: 'application/vnd.github+json' },
    ...(body === undefined ? {} : { body }),
  }
}

/**
 * GitHub answers 403 as well as 429 to too many requests; a header or its words tell it from a refusal, and a wait that
 * is not named is a minute (docs.github.com, "Rate limits for the REST API").
 */
function rateLimit(answer: HttpAnswer): { again: string; after: number } | undefined {
  if (answer.status !== 403) return undefined
  const { headers } = answer
  const named = retryAfter(headers, new Date())
  const reset = headers.get('x-ratelimit-remaining') === '0' ? untilReset(headers) : undefined
  const limited =
    named !== undefined || reset !== undefined || /rate limit/i.test(stringAt(answer.json, 'message') ?? '')
  if (!limited) return undefined
  return { again: 'GitHub limits the rate of requests', after: named ?? reset ?? POLICIES.github.limited ?? 0 }
}

/** Until the hour of the primary limit is over, by the server's own clock. */
function untilReset(headers: HttpAnswer['headers']): number | undefined {
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN) * 1000
  const wait = reset - Date.parse(headers.get('date') ?? '')
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

/** A success that is not JSON came from something in between, never from the API. */
function htmlRefusal(answer: HttpAnswer): { again: string } | undefined {
  return answer.status < 300 && answer.status !== 204 && answer.json === undefined
    ? { again: describe(answer) }
    : undefined
}

/** What the API answered to a request it refused: status, and its message where it gave one. */
export interface Refusal {
  status: number
  message: string
}

/** Runs one API call; a refusal becomes a value. Throws ReleaseError where there was no usable answer. */
export async function orRefusal<T>(call: Promise<{ data: T }>): Promise<{ data: T } | Refusal> {
  try {
    return await call
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // octokit wraps what its fetch threw; ours is the one that explains.
    if (error.cause instanceof ReleaseError || error.cause instanceof HttpFault) throw error.cause
    if (error.name === 'HttpError' && 'status' in error && 'response' in error && typeof error.status === 'number') {
      return { status: error.status, message: error.message }
    }
    throw error.cause instanceof Error && error.cause.name === 'AbortError' ? error.cause : error
  }
}

export function isRefusal(answer: { data: unknown } | Refusal): answer is Refusal {
  return !('data' in answer)
}
