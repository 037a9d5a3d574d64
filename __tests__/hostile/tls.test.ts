import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer as createTcpServer, connect } from 'node:net'
import path from 'node:path'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttp, type HttpRequest } from '../../src/world/http.ts'
import { type Edge, POLICIES } from '../../src/world/retry.ts'
import { certificate, type Certificate, selfSigned } from '../faults/certificate.ts'
import { VirtualClock } from '../faults/clock.ts'
import { trust } from '../faults/elsewhere.ts'
import { prebuilt } from '../scenarios/prebuilt.ts'
import { expectGreen, newWorld, type Ran } from '../scenarios/scenario.ts'

const HERE = { host: 'IP:127.0.0.1' } as const
const KEY = `rubygems_${'0123456789abcdef'.repeat(3)}`
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvIn0.c2lnbmF0dXJl'

const root = selfSigned({ host: 'DNS:root.example' })
const stranger = selfSigned({ host: 'DNS:stranger.example' })
const leaf = certificate({ ...HERE, issuer: root, ca: false })
const narrow = certificate({ host: 'DNS:narrow.example', issuer: root, permitted: '10.0.0.0/255.0.0.0' })

/** What OpenSSL would otherwise not let a server do. */
const WEAK: TlsOptions = { ciphers: 'DEFAULT:@SECLEVEL=0' }

const WRONG: Record<string, TlsOptions> = {
  'signs itself': selfSigned(HERE),
  'comes from an unknown authority': certificate({ ...HERE, issuer: stranger, ca: false }),
  'is for another address': certificate({ host: 'IP:127.0.0.2', issuer: root, ca: false }),
  'is for another name': certificate({ host: 'DNS:rubygems.org', issuer: root, ca: false }),
  'has expired': certificate({ ...HERE, issuer: root, ca: false, notAfter: new Date('2021-01-01T00:00:00Z') }),
  'is not valid yet': certificate({ ...HERE, issuer: root, ca: false, notBefore: new Date('2048-01-01T00:00:00Z') }),
  'is for clients': certificate({ ...HERE, issuer: root, ca: false, purpose: 'client' }),
  'comes from an authority for other addresses': chain(certificate({ ...HERE, issuer: narrow, ca: false }), narrow),
  'comes from somebody who is no authority': chain(certificate({ ...HERE, issuer: leaf, ca: false }), leaf),
  'has a key that can be guessed': { ...certificate({ ...HERE, issuer: root, ca: false, rsaBits: 1024 }), ...WEAK },
}

/** Servers that are what they should be, but for the protocol. */
const OLD: TlsOptions = { ...leaf, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ...WEAK }

function chain(own: Certificate, above: Certificate): TlsOptions {
  return { cert: own.cert + above.cert, key: own.key }
}

/** What a server got to read, in clear; nothing as long as nobody trusts it. */
interface Listener extends AsyncDisposable {
  url: URL
  read: string[]
}

async function listen(options: TlsOptions): Promise<Listener> {
  const read: string[] = []
  const server = createTlsServer(options, (socket) => {
    socket.on('data', (data) => {
      read.push(data.toString())
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}')
    })
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: addressOf(server), read, [Symbol.asyncDispose]: () => closed(server) }
}

function addressOf(server: ReturnType<typeof createTcpServer>): URL {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server is not listening')
  return new URL(`https://127.0.0.1:${String(address.port)}/`)
}

async function closed(server: ReturnType<typeof createTcpServer>): Promise<void> {
  server.close()
  await once(server, 'close')
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('gem!')
}

function requestOf(edge: Edge, url: URL): HttpRequest {
  const headers = { authorization: KEY }
  if (edge === 'push') return { method: 'POST', url, headers, body: { bytes: 4, chunks } }
  return edge === 'exchange'
    ? { method: 'POST', url, headers, body: JSON.stringify({ jwt: JWT }) }
    : { method: 'GET', url, headers }
}

const { signal } = new AbortController()
const http = createHttp({ clock: new VirtualClock(), signal, lastSignal: signal, log: () => undefined, env: {} })

/** How a request failed; null where it got an answer. */
async function failure(edge: Edge, url: URL): Promise<unknown> {
  return http.send(edge, requestOf(edge, url)).then(
    () => null,
    (error: unknown) => error,
  )
}

const EDGES = Object.keys(POLICIES).filter((name): name is Edge => name in POLICIES)
const servers = new Map<string, Listener>()

beforeAll(async () => {
  trust(root)
  for (const [wrong, options] of Object.entries(WRONG)) servers.set(wrong, await listen(options))
  servers.set('speaks TLS 1.1 only', await listen(OLD))
})

afterAll(async () => {
  await http.close()
  for (const server of servers.values()) await server[Symbol.asyncDispose]()
})

describe('a server whose certificate or protocol', () => {
  it.each([...Object.keys(WRONG), 'speaks TLS 1.1 only'].flatMap((wrong) => EDGES.map((edge) => ({ wrong, edge }))))(
    '$wrong gets nothing of $edge to read',
    async ({ wrong, edge }) => {
      const server = servers.get(wrong)
      if (!server) throw new Error(wrong)
      const error = await failure(edge, server.url)
      expect(error).toMatchObject({ name: 'HttpFault', kind: 'untrusted' })
      expect(inspect(error)).toContain("the server's TLS certificate or protocol was refused")
      expect(inspect(error)).not.toMatch(/rubygems_|eyJ/)
      expect(server.read).toEqual([])
    },
  )

  it.each(EDGES)('is right gets the request of %s', async (edge) => {
    await using server = await listen(leaf)
    expect(await failure(edge, server.url)).toBeNull()
    expect(server.read.join('')).toContain(KEY)
  })
})

describe('a server that breaks the handshake off', () => {
  it.each([
    ['speaks no TLS', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['says half a record', '\u0016\u0003\u0003\u0000\u007a\u0002'],
    ['says nothing', ''],
  ])('%s: nothing was sent', async (_, words) => {
    const read: Buffer[] = []
    const server = createTcpServer((socket) => {
      socket.once('data', (data: Buffer) => {
        read.push(data)
        socket.end(Buffer.from(words, 'latin1'))
      })
      socket.on('error', () => socket.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const errors = new Map<Edge, unknown>()
    for (const edge of EDGES) errors.set(edge, await failure(edge, addressOf(server)))
    await closed(server)
    for (const error of errors.values()) expect(error).toMatchObject({ name: 'HttpFault' })
    // After either of these a push may be repeated blindly.
    expect(errors.get('push')).toMatchObject({ kind: expect.toBeOneOf(['untrusted', 'unsent']) })
    expect(Buffer.concat(read).toString('latin1')).not.toMatch(/rubygems_|eyJ|POST/)
  })
})

/** The sandbox's registry behind TLS, and a release to it with these variables. */
async function releaseThroughTls(shown: Certificate, env: (file: string) => Record<string, string>): Promise<Ran> {
  await using world = await newWorld()
  await world.repository()
  const port = Number(new URL(world.sandbox.registry.url).port)
  const front = createTlsServer(shown, (socket) => {
    const behind = connect(port, '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    for (const end of [socket, behind]) end.on('error', () => end.destroy())
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  const file = path.join(world.directory, 'ca.pem')
  await writeFile(file, root.cert)
  const url = addressOf(front).origin
  const ran = await world.run(prebuilt(undefined, { with: { 'gem-server': url, tag: 'false' }, env: env(file) }))
  await closed(front)
  return ran
}

describe('the shipped action and TLS', () => {
  it('believes an authority of NODE_EXTRA_CA_CERTS', async () => {
    const ran = await releaseThroughTls(leaf, (file) => ({ NODE_EXTRA_CA_CERTS: file }))
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ status: 'pushed', sha256: ran.gems[0]?.sha256 }])
  })

  it('is not talked out of it by NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
    const { error, step, log } = await releaseThroughTls(leaf, () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }))
    expect(error).toMatch(/^registry-unavailable: /)
    expect(error).toContain('TLS certificate or protocol was refused')
    expect(step.outputs).toMatchObject({ published: 'false' })
    expect(log).not.toContain('Exchange')
  })
})
