import type { Fault } from '../faults.ts'
import { newRequestId, refusalBody } from './answers.ts'

export interface SecondaryRateLimit {
  method?: string
  /** Requests it hits; all when absent. */
  path?: RegExp
  /** Seconds for `Retry-After`; GitHub does not always send one. */
  retryAfter?: number
  /** GitHub: "a 403 or 429 response". */
  status?: 403 | 429
  times?: number
}

const DOCS =
  'https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits'

/**
 * GitHub's secondary rate limit: "If the `retry-after` response header is present, you should not retry
 * your request until after that many seconds has elapsed", "Otherwise, wait for at least one minute"
 * (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit).
 * The request is not carried out.
 */
export function secondaryRateLimit(options: SecondaryRateLimit = {}): Fault {
  const { method, path = /^/, retryAfter, status = 403, times = Number.POSITIVE_INFINITY } = options
  return {
    name: 'github-secondary-rate-limit',
    times,
    on: (request) =>
      request.service === 'github' && (method ?? request.method) === request.method && path.test(request.path),
    play: async ({ request }) => {
      for await (const chunk of request) void chunk
      const id = newRequestId()
      const message = `You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID ${id}.`
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'x-github-request-id': id,
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      }
      return { status, headers, body: JSON.stringify(refusalBody(status, message, DOCS)) }
    },
  }
}
