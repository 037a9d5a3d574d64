import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, FaultPlan } from './faults.ts'
import type { Handler, RecordedRequest, SandboxRequest, SandboxResponse } from './messages.ts'

export interface ServerOptions {
  /** Names the service in recordings: `registry`, `github`, `oidc`, `git`. */
  service: string
  /** Milliseconds that every request waits before it is handled. */
  latencyMs?: number
  /** Upload bandwidth of each connection in bytes per second; unlimited when absent. */
  uploadBytesPerSecond?: number
  /** Where requests are recorded; share one array to see the order across services. */
  requests?: RecordedRequest[]
  faults?: FaultPlan
  /** What the `Date` of answers is read from; the machine's own clock when absent. */
  clock?: () => Date
  /** Fixed port, for a world whose URL must outlive the process; a free one when absent. */
  port?: number
}

const KEPT_BODY_BYTES = 1024 * 1024

/** An HTTP server on a free loopback port that records every request and can misbehave on demand. */
export class SandboxServer implements AsyncDisposable {
  readonly requests: RecordedRequest[]
  readonly faults: FaultPlan
  private readonly handler: Handler
  private readonly options: ServerOptions
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  private constructor(handler: Handler, options: ServerOptions) {
    this.handler = handler
    this.options = options
    this.requests = options.requests ?? []
    this.faults = options.faults ?? new FaultPlan()
    this.server = createServer({ keepAlive: true }, (request, response) => {
      this.serve(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
        response.end(`sandbox ${options.service} failed: ${String(error)}\n`)
      })
    })
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
  }

  static async start(handler: Handler, options: ServerOptions): Promise<SandboxServer> {
    const server = new SandboxServer(handler, options)
    server.server.listen(options.port ?? 0, '127.0.0.1')
    await once(server.server, 'listening')
    return server
  }

  /** Origin without trailing slash, such as `http://127.0.0.1:40123`. */
  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error(`${this.options.service} is not listening`)
    return `http://127.0.0.1:${String(address.port)}`
  }

  inject(...faults: Fault[]): void {
    this.faults.add(...faults)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const record = this.record(request)
    const fault = this.faults.take(record)
    if (fault) record.fault = fault.name
    response.on('close', () => {
      record.endedAt = Date.now()
    })
    if (this.options.latencyMs) await sleep(this.options.latencyMs)
    const view = this.view(request, record)
    const answers: SandboxResponse[] = []
    const handle = async (): Promise<SandboxResponse> => {
      const made = await this.handler(answers.length === 0 ? view : again(view, record))
      answers.push(made)
      return made
    }
    const answer = fault ? await fault.play({ request, response, handle }) : await handle()
    if (answer) {
      await this.send(response, answer)
      record.status = answer.status
    } else request.resume()
    // An answer that a fault keeps back holds its file open.
    for (const { body } of answers) if (body instanceof Readable) body.destroy()
  }

  private async send(response: ServerResponse, answer: SandboxResponse): Promise<void> {
    const { body } = answer
    if (this.options.clock) response.setHeader('date', this.options.clock().toUTCString())
    if (typeof body === 'string' || Buffer.isBuffer(body) || body === undefined) {
      const bytes = Buffer.from(body ?? '')
      response.writeHead(answer.status, { 'content-length': String(bytes.length), ...answer.headers })
      response.end(bytes)
      return
    }
    response.writeHead(answer.status, answer.headers)
    await new Promise<void>((resolve, reject) => {
      body.on('error', reject)
      response.on('close', () => {
        body.destroy()
        resolve()
      })
      body.pipe(response)
    })
  }

  private record(request: IncomingMessage): RecordedRequest {
    const record: RecordedRequest = {
      service: this.options.service,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      bodyBytes: 0,
      bodySha256: '',
      body: Buffer.alloc(0),
      status: 0,
      startedAt: Date.now(),
      endedAt: 0,
    }
    this.requests.push(record)
    const hash = createHash('sha256')
    const kept: Buffer[] = []
    // The push override sees every chunk even when the handler streams the body elsewhere or a fault never reads it.
    const emit = request.push.bind(request)
    request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk === null) {
        record.bodySha256 = hash.copy().digest('hex')
        record.body = Buffer.concat(kept)
      } else {
        record.bodyBytes += chunk.length
        hash.update(chunk)
        if (record.bodyBytes <= KEPT_BODY_BYTES) kept.push(Buffer.from(chunk))
        else kept.length = 0
      }
      return emit(chunk, encoding)
    }
    return record
  }

  private view(request: IncomingMessage, record: RecordedRequest): SandboxRequest {
    let whole: Promise<Buffer> | undefined
    const rate = this.options.uploadBytesPerSecond
    const stream = rate ? Readable.from(paced(request, rate)) : request
    return {
      method: record.method,
      url: new URL(record.path, this.url),
      headers: request.headers,
      stream,
      body: (limit = 16 * 1024 * 1024) => (whole ??= readAll(stream, limit)),
    }
  }
}

/** The same request once more; a body that was streamed comes from the recording, if it is small enough to be in it. */
function again(view: SandboxRequest, record: RecordedRequest): SandboxRequest {
  if (record.bodyBytes > KEPT_BODY_BYTES) return view
  return { ...view, stream: Readable.from([record.body]) }
}

/** Hands the body on no faster than `rate` bytes per second, whoever reads it. */
async function* paced(request: AsyncIterable<Buffer>, rate: number): AsyncGenerator<Buffer> {
  const started = Date.now()
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    const due = started + (size / rate) * 1000
    if (due > Date.now()) await sleep(due - Date.now())
    yield chunk
  }
}

async function readAll(stream: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) throw new Error(`body larger than ${String(limit)} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
