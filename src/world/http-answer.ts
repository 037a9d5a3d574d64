import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { type Dispatcher, Response } from 'undici'
import { HttpFault } from './http-fault.ts'

export interface HttpAnswer {
  status: number
  headers: { get(name: string): string | undefined }
  /** The body without what it repeats of the secrets that the request carried: the only form that may be quoted. */
  text: string
  /** The body as it came. */
  bytes: Uint8Array
  /** The body as it came, as JSON; undefined where it is none. */
  json: unknown
}

/** Whether it is a web page, which no API sends: something that stands before it does. */
export function isPage({ text }: HttpAnswer): boolean {
  return /^\s*</.test(text)
}

/** `503 (an HTML page)`, `429 "Retry later"`: the server's own words where they are short text. */
export function describe(answer: HttpAnswer): string {
  if (isPage(answer)) return `the answer was ${String(answer.status)} with an HTML page`
  const first = answer.text.trim().split('\n')[0] ?? ''
  const words = first
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 200)
    .replace(LONG_WORD, (word) => (looksSecret(word) ? '…' : word))
  return `the answer was ${String(answer.status)}${words ? ` ${JSON.stringify(words)}` : ''}`
}

const LONG_WORD = /[\w+/=.~-]{24,}/g

/** Names, versions and addresses are long words too, but of parts; keys and tokens are one, or of mixed letters. */
function looksSecret(word: string): boolean {
  return /\w{24,}/.test(word) || (/[A-Z]/.test(word) && /[a-z]/.test(word) && /\d/.test(word))
}

/**
 * The answer for a client that expects what `fetch` gives. Of the undici that is loaded anyway: Node's own `Response`
 * would load a second one, which takes 20 ms.
 */
export function asResponse(answer: HttpAnswer): Response {
  // A page is not the API's, and a client would quote all of it.
  if (isPage(answer)) return Response.json({ message: 'an HTML page' }, { status: answer.status })
  const type = answer.headers.get('content-type')
  const empty = answer.status === 204 || answer.status === 205 || answer.status === 304
  // Of a refusal a client may make an error's message.
  const body = answer.status < 400 ? Buffer.from(answer.bytes) : answer.text
  return new Response(empty ? null : body, {
    status: answer.status,
    headers: type ? { 'content-type': type } : {},
  })
}

/** The whole body. Throws HttpFault (`unusable`) where it is compressed or larger than `limit` bytes. */
export async function readBody(answer: Dispatcher.ResponseData, limit: number): Promise<Buffer> {
  const { body, headers } = answer
  const tooLarge = new HttpFault('unusable', `the answer is larger than ${String(limit)} bytes`)
  refuseCompressed(answer)
  if (Number(headers['content-length'] ?? 0) > limit) {
    abandon(body)
    throw tooLarge
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * Hands the body on as it comes, until `receive` has had enough, and keeps nothing of it. Throws HttpFault (`unusable`)
 * where it is compressed.
 */
export async function pourBody(
  answer: Dispatcher.ResponseData,
  receive: (chunk: Uint8Array) => boolean,
): Promise<Buffer> {
  refuseCompressed(answer)
  for await (const chunk of answer.body) if (!receive(chunk)) break
  return Buffer.alloc(0)
}

function refuseCompressed({ body, headers }: Dispatcher.ResponseData): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return
  abandon(body)
  throw new HttpFault('unusable', 'the server sent a compressed answer although none was asked for')
}

/** Lets go of an answer nobody will read, and of its connection with it. */
function abandon(body: Readable): void {
  body.on('error', () => undefined).destroy()
}

export function headersOf(headers: IncomingHttpHeaders): HttpAnswer['headers'] {
  return {
    get(name) {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}
