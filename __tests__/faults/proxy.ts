import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface ProxyOptions {
  /** What it says to a CONNECT; `200` opens the tunnel. */
  status?: number
  /** Closes the connection in place of an answer. */
  resets?: boolean
  /** Where every tunnel leads, whatever was asked for. */
  to?: number
}

/** An HTTP proxy for tunnels that remembers all it sees: who was asked for, with which headers, and every byte. */
export class ConnectProxy implements AsyncDisposable {
  readonly connects: string[] = []
  readonly heads: string[] = []
  /** What clients sent through the tunnels. */
  readonly relayed: Buffer[] = []
  readonly #options: ProxyOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(options: ProxyOptions) {
    this.#options = options
    this.#server = createServer((socket) => {
      this.#keep(socket)
      socket.once('data', (head: Buffer) => {
        this.#answer(socket, head.toString('latin1'))
      })
    })
  }

  static async start(options: ProxyOptions = {}): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy is not listening')
    return address.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #answer(client: Socket, head: string): void {
    this.heads.push(head)
    this.connects.push(/^CONNECT (\S+) HTTP/.exec(head)?.[1] ?? `no tunnel: ${head.split('\r\n')[0] ?? ''}`)
    const { status = 200, resets = false, to } = this.#options
    if (resets) client.resetAndDestroy()
    else if (status !== 200 || to === undefined)
      client.end(`HTTP/1.1 ${String(status)} No\r\ncontent-length: 0\r\n\r\n`)
    else this.#tunnel(client, to)
  }

  #tunnel(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.on('data', (bytes: Buffer) => this.relayed.push(bytes))
      client.pipe(server).pipe(client)
    })
    this.#keep(server)
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}
