import { Readable } from 'node:stream'
import { request as send, type Dispatcher } from 'undici'
import { ReleaseError } from '../errors.ts'
import { parseJson, stringAt } from '../json.ts'
import { USER_AGENT } from '../version.ts'
import type { Clock } from './clock.ts'
import { withoutEcho } from './echo.ts'
import { proxyAgent } from './http-agent.ts'
import { describe, headersOf, type HttpAnswer, pourBody, readBody } from './http-answer.ts'
import { asFault, HttpFault } from './http-fault.ts'
import { Watch } from './watch.ts'
import { type Attempt, type Edge, persist, POLICIES, retryAfter, type Undertaking } from './retry.ts'
import { Traffic } from './traffic.ts'

/** The only way this action speaks HTTP: no redirects, no decompression, capped answers, deadlines on everything. */
export interface Http {
  /** One attempt. Throws HttpFault when no complete answer arrived. */
  send(edge: Edge, request: HttpRequest): Promise<HttpAnswer>
  /** Repeats by the edge's policy; `judge` decides about complete answers that are no passing trouble of the server. */
  ask<T>(
    undertaking: Undertaking,
    request: HttpRequest | (() => Promise<HttpRequest>),
    judge: (answer: HttpAnswer) => Attempt<T>,
  ): Promise<T>
  close(): Promise<void>
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  url: URL
  headers?: Record<string, string>
  body?: string | Upload
  /** Takes the body of a 200 as it comes, instead of its being kept; what follows a `false` is not read. */
  receive?: (chunk: Uint8Array) => boolean
}

/** A body that is streamed. `chunks` is called once for each attempt. */
export interface Upload {
  bytes: number
  chunks: () => AsyncIterable<Uint8Array>
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Passing trouble of a server or of what stands before it, on every edge; besides these, every 5xx. */
const PASSING = new Set([408, 425, 429])

export interface HttpOptions {
  clock: Clock
  /** Aborts every exchange but a push when the run is cancelled. */
  signal: AbortSignal
  /** Aborts also a push that is under way; a cancelled run gives it a few seconds to end. */
  lastSignal: AbortSignal
  log: (line: string) => void
  env: Readonly<Record<string, string | undefined>>
}

export function createHttp(options: HttpOptions): Http {
  const agent = proxyAgent(options.env)
  const traffic = new Traffic(options.clock, options.signal)
  const http: Http = {
    send: (edge, request) => {
      const go = (): Promise<HttpAnswer> => attempt(agent.dispatcher, options, edge, request)
      if (edge === 'push') return pushInTurn(traffic, request.url.origin, options.signal, go)
      // RubyGems.org's limit is one of its API; index and files are served from elsewhere.
      return edge === 'index' || edge === 'download' ? go() : traffic.run(request.url.origin, go)
    },
    ask: (undertaking, request, judge) =>
      persist(undertaking, options, async () => {
        const { edge, failure } = undertaking
        const prepared = typeof request === 'function' ? await request() : request
        try {
          const answer = await http.send(edge, prepared)
          return passingTrouble(answer, options.clock, edge) ?? judge(answer)
        } catch (error) {
          if (error instanceof HttpFault && isPassing(error, edge)) return { again: error.message }
          throw error instanceof HttpFault ? new ReleaseError(failure(error.message)) : error
        }
      }),
    close: () => agent.close(),
  }
  return http
}

/** A push that is under way may outlive the signal; one that has waited for its turn must not begin. */
async function pushInTurn(
  traffic: Traffic,
  origin: string,
  signal: AbortSignal,
  go: () => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  let begun = false
  try {
    return await traffic.run(origin, () => {
      signal.throwIfAborted()
      begun = true
      return go()
    })
  } catch (error) {
    throw begun ? error : new HttpFault('unsent', 'the run was cancelled before')
  }
}

/** What to do about an answer that is the server's own passing trouble; undefined for every other answer. */
export function passingTrouble(
  answer: HttpAnswer,
  clock: Clock,
  edge: Edge = 'push',
): { again: string; after?: number } | undefined {
  if (!PASSING.has(answer.status) && answer.status < 500) return undefined
  const named = retryAfter(answer.headers, clock.date())
  const after = answer.status === 429 ? (named ?? POLICIES[edge].limited) : named
  return { again: describe(answer), ...(after === undefined ? {} : { after }) }
}

/** Reads are repeated also after an unusable answer: a cache may have given it. No server is asked again for a reason
 * that will not pass: a certificate that was refused, or a redirect.
 */
export function isPassing(fault: HttpFault, edge: Edge): boolean {
  if (fault.kind === 'untrusted' || fault.kind === 'redirected') return false
  return fault.kind !== 'unusable' || POLICIES[edge].readOnly === true
}

async function attempt(
  dispatcher: Dispatcher,
  { clock, signal: softSignal, lastSignal }: HttpOptions,
  edge: Edge,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const signal = edge === 'push' ? lastSignal : softSignal
  const policy = POLICIES[edge]
  using watch = new Watch(clock, policy)
  const progress = { sentAll: request.body === undefined || typeof request.body === 'string' }
  try {
    const ended = AbortSignal.any([signal, watch.signal])
    const sending = send(request.url, {
      dispatcher,
      method: request.method,
      headers: {
        'user-agent': USER_AGENT,
        'accept-encoding': 'identity',
        ...request.headers,
        ...lengthOf(request.body),
      },
      body:
        typeof request.body === 'object'
          ? Readable.from(watched(request.body, watch, progress))
          : (request.body ?? null),
      signal: ended,
    })
    const answer = await unlessAborted(sending, ended)
    const { receive } = request
    const bytes =
      receive && answer.statusCode === 200
        ? await pourBody(answer, (chunk) => {
            watch.progress(false)
            return receive(chunk)
          })
        : await readBody(answer, policy.answerBytes)
    const body = bytes.toString('utf8')
    if (REDIRECTS.has(answer.statusCode)) {
      throw new HttpFault(
        'redirected',
        `the server answered with a redirect (${String(answer.statusCode)}), which is never followed`,
      )
    }
    return {
      status: answer.statusCode,
      headers: headersOf(answer.headers),
      bytes,
      text: withoutSecrets(body, request),
      // A token that is asked for with a token may well have parts in common with it, as all of one issuer's have.
      json: parseJson(body),
    }
  } catch (error) {
    signal.throwIfAborted()
    throw asFault(error, watch.signal.aborted, progress.sentAll, policy)
  }
}

async function* watched(upload: Upload, watch: Watch, progress: { sentAll: boolean }): AsyncGenerator<Uint8Array> {
  let left = upload.bytes
  for await (const chunk of upload.chunks()) {
    left -= chunk.length
    progress.sentAll = left <= 0
    watch.progress(progress.sentAll)
    yield chunk
  }
}

function lengthOf(body: HttpRequest['body']): Record<string, string> {
  return typeof body === 'object' ? { 'content-length': String(body.bytes) } : {}
}

/** undici looks at a signal only once it is connected; whoever waits for a connection must not wait longer for that. */
function unlessAborted<T>(sending: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    sending.then(resolve, reject)
  })
}

/** Some servers show what they were sent: credentials that a request carried are taken out of the answer's text. */
function withoutSecrets(text: string, { headers = {}, body }: HttpRequest): string {
  const key = headers['authorization']?.replace(/^(bearer|token|basic) /i, '')
  const token = typeof body === 'string' ? stringAt(parseJson(body), 'jwt') : undefined
  return [key, token]
    .flatMap((secret) => (secret ? [secret] : []))
    .reduce((safe, secret) => withoutEcho(safe, secret), text)
}
