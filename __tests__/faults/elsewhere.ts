import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Certificate, selfSigned } from './certificate.ts'

/** Makes this process trust the issuers of these certificates. */
export function trust(...certificates: Certificate[]): void {
  setDefaultCACertificates([...getCACertificates('default'), ...certificates.map(({ cert }) => cert)])
}

/** Places a request must not get to, or cannot; whatever arrives there is remembered. */
export class Elsewhere implements AsyncDisposable {
  /** Requests that a server got to read, as `METHOD URL`. */
  readonly received: string[] = []
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  /** Accepts connections and says nothing, as a firewall that drops packets. `onConnection` may end the wait. */
  async silent(onConnection: (socket: Socket) => void): Promise<string> {
    return `https://127.0.0.1:${String(await this.#listen(createTcpServer(onConnection)))}`
  }

  /** A port nobody listens on, nor can: the near end of a connection that stays open. */
  async closedPort(): Promise<string> {
    const socket = connect(await this.#listen(createTcpServer()), '127.0.0.1')
    this.#sockets.add(socket)
    await once(socket, 'connect')
    return `http://127.0.0.1:${String(socket.localPort)}`
  }

  /** A label of more than 63 characters is in no DNS, and no resolver has to be asked. */
  get unresolvable(): string {
    return `http://${'x'.repeat(64)}.invalid`
  }

  /** A server that would answer every question. */
  async http(): Promise<string> {
    const server = createHttpServer((request, response) => {
      this.#receive(request)
      response.end('{}')
    })
    return `http://127.0.0.1:${String(await this.#listen(server))}`
  }

  async https(certificate: Certificate): Promise<string> {
    const server = createTlsServer(certificate, (request, response) => {
      this.#receive(request)
      response.end('{}')
    })
    return `https://127.0.0.1:${String(await this.#listen(server))}`
  }

  /** Servers whose certificates nobody may accept, by what is wrong with them. */
  async badCertificates(): Promise<Record<'tls-unknown-issuer' | 'tls-other-host' | 'tls-expired', string>> {
    const other = selfSigned({ host: 'DNS:gems.example.org' })
    const expired = selfSigned({ host: 'IP:127.0.0.1', notAfter: new Date('2021-01-01T00:00:00Z') })
    trust(other, expired)
    return {
      'tls-unknown-issuer': await this.https(selfSigned({ host: 'IP:127.0.0.1' })),
      'tls-other-host': await this.https(other),
      'tls-expired': await this.https(expired),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(
      this.#servers
        .filter((server) => server.listening)
        .map(async (server) => {
          server.close()
          await once(server, 'close')
        }),
    )
  }

  #receive(request: IncomingMessage): void {
    this.received.push(`${request.method ?? ''} ${request.url ?? ''}`)
    request.resume()
  }

  async #listen(server: Server): Promise<number> {
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server is not listening')
    return address.port
  }
}
