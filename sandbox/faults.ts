import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { RecordedRequest, SandboxResponse } from './messages.ts'

/** The part of an exchange a fault may act on. `handle` runs the real service once for each call. */
export interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  handle: () => Promise<SandboxResponse>
}

export interface Fault {
  /** Stable name, as used by `script/rehearse --fault NAME` and the fault matrix. */
  name: string
  /** Which requests it may hit. */
  on: (request: RecordedRequest) => boolean
  /** How often it hits; `Infinity` for always. */
  times: number
  /** Returns the answer to send, or nothing where it has dealt with the socket itself. */
  play: (exchange: Exchange) => Promise<SandboxResponse | undefined>
}

export type FaultPlay = Fault['play']

/** The faults waiting to strike, in order; the first that matches a request is used up by it. */
export class FaultPlan {
  private faults: Fault[] = []

  add(...faults: Fault[]): void {
    this.faults.push(...faults)
  }

  clear(): void {
    this.faults = []
  }

  take(request: RecordedRequest): Fault | undefined {
    const next = this.faults.find((candidate) => candidate.times > 0 && candidate.on(request))
    if (next) next.times -= 1
    return next
  }
}

async function drain(request: IncomingMessage): Promise<void> {
  for await (const chunk of request) void chunk
}

/** This answer in place of the service's, which never hears of the request. */
export function answer(status: number, body: string | Buffer, headers: Record<string, string> = {}): FaultPlay {
  return async ({ request }) => {
    await drain(request)
    return { status, body, headers: { 'content-type': 'text/plain', ...headers } }
  }
}

/** The service's own success, changed on its way. */
export function altered(change: (real: SandboxResponse, body: string) => SandboxResponse): FaultPlay {
  return async ({ request, handle }) => {
    const real = await handle()
    await drain(request)
    if (real.status >= 300) return real
    const body = typeof real.body === 'string' || Buffer.isBuffer(real.body) ? real.body.toString() : ''
    return change(real, body)
  }
}

/** JSON of the same form in which every value has another type: text becomes numbers, and all else text. */
function otherTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(otherTypes)
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.length : 'something else'
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, otherTypes(inner)]))
}

const HTML = { 'content-type': 'text/html' }
const PAGE = '<!DOCTYPE html><html><head><title>We are experiencing difficulties</title></head><body></body></html>'

async function wholeBody({ body = 'nothing to see' }: SandboxResponse): Promise<Buffer> {
  return typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body) : await buffer(body)
}

/** Starts an answer of `status` and stops at half of `body`: the headers promise more than ever comes. */
function cut(then: (response: ServerResponse) => Promise<void> | void): FaultPlay {
  return async ({ response, handle }) => {
    const real = await handle()
    const body = await wholeBody(real)
    response.writeHead(real.status, { ...real.headers, 'content-length': String(body.length + 1) })
    response.write(body.subarray(0, Math.ceil(body.length / 2)))
    await sleep(20)
    await then(response)
    return undefined
  }
}

/** Made once: packing it takes longer than the exchange. */
let bomb: Buffer | undefined

/** A server that shows what it was sent, as some show in their error pages. */
function echo(status: number): FaultPlay {
  return async ({ request }) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const body = `No: ${request.headers.authorization ?? ''} ${Buffer.concat(chunks).toString('latin1').slice(0, 4096)}`
    return { status, body, headers: { 'content-type': 'text/plain' } }
  }
}

/**
 * Everything a network or a server in trouble does to an exchange, by name.
 * `after` in a name means that the service has done its work before the answer is lost.
 */
export const FAULTS = {
  'reset-before': async ({ request }) => {
    request.socket.resetAndDestroy()
    return undefined
  },
  'reset-unprocessed': async ({ request }) => {
    await drain(request)
    request.socket.resetAndDestroy()
    return undefined
  },
  'reset-after': async ({ request, handle }) => {
    await handle()
    request.socket.resetAndDestroy()
    return undefined
  },
  'close-after': async ({ request, handle }) => {
    await handle()
    request.socket.end()
    request.socket.destroySoon()
    return undefined
  },
  'reset-mid-answer': cut((response) => {
    response.socket?.resetAndDestroy()
  }),
  'close-mid-answer': cut((response) => {
    response.socket?.destroySoon()
  }),
  stall: async ({ request }) => {
    await drain(request)
    return undefined
  },
  'stall-after': async ({ request, handle }) => {
    await handle()
    await drain(request)
    return undefined
  },
  trickle: async ({ request, response }) => {
    await drain(request)
    response.writeHead(200, { 'content-type': 'application/json' })
    while (!response.destroyed) {
      response.write(' ')
      await sleep(100)
    }
    return undefined
  },
  '429-retry-after': answer(429, 'Retry later\n', { 'retry-after': '7' }),
  '429-date': async ({ request }) => {
    await drain(request)
    const at = new Date(Date.now() + 9000).toUTCString()
    return { status: 429, body: 'Retry later\n', headers: { 'retry-after': at, date: new Date().toUTCString() } }
  },
  '429-bare': answer(429, PAGE, HTML),
  '500': answer(500, 'Server error. Please try again.'),
  '500-after': async ({ handle }) => {
    await handle()
    return { status: 500, body: 'Server error. Please try again.', headers: { 'content-type': 'text/plain' } }
  },
  '502-html': answer(502, PAGE, HTML),
  '503-html': answer(503, PAGE, HTML),
  '503-after': async ({ handle }) => {
    await handle()
    return { status: 503, body: PAGE, headers: HTML }
  },
  '504-html': answer(504, PAGE, HTML),
  '403-html': answer(403, PAGE, HTML),
  '200-html': answer(200, PAGE, HTML),
  '200-html-after': async ({ handle }) => {
    await handle()
    return { status: 200, body: PAGE, headers: HTML }
  },
  '520-html': answer(520, PAGE, HTML),
  'empty-success': altered(({ status }) => ({ status, body: '', headers: { 'content-type': 'text/plain' } })),
  'success-cut': altered((real, body) => ({ ...real, body: body.slice(0, Math.floor(body.length / 2)) })),
  'success-other-types': altered((real, body) => ({ ...real, body: JSON.stringify(otherTypes(JSON.parse(body))) })),
  'from-cache': altered((real) => ({ ...real, headers: { ...real.headers, age: '117', 'x-cache': 'HIT, HIT' } })),
  'echo-400': echo(400),
  'echo-500': echo(500),
  'json-truncated': answer(200, '{"value": "eyJ', { 'content-type': 'application/json' }),
  'json-types': answer(200, '{"value": 42, "rubygems_api_key": {}, "sha": [], "object": 7}', {
    'content-type': 'application/json',
  }),
  oversize: async ({ request, response }) => {
    await drain(request)
    response.writeHead(200, { 'content-type': 'application/json' })
    const chunk = Buffer.alloc(1024 * 1024, 0x20)
    for (let sent = 0; sent < 64 && !response.destroyed; sent++) {
      if (!response.write(chunk)) await sleep(5)
    }
    response.end()
    return undefined
  },
  'gzip-bomb': async ({ request }) => {
    await drain(request)
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    bomb ??= gzipSync(Buffer.alloc(32 * 1024 * 1024))
    return { status: 200, body: bomb, headers }
  },
  'duplicate-delivery': async ({ handle }) => {
    await handle()
    return handle()
  },
} satisfies Record<string, FaultPlay>

export type FaultName = keyof typeof FAULTS

/** A redirect to `location`, for the tables of redirect policy. */
export function redirect(status: 301 | 302 | 303 | 307 | 308, location: string): FaultPlay {
  return answer(status, '', { location })
}

/** One of the named faults, aimed at requests whose method and path match. */
export function aim(
  name: FaultName,
  target: { method?: string; path: RegExp },
  times: number = Number.POSITIVE_INFINITY,
): Fault {
  return {
    name,
    times,
    on: (request) => (target.method ?? request.method) === request.method && target.path.test(request.path),
    play: FAULTS[name],
  }
}
