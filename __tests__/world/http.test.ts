import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HttpRequest } from '../../src/world/http.ts'
import { describe as describeAnswer } from '../../src/world/http-answer.ts'
import { type Edge, POLICIES } from '../../src/world/retry.ts'
import { Origin } from '../faults/origin.ts'
import { AT_ONCE } from '../../src/world/traffic.ts'

const EDGES: readonly Edge[] = ['id-token', 'exchange', 'preflight', 'push', 'verify', 'github', 'index']
const KEY = `rubygems_${'0123456789abcdef'.repeat(3)}`

/** A request as that edge makes it. */
function requestOf(edge: Edge, url: URL): HttpRequest {
  const headers = { authorization: KEY }
  if (edge === 'push') return { method: 'POST', url, headers, body: { bytes: 4, chunks } }
  return edge === 'exchange' ? { method: 'POST', url, headers, body: '{"jwt":"x"}' } : { method: 'GET', url, headers }
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('gem!')
}

describe('redirects', () => {
  const LOCATIONS: Record<string, (other: Origin, self: Origin) => string> = {
    'another path': () => '/elsewhere',
    'another port': (other) => other.url('/x').href,
    'another name of the host': (other) => `http://localhost:${String(other.port)}/x`,
    'another scheme': (other) => `https://127.0.0.1:${String(other.port)}/x`,
    'a URL with a password': (other) => `http://user:secret@127.0.0.1:${String(other.port)}/x`,
    'a URL without a scheme': (other) => `//127.0.0.1:${String(other.port)}/x`,
    'where it came from': (_other, self) => self.url().href,
    'no URL at all': () => 'ht!tp:///[',
  }
  const table = EDGES.flatMap((edge) =>
    [301, 302, 303, 307, 308].flatMap((status) =>
      Object.keys(LOCATIONS).map((location) => ({ edge, status, location })),
    ),
  )

  it.each(table)('$status to $location is not followed by $edge', async ({ edge, status, location }) => {
    await using other = await Origin.start((_request, response) => response.end('{}'))
    await using self = await Origin.start((_request, response) => {
      response.writeHead(status, { location: LOCATIONS[location]?.(other, self) ?? '' }).end('{"moved": true}')
    })
    const error: unknown = await self.http.send(edge, requestOf(edge, self.url())).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'HttpFault', kind: 'redirected' })
    expect(self.requests).toHaveLength(1)
    expect(other.requests).toEqual([])
    expect(inspect(error)).not.toContain('secret')
  })
})

describe('the size of an answer', () => {
  const limit = POLICIES.exchange.answerBytes

  it.each([
    ['with its length', (body: string) => ({ 'content-length': String(body.length) })],
    ['in chunks', () => ({})],
  ])('is limited to what the policy says, %s', async (_how, headers) => {
    await using origin = await Origin.start((request, response) => {
      const body = ' '.repeat(Number(request.url?.slice(1)))
      response.writeHead(200, headers(body)).end(body)
    })
    const answer = await origin.http.send('exchange', { method: 'GET', url: origin.url(`/${String(limit)}`) })
    expect(answer.text).toHaveLength(limit)
    const more = origin.http.send('exchange', { method: 'GET', url: origin.url(`/${String(limit + 1)}`) })
    await expect(more).rejects.toMatchObject({ kind: 'unusable' })
  })

  it.each(['gzip', 'deflate', 'br', 'zstd', 'GZIP, identity'])('is not to be inflated: %s', async (encoding) => {
    await using origin = await Origin.start((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync('{}'))
    })
    const sent = origin.http.send('verify', { method: 'GET', url: origin.url() })
    await expect(sent).rejects.toMatchObject({ kind: 'unusable' })
    expect(origin.requests[0]?.headers['accept-encoding']).toBe('identity')
  })

  it('that is refused gives its connection back, however often', async () => {
    await using origin = await Origin.start((request, response) => {
      if (request.url === '/good') response.end('{}')
      else response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(Buffer.alloc(1_000_000)))
    })
    for (let time = 0; time < 40; time++) {
      await expect(origin.http.send('verify', { method: 'GET', url: origin.url() })).rejects.toThrow('compressed')
    }
    const answer = await origin.http.send('verify', { method: 'GET', url: origin.url('/good') })
    expect(answer.json).toEqual({})
  })
})

describe('an upload', () => {
  it('announces its length and is sent as it is', async () => {
    await using origin = await Origin.start((_request, response) => response.end('ok'))
    await origin.http.send('push', requestOf('push', origin.url()))
    expect(origin.requests).toMatchObject([{ body: Buffer.from('gem!'), headers: { 'content-length': '4' } }])
    expect(origin.requests[0]?.headers['user-agent']).toMatch(/^release-gem\//)
  })

  it('that breaks off by itself never arrives', async () => {
    await using origin = await Origin.start((_request, response) => response.end('ok'))
    const reason = new Error('changed')
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ge')
      throw reason
    }
    const body = { bytes: 4, chunks: broken }
    const sent = origin.http.send('push', { method: 'POST', url: origin.url(), body })
    await expect(sent).rejects.toMatchObject({ name: 'HttpFault', kind: 'unsent' })
    expect(origin.requests).toEqual([])
  })
})

/** What became of a request some turns of the event loop after it was aborted. */
async function afterAbort(sending: Promise<unknown>, abort: () => void): Promise<unknown> {
  let outcome: unknown = 'still waiting'
  sending.then(
    () => (outcome = 'answered'),
    (error: unknown) => (outcome = error),
  )
  abort()
  for (let turns = 0; turns < 20; turns++) await turn()
  return outcome
}

describe('cancellation', () => {
  const reason = new Error('cancelled')

  it.each(EDGES.filter((edge) => edge !== 'push'))('ends %s at once', async (edge) => {
    const stop = new AbortController()
    const signals = { signal: stop.signal, lastSignal: new AbortController().signal }
    await using origin = await Origin.start(() => undefined, signals)
    const sending = origin.http.send(edge, requestOf(edge, origin.url()))
    while (origin.requests.length === 0) await turn()
    expect(await afterAbort(sending, () => stop.abort(reason))).toBe(reason)
  })

  it('lets a push end, but not for ever', async () => {
    const [stop, abandon] = [new AbortController(), new AbortController()]
    await using origin = await Origin.start(() => undefined, { signal: stop.signal, lastSignal: abandon.signal })
    const sending = origin.http.send('push', requestOf('push', origin.url()))
    while (origin.requests.length === 0) await turn()
    expect(await afterAbort(sending, () => stop.abort(reason))).toBe('still waiting')
    expect(await afterAbort(sending, () => abandon.abort(reason))).toBe(reason)
  })

  it('lets no push begin that has waited for others to end', async () => {
    const [stop, abandon] = [new AbortController(), new AbortController()]
    await using origin = await Origin.start(() => undefined, { signal: stop.signal, lastSignal: abandon.signal })
    const others = Array.from({ length: AT_ONCE }, () => origin.http.send('verify', requestOf('verify', origin.url())))
    const ended = Promise.allSettled(others)
    while (origin.requests.length < AT_ONCE) await turn()
    const sending = origin.http.send('push', requestOf('push', origin.url()))
    expect(await afterAbort(sending, () => stop.abort(reason))).toMatchObject({ kind: 'unsent' })
    await ended
    expect(origin.requests).toHaveLength(AT_ONCE)
  })

  it('does not wait for a connection that is being made, and closing ends it', { timeout: 8_000 }, async () => {
    const reached: Socket[] = []
    const silent = createServer((socket) => reached.push(socket)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const stop = new AbortController()
    const origin = await Origin.start(() => undefined, { signal: stop.signal, lastSignal: stop.signal })
    const url = new URL(`https://127.0.0.1:${String(port)}`)
    const sending = origin.http.send('exchange', { method: 'POST', url, body: '{}' })
    while (reached.length === 0) await turn()
    expect(await afterAbort(sending, () => stop.abort(reason))).toBe(reason)
    const closed = reached.map((socket) => once(socket.resume(), 'close'))
    await origin[Symbol.asyncDispose]()
    // undici would keep the connection, and the process, for ten seconds.
    await Promise.all(closed)
    silent.close()
    expect(reached).toHaveLength(1)
  })
})

function answerOf(status: number, text: string) {
  return { status, text, bytes: Buffer.from(text), json: undefined, headers: { get: () => undefined } }
}

describe('texts about answers', () => {
  const secret = fc.oneof(
    fc.constant(KEY),
    fc.stringMatching(/^[A-Za-z0-9_-]{20,40}\.[A-Za-z0-9_-]{40,80}\.[A-Za-z0-9_-]{40,80}$/),
    fc.stringMatching(/^gh[ps]_[A-Za-z0-9]{36}$/),
    fc.stringMatching(/^[0-9a-f]{40,64}$/),
  )

  it('quote no token, wherever in the answer it stands', () => {
    fc.assert(
      fc.property(
        secret,
        fc.string(),
        fc.string(),
        fc.constantFrom(400, 401, 422, 500),
        (token, before, after, status) => {
          const text = `${before} ${token} ${after}`
          const said = describeAnswer(answerOf(status, text))
          // The first 200 characters are quoted; a token that is cut there is as secret as a whole one.
          const pieces = Array.from({ length: token.length - 23 }, (_, at) => token.slice(at, at + 24))
          expect(pieces.filter((piece) => said.includes(piece))).toEqual([])
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['It appears that nokogiri-1.18.0-x86_64-linux-gnu did not finish pushing.'],
    ['Please sign up for an account at https://rubygems.org/sign_up/for-an-account'],
    ['You are not allowed to push this gem.'],
  ])('quote the registry’s own words: %s', (text) => {
    expect(describeAnswer(answerOf(403, text))).toContain(text)
  })

  it.each(EDGES)('never hold the credential that was sent with %s', async (edge) => {
    await using origin = await Origin.start((request, response) => {
      response.writeHead(400).end(`short: ${String(request.headers.authorization)}`)
    })
    const headers = { authorization: 'Bearer hunter2-short' }
    const answer = await origin.http.send(edge, { ...requestOf(edge, origin.url()), headers })
    expect(inspect(answer)).not.toContain('hunter2')
    expect(describeAnswer(answer)).toContain('***')
  })
})
