import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import path from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Certificate, selfSigned } from '../faults/certificate.ts'
import { ConnectProxy } from '../faults/proxy.ts'
import type { RunOptions, ScenarioWorld } from './scenario.ts'

/** The names that a release on GitHub meets; that of the token endpoint is another one in every region. */
export const HOSTS = {
  idTokens: 'pipelines.actions.githubusercontent.com',
  api: 'api.github.com',
  uploads: 'uploads.github.com',
  rubygems: 'rubygems.org',
  otherServer: 'gems.example.com',
  fulcio: 'fulcio.sigstore.dev',
  rekor: 'rekor.sigstore.dev',
} as const

type Role = keyof typeof HOSTS

/**
 * The sandbox under the real names, over TLS: the job reaches it through a proxy, which remembers every name that was
 * asked for. Connections that go around the proxy are noted by a preload in each Node.js process of the job.
 */
export class RealNames implements AsyncDisposable {
  readonly #world: ScenarioWorld
  readonly #front: Server
  readonly #proxy: ConnectProxy
  readonly #sockets = new Set<Socket>()

  private constructor(world: ScenarioWorld, front: Server, proxy: ConnectProxy) {
    this.#world = world
    this.#front = front
    this.#proxy = proxy
  }

  static async over(world: ScenarioWorld): Promise<RealNames> {
    const certificates = new Map(Object.values(HOSTS).map((host) => [host, selfSigned({ host: `DNS:${host}` })]))
    const contexts = new Map([...certificates].map(([host, one]) => [host as string, createSecureContext(one)]))
    const front = createServer({ SNICallback: chooser(contexts) })
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const address = front.address()
    if (address === null || typeof address === 'string') throw new Error('the front is not listening')
    await writeFile(issuersFile(world), [...certificates.values()].map(({ cert }: Certificate) => cert).join(''))
    const names = new RealNames(world, front, await ConnectProxy.start({ to: address.port }))
    front.on('request', (incoming, outgoing) => {
      names.#forward(incoming, outgoing)
    })
    front.on('connection', (socket: Socket) => {
      names.#sockets.add(socket)
    })
    return names
  }

  /** What a job has to be told to meet the world under these names. */
  job(options: RunOptions = {}): RunOptions {
    const { with: inputs, ...rest } = options
    return {
      ...rest,
      with: { 'gem-server': `https://${HOSTS.rubygems}`, ...inputs },
      addresses: { api: `https://${HOSTS.api}`, idTokens: `https://${HOSTS.idTokens}` },
      env: {
        HTTPS_PROXY: `http://127.0.0.1:${String(this.#proxy.port)}`,
        HTTP_PROXY: `http://127.0.0.1:${String(this.#proxy.port)}`,
        NODE_EXTRA_CA_CERTS: issuersFile(this.#world),
        NODE_OPTIONS: `--import=${path.join(import.meta.dirname, 'note-connections.mjs')}`,
        NOTED_CONNECTIONS: notesFile(this.#world),
      },
    }
  }

  /** Hosts that were asked for, each once. */
  get contacted(): string[] {
    const asked = this.#proxy.connects.map((target) => target.replace(/:443$/, ''))
    return [...new Set(asked)].toSorted()
  }

  /** Names and addresses that a process of the job looked up or connected to itself, but for the proxy. */
  get aroundTheProxy(): string[] {
    const lines = readFileSync(notesFile(this.#world), 'utf8').split('\n')
    const proxy = `127.0.0.1:${String(this.#proxy.port)}`
    return lines.filter((line) => line !== '' && line !== `connect ${proxy}` && line !== 'start')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
    for (const socket of this.#sockets) socket.destroy()
    this.#front.close()
    await once(this.#front, 'close')
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { sandbox } = this.#world
    const at: Record<Role, string | undefined> = {
      idTokens: sandbox.oidc.url,
      api: sandbox.github.apiUrl,
      uploads: sandbox.github.apiUrl,
      rubygems: sandbox.registry.url,
      otherServer: sandbox.registry.url,
      fulcio: sandbox.sigstore?.fulcio.url,
      rekor: sandbox.sigstore?.rekor.url,
    }
    const role = roleOf(incoming.headers.host ?? '')
    const target = new URL(`${(role && at[role]) ?? ''}${role === 'uploads' ? '/uploads' : ''}${incoming.url ?? ''}`)
    const headers = { ...incoming.headers, host: target.host }
    const asked = request(target, { method: incoming.method ?? 'GET', headers }, (answer) => {
      if (role === 'api') void withRealUploads(answer, outgoing, target)
      else answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers))
    })
    asked.on('error', () => outgoing.destroy())
    incoming.pipe(asked)
  }
}

function roleOf(host: string): Role | undefined {
  const roles: Role[] = ['idTokens', 'api', 'uploads', 'rubygems', 'otherServer', 'fulcio', 'rekor']
  return roles.find((role) => HOSTS[role] === host)
}

/** GitHub names another host for uploads than for everything else. */
async function withRealUploads(answer: IncomingMessage, outgoing: ServerResponse, target: URL): Promise<void> {
  const chunks: Buffer[] = await answer.toArray()
  const text = Buffer.concat(chunks).toString('utf8')
  const body = text.replaceAll(`${target.origin}/uploads/`, `https://${HOSTS.uploads}/`)
  const { 'content-length': _length, ...headers } = answer.headers
  outgoing.writeHead(answer.statusCode ?? 502, headers).end(body)
}

function chooser(contexts: ReadonlyMap<string, SecureContext>) {
  return (host: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    const context = contexts.get(host)
    done(context ? null : new Error(`nobody is called ${host} here`), context)
  }
}

function issuersFile({ directory }: ScenarioWorld): string {
  return path.join(directory, 'issuers.pem')
}

function notesFile({ directory }: ScenarioWorld): string {
  return path.join(directory, 'connections.txt')
}
