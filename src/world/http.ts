import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { EnvHttpProxyAgent, request as send } from 'undici'
import { ReleaseError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { USER_AGENT } from '../version.ts'
import type { Clock } from './clock.ts'
import { type Attempt, type Edge, persist, POLICIES, type Policy, retryAfter, type Undertaking } from './retry.ts'

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
}

/** A body that is streamed. `chunks` is called once for each attempt. */
export interface Upload {
  bytes: number
  chunks: () => AsyncIterable<Uint8Array>
}

export interface HttpAnswer {
  status: number
  headers: { get(name: string): string | undefined }
  text: string
  /** The body as JSON, or undefined where it is none. */
  json: unknown
}

/**
 * Why no answer arrived. `unreachable`, `unencrypted` (TLS refused) and `unsent` are certain to have had no effect;
 * after `lost` and `timeout` the server may have acted. `unusable` is a complete answer that must not be used.
 */
export type FaultKind = 'unreachable' | 'untrusted' | 'unsent' | 'lost' | 'timeout' | 'unusable'

/** A failed exchange, in words of ours: no header, body or URL of it is ever part of the text. */
export class HttpFault extends Error {
  readonly kind: FaultKind

  constructor(kind: FaultKind, message: string) {
    super(message)
    this.name = 'HttpFault'
    this.kind = kind
  }
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Passing trouble of a server or of what stands before it, on every edge. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

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
  const http: Http = {
    send: (edge, request) => attempt(agent, options, edge, request),
    ask: (undertaking, request, judge) =>
      persist(undertaking, options, async () => {
        const { edge, failure } = undertaking
        const prepared = typeof request === 'function' ? await request() : request
        try {
          const answer = await http.send(edge, prepared)
          return passingTrouble(answer, options.clock) ?? judge(answer)
        } catch (error) {
          if (error instanceof HttpFault && isPassing(error, edge)) return { again: error.message }
          throw error instanceof HttpFault ? new ReleaseError(failure(error.message)) : error
        }
      }),
    close: () => agent.destroy(),
  }
  return http
}

/** What to do about an answer that is the server's own passing trouble; undefined for every other answer. */
export function passingTrouble(answer: HttpAnswer, clock: Clock): { again: string; after?: number } | undefined {
  if (!PASSING.has(answer.status)) return undefined
  const after = retryAfter(answer.headers, clock.date())
  return { again: describe(answer), ...(after === undefined ? {} : { after }) }
}

/** `503 (an HTML page)`, `429 "Retry later"`: the server's own words where they are short text. */
export function describe(answer: HttpAnswer): string {
  const words = answer.text.trim()
  if (/^\s*</.test(answer.text)) return `the answer was ${String(answer.status)} with an HTML page`
  const first = words.split('\n')[0] ?? ''
  return `the answer was ${String(answer.status)}${first ? ` ${JSON.stringify(first.slice(0, 200))}` : ''}`
}

/** Reads are repeated also after an unusable answer: a cache may have given it. Nothing is, where TLS was refused. */
export function isPassing(fault: HttpFault, edge: Edge): boolean {
  const policy = POLICIES[edge]
  return fault.kind !== 'untrusted' && (fault.kind !== 'unusable' || policy.readOnly === true)
}

/** Loopback never goes through a proxy: rehearsals and tests live there, and no proxy could reach it. */
function proxyAgent(env: HttpOptions['env']): EnvHttpProxyAgent {
  const noProxy = [env['no_proxy'] ?? env['NO_PROXY'], 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',')
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY']
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY']
  return new EnvHttpProxyAgent({
    noProxy,
    ...(httpProxy ? { httpProxy } : {}),
    ...(httpsProxy ? { httpsProxy } : {}),
    // Deadlines are ours: undici's own are idle times, which a trickling answer never lets expire.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in a job's environment does not switch verification off.
    connect: { timeout: 10_000, rejectUnauthorized: true },
    requestTls: { timeout: 10_000, rejectUnauthorized: true },
    proxyTls: { timeout: 10_000, rejectUnauthorized: true },
    allowH2: false,
    // Servers limit requests per address; more connections than this only move the queue to them.
    connections: 16,
  })
}

async function attempt(
  agent: EnvHttpProxyAgent,
  { clock, signal: softSignal, lastSignal }: HttpOptions,
  edge: Edge,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const signal = edge === 'push' ? lastSignal : softSignal
  const policy = POLICIES[edge]
  const watch = new Watch(clock, policy)
  const progress = { sentAll: request.body === undefined || typeof request.body === 'string' }
  try {
    const answer = await send(request.url, {
      dispatcher: agent,
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
      signal: AbortSignal.any([signal, watch.signal]),
    })
    const text = await read(answer.body, answer.headers, policy.answerBytes)
    if (REDIRECTS.has(answer.statusCode)) {
      throw new HttpFault(
        'unusable',
        `the server answered with a redirect (${String(answer.statusCode)}), which is never followed`,
      )
    }
    return { status: answer.statusCode, headers: headersOf(answer.headers), text, json: parseJson(text) }
  } catch (error) {
    signal.throwIfAborted()
    throw asFault(error, watch.signal.aborted, progress.sentAll, policy)
  } finally {
    watch.stop()
  }
}

/** Aborts when nothing has moved for the policy's time; without `progress` calls that is simply a deadline. */
class Watch {
  readonly #controller = new AbortController()
  readonly #clock: Clock
  readonly #policy: Policy
  #armedAt = 0
  #current: AbortSignal | undefined

  constructor(clock: Clock, policy: Policy) {
    this.#clock = clock
    this.#policy = policy
    this.#arm(policy.attempt)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  progress(sentAll: boolean): void {
    if (sentAll) this.#arm(this.#policy.answer ?? this.#policy.attempt)
    // A timer for every chunk of a large gem would be thousands; one a second is as good.
    else if (this.#clock.now() - this.#armedAt > 1000) this.#arm(this.#policy.attempt)
  }

  stop(): void {
    this.#current = undefined
  }

  #arm(idle: number): void {
    const deadline = this.#clock.deadline(idle)
    this.#armedAt = this.#clock.now()
    this.#current = deadline
    const expire = (): void => {
      if (this.#current === deadline) this.#controller.abort()
    }
    deadline.addEventListener('abort', expire, { once: true })
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

async function read(body: AsyncIterable<Uint8Array>, headers: IncomingHttpHeaders, limit: number): Promise<string> {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HttpFault('unusable', 'the server sent a compressed answer although none was asked for')
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) throw new HttpFault('unusable', `the answer is larger than ${String(limit)} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function headersOf(headers: IncomingHttpHeaders): HttpAnswer['headers'] {
  return {
    get(name) {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
])
const TLS = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|HOSTNAME_MISMATCH|INVALID_CA)/

/** Translates whatever undici or a socket threw. Its message is dropped: it may quote a header, a URL or a body. */
function asFault(error: unknown, timedOut: boolean, sentAll: boolean, policy: Policy): Error {
  if (error instanceof HttpFault) return error
  if (error instanceof ReleaseError) return error
  const code = codeOf(error)
  if (timedOut) {
    const idle = sentAll ? (policy.answer ?? policy.attempt) : policy.attempt
    return new HttpFault(sentAll ? 'timeout' : 'unsent', `no complete answer came within ${String(idle / 1000)} s`)
  }
  if (NEVER_CONNECTED.has(code)) return new HttpFault('unreachable', `the server could not be reached (${code})`)
  if (TLS.test(code))
    return new HttpFault('untrusted', `the server's TLS certificate or protocol was refused (${code})`)
  return new HttpFault(sentAll ? 'lost' : 'unsent', `the connection broke${code ? ` (${code})` : ''}`)
}

function codeOf(error: unknown): string {
  for (let next = error; next instanceof Error; next = next.cause) {
    if ('code' in next && typeof next.code === 'string' && /^[A-Z_0-9]+$/.test(next.code)) return next.code
  }
  return ''
}
