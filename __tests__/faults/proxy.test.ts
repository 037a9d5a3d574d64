import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttp, type Http } from '../../src/world/http.ts'
import type { HttpAnswer } from '../../src/world/http-answer.ts'
import type { Edge } from '../../src/world/retry.ts'
import { selfSigned } from './certificate.ts'
import { VirtualClock } from './clock.ts'
import { Elsewhere, trust } from './elsewhere.ts'
import { ConnectProxy } from './proxy.ts'

const HOST = 'gems.example.test'
const KEY = `rubygems_${'c0ffee'.repeat(8)}`
const PASSWORD = 'correct-horse'

let elsewhere: Elsewhere
/** Port of a TLS server whose certificate is for HOST; no DNS leads to it. */
let secure: number
/** Origins on loopback. */
let local: { http: string; https: string }
beforeAll(async () => {
  elsewhere = new Elsewhere()
  const gems = selfSigned({ host: `DNS:${HOST}` })
  const loopback = selfSigned({ host: 'IP:127.0.0.1' })
  trust(gems, loopback)
  secure = Number(new URL(await elsewhere.https(gems)).port)
  local = { http: await elsewhere.http(), https: await elsewhere.https(loopback) }
})
afterAll(async () => {
  await elsewhere[Symbol.asyncDispose]()
})

async function withHttp<T>(env: Record<string, string>, use: (http: Http) => Promise<T>): Promise<T> {
  const { signal } = new AbortController()
  const http = createHttp({ clock: new VirtualClock(), signal, lastSignal: signal, log: () => undefined, env })
  try {
    return await use(http)
  } finally {
    await http.close()
  }
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('gem!')
}

function push(http: Http, origin: string): Promise<HttpAnswer> {
  const url = new URL('/api/v1/gems', origin)
  return http.send('push', { method: 'POST', url, headers: { authorization: KEY }, body: { bytes: 4, chunks } })
}

const at = ({ port }: ConnectProxy, user = ''): string => `http://${user}127.0.0.1:${String(port)}`

describe('a proxy', () => {
  it('is asked for a tunnel, with its password, and sees nothing of what goes through', async () => {
    await using proxy = await ConnectProxy.start({ to: secure })
    const env = { HTTPS_PROXY: at(proxy, `ada:${PASSWORD}@`) }
    const answer = await withHttp(env, (http) => push(http, `https://${HOST}`))
    expect(answer.status).toBe(200)
    expect(proxy.connects).toEqual([`${HOST}:443`])
    expect(proxy.heads[0]).toContain(`Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`)
    const seen = proxy.heads.join('') + Buffer.concat(proxy.relayed).toString('latin1')
    expect(seen).not.toContain(KEY)
    expect(seen).not.toContain('/api/v1/gems')
    expect(proxy.relayed.length).toBeGreaterThan(0)
  })

  it.each([
    ['https_proxy', ['https_proxy']],
    ['HTTPS_PROXY', ['HTTPS_PROXY']],
    ['the lower-case one of both', ['https_proxy', 'HTTPS_PROXY']],
  ])('is found in %s', async (_where, names) => {
    await using proxy = await ConnectProxy.start({ to: secure })
    await using other = await ConnectProxy.start({ status: 502 })
    const env = Object.fromEntries(names.map((name, index) => [name, at(index === 0 ? proxy : other)]))
    await withHttp(env, (http) => push(http, `https://${HOST}`))
    expect([proxy.connects, other.connects]).toEqual([[`${HOST}:443`], []])
  })

  it('may be named without a scheme, as others read it', async () => {
    await using proxy = await ConnectProxy.start({ to: secure })
    const env = { HTTPS_PROXY: `127.0.0.1:${String(proxy.port)}` }
    await withHttp(env, (http) => push(http, `https://${HOST}`))
    expect(proxy.connects).toEqual([`${HOST}:443`])
  })

  it.each([`http://ada:${PASSWORD}%@proxy:3128`, `socks5://ada:${PASSWORD}@proxy:1080`, `http://${PASSWORD}:x:y`])(
    'that cannot be one is refused, and not shown: %s',
    async (value) => {
      const failure: unknown = await withHttp({ https_proxy: value }, async () => undefined).catch((e: unknown) => e)
      expect(failure).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(/^https_proxy in the/) })
      expect(inspect(failure)).not.toContain(PASSWORD)
    },
  )

  it.each(['http', 'https', 'localhost', '[::1]'] as const)('is not used for loopback: %s', async (kind) => {
    await using proxy = await ConnectProxy.start({ to: secure })
    const port = new URL(local.http).port
    const origins = { ...local, localhost: `http://localhost:${port}`, '[::1]': `http://[::1]:${port}` }
    const env = { HTTPS_PROXY: at(proxy), HTTP_PROXY: at(proxy), https_proxy: at(proxy), http_proxy: at(proxy) }
    await withHttp(env, (http) => push(http, origins[kind]).catch(() => undefined))
    expect(proxy.connects).toEqual([])
  })

  const TABLE: readonly [noProxy: string, used: boolean][] = [
    ['', true],
    ['example.org', true],
    [HOST, false],
    [HOST.toUpperCase(), false],
    ['example.test', false],
    ['.example.test', false],
    ['*.example.test', false],
    ['ample.test', true],
    ['*', false],
    [`${HOST}:443`, false],
    [`${HOST}:8443`, true],
    [`other.test, ${HOST}`, false],
    [`other.test ${HOST}`, false],
  ]

  it.each(TABLE)('with NO_PROXY=%j is used for the gem server: %j', async (noProxy, used) => {
    await using proxy = await ConnectProxy.start({ to: secure })
    const env = { HTTPS_PROXY: at(proxy), NO_PROXY: noProxy }
    // Without the proxy there is no way to this host: its name is in no DNS.
    await withHttp(env, (http) => push(http, `https://${HOST}`).catch(() => undefined))
    expect(proxy.connects).toHaveLength(used ? 1 : 0)
  })

  it.each([
    ['407', { status: 407 }],
    ['502', { status: 502 }],
    ['a reset', { resets: true }],
  ])('that answers with %s is a fault of the connection, whose text has no password', async (_what, options) => {
    await using proxy = await ConnectProxy.start(options)
    const env = { HTTPS_PROXY: at(proxy, `ada:${PASSWORD}@`) }
    const error = await withHttp(env, (http) => push(http, `https://${HOST}`).catch((caught: unknown) => caught))
    expect(error).toMatchObject({ name: 'HttpFault', kind: 'unsent' })
    const text = inspect(error, { depth: 9 })
    expect(text).not.toContain(PASSWORD)
    expect(text).not.toContain(Buffer.from(`ada:${PASSWORD}`).toString('base64'))
    expect(text).not.toContain(KEY)
  })

  it('cannot stand in for the server: its certificate is looked at through the tunnel', async () => {
    const twin = Number(new URL(await elsewhere.https(selfSigned({ host: `DNS:${HOST}` }))).port)
    await using proxy = await ConnectProxy.start({ to: twin })
    const before = elsewhere.received.length
    const edges: readonly Edge[] = ['exchange', 'verify']
    for (const edge of edges) {
      const sent = withHttp({ HTTPS_PROXY: at(proxy) }, (http) =>
        http.send(edge, { method: 'GET', url: new URL(`https://${HOST}/x`), headers: { authorization: KEY } }),
      )
      await expect(sent).rejects.toMatchObject({ kind: 'untrusted' })
    }
    expect(elsewhere.received).toHaveLength(before)
  })
})

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  it('does not make a stranger’s certificate acceptable', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const origin = await elsewhere.https(selfSigned({ host: 'IP:127.0.0.1' }))
      const sent = withHttp({}, (http) => push(http, origin))
      await expect(sent).rejects.toMatchObject({ kind: 'untrusted' })
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
  })
})
