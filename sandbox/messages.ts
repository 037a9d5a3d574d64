import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

/** A request as a sandbox service sees it. */
export interface SandboxRequest {
  method: string
  url: URL
  headers: IncomingHttpHeaders
  /** Reads the whole body; refuses more than `limit` bytes (default 16 MiB). May be called again for the same bytes. */
  body: (limit?: number) => Promise<Buffer>
  /** The body as it arrives, for uploads too large to hold. Use either this or `body`. */
  stream: Readable
}

export interface SandboxResponse {
  status: number
  headers?: Record<string, string>
  body?: string | Buffer | Readable
}

export type Handler = (request: SandboxRequest) => Promise<SandboxResponse> | SandboxResponse

/** What a service remembers of a request, for tests that assert on the wire. */
export interface RecordedRequest {
  service: string
  method: string
  /** Path with query. */
  path: string
  headers: IncomingHttpHeaders
  bodyBytes: number
  bodySha256: string
  /** The body itself where it is at most 1 MiB; empty otherwise. */
  body: Buffer
  /** Status sent, or 0 where a fault ended the exchange without one. */
  status: number
  /** Name of the fault that hit this request. */
  fault?: string
  startedAt: number
  endedAt: number
}
