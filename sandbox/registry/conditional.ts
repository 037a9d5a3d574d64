import { createHash } from 'node:crypto'
import type { SandboxRequest, SandboxResponse } from '../messages.ts'

/** rubygems.org app/controllers/application_controller.rb cache_expiry_headers */
export const SHARED_CACHE = {
  'cache-control': 'max-age=60, public',
  'surrogate-control': 'max-age=3600, stale-while-revalidate=1800, stale-if-error=1800',
}

function textOf(answer: SandboxResponse): string {
  return typeof answer.body === 'string' ? answer.body : ''
}

/** Weak and strong tags are compared alike. */
function bare(tag: string): string {
  return tag.trim().replace(/^W\//, '')
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((tag) => tag.trim() === '*' || bare(tag) === bare(etag))
}

/** 304 where the reader has this text already. */
export function conditional(request: SandboxRequest, answer: SandboxResponse): SandboxResponse {
  const etag = answer.headers?.['etag']
  if (answer.status !== 200 || etag === undefined || !matches(request.headers['if-none-match'], etag)) return answer
  return { status: 304, headers: { ...SHARED_CACHE, etag } }
}

/** A JSON answer with the validators Rails gives it. */
export function withEtag(answer: SandboxResponse, modified: string): SandboxResponse {
  const etag = `W/"${createHash('md5').update(textOf(answer)).digest('hex')}"`
  const headers = { ...answer.headers, ...SHARED_CACHE, etag, 'last-modified': new Date(modified).toUTCString() }
  return { ...answer, headers }
}

interface Range {
  start: number
  end: number
}

/** One range, as clients of the compact index ask for; undefined where the header means nothing. */
function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  const [, from = '', to = ''] = match ?? []
  if (!match || (from === '' && to === '')) return undefined
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  return start > end ? 'unsatisfiable' : { start, end }
}

/** The headers of an index file (app/controllers/api/compact_index_controller.rb render_range). */
export function indexFile(text: string): SandboxResponse {
  const digest = createHash('sha256').update(text).digest('base64')
  const headers = {
    ...SHARED_CACHE,
    'content-type': 'text/plain; charset=utf-8',
    etag: `"${createHash('md5').update(text).digest('hex')}"`,
    digest: `sha-256=${digest}`,
    'repr-digest': `sha-256=:${digest}:`,
    'accept-ranges': 'bytes',
  }
  return { status: 200, body: text, headers }
}

/** The part a reader asked for, or 304, or 416, as the CDN in front of the index answers. */
export function ranged(request: SandboxRequest, answer: SandboxResponse): SandboxResponse {
  const whole = conditional(request, answer)
  if (whole.status !== 200) return whole
  const bytes = Buffer.from(textOf(answer))
  const range = parseRange(request.headers.range, bytes.length)
  if (range === undefined) return whole
  const size = String(bytes.length)
  if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${size}` } }
  const { start, end } = range
  const headers = { ...answer.headers, 'content-range': `bytes ${String(start)}-${String(end)}/${size}` }
  return { status: 206, body: bytes.subarray(start, end + 1), headers }
}
