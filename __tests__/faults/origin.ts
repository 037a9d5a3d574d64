import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createHttp, type Http } from '../../src/world/http.ts'
import { VirtualClock } from './clock.ts'

/** A server that answers as it is told, and our HTTP edge in front of it. */
export class Origin implements AsyncDisposable {
  readonly clock = new VirtualClock()
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; body: Buffer }[] = []
  readonly http: Http
  readonly #server
  readonly #sockets = new Set<Socket>()

  private constructor(answer: (request: IncomingMessage, response: ServerResponse) => void, signals: Signals) {
    this.http = createHttp({ clock: this.clock, log: () => undefined, env: { no_proxy: '*' }, ...signals })
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      const { method = '', url = '', headers } = request
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        this.requests.push({ method, url, headers, body: Buffer.concat(chunks) })
        answer(request, response)
      })
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    signals: Signals = { signal: new AbortController().signal, lastSignal: new AbortController().signal },
  ): Promise<Origin> {
    const origin = new Origin(answer, signals)
    origin.#server.listen(0, '127.0.0.1')
    await once(origin.#server, 'listening')
    return origin
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server is not listening')
    return address.port
  }

  url(path = '/'): URL {
    return new URL(path, `http://127.0.0.1:${String(this.port)}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

interface Signals {
  signal: AbortSignal
  lastSignal: AbortSignal
}
