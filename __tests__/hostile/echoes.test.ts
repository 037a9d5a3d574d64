import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutEcho } from '../../src/world/echo.ts'
import { asResponse, describe as describeAnswer } from '../../src/world/http-answer.ts'
import { HttpFault } from '../../src/world/http-fault.ts'
import { Origin } from '../faults/origin.ts'

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: length, maxLength: length })
const word = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'abcXYZ0189_-'.split('')), minLength: length, maxLength: length })
/** The random part of a key, of a token and of a JWT, with what all of their kind begin with. */
const secret = fc.oneof(
  hex(48).map((random) => ({ known: 'rubygems_', random })),
  word(36).map((random) => ({ known: 'ghs_', random })),
  fc.tuple(word(20), word(60), word(40)).map((parts) => ({ known: 'eyJ', random: parts.join('.') })),
  word(16).map((random) => ({ known: '', random })),
)
/** Parts of it, as a server may cut and dress them. */
const piece = fc.tuple(fc.nat(60), fc.integer({ min: 8, max: 120 }), fc.constantFrom(' ', '"', ': ', '\n', '', '<b>'))

/** Whether eight characters in a row of the one are in the other. */
function tells(text: string, random: string): boolean {
  for (let at = 0; at + 8 <= random.length; at++) if (text.includes(random.slice(at, at + 8))) return true
  return false
}

describe('an answer that repeats what it was sent', () => {
  it('keeps nothing of the secret that could be told from chance, and everything else', () => {
    fc.assert(
      fc.property(secret, fc.array(piece, { maxLength: 5 }), ({ known, random }, pieces) => {
        const text = pieces
          .map(([from, length, around]) => `${around}no ${known}${random.slice(from, from + length)}${around}`)
          .join('')
        const safe = withoutEcho(`Denied: ${text}!`, known + random)
        expect(tells(safe, random)).toBe(false)
        expect(safe).toMatch(/^Denied: [^]*!$/)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['rubygems_0123456789abcdef', 'See https://rubygems.org/gems', 'See https://rubygems.org/gems'],
    ['rubygems_0123456789abcdef', 'key rubygems_0123456789abcdef!', 'key ***!'],
    ['rubygems_0123456789abcdef', 'key 0123456789… is 456789abcd', 'key ***… is ***'],
    ['short', 'short and long', '*** and long'],
  ])('%s in %j becomes %j', (value, text, safe) => {
    expect(withoutEcho(text, value)).toBe(safe)
  })

  it.each(['push', 'exchange', 'id-token', 'github'] as const)(
    'of %s is in no error message, through a socket',
    async (edge) => {
      let body = ''
      await using origin = await Origin.start((_request, response) => response.writeHead(403).end(body))
      await fc.assert(
        fc.asyncProperty(secret, fc.array(piece, { minLength: 1, maxLength: 3 }), async ({ known, random }, pieces) => {
          const value = known + random
          body = pieces
            .map(([from, length, around]) => around + value.slice(from, from + length) + around)
            .join(' bad ')
          const request =
            edge === 'exchange'
              ? { method: 'POST' as const, url: origin.url(), body: JSON.stringify({ jwt: value }) }
              : { method: 'GET' as const, url: origin.url(), headers: { authorization: `Bearer ${value}` } }
          const answer = await origin.http.send(edge, request)
          expect(tells(describeAnswer(answer) + inspect(answer.text), random)).toBe(false)
        }),
        { numRuns: 60 },
      )
    },
  )

  it('is whole where it is no error message: what is asked for with a token may begin like that token', async () => {
    const header = Buffer.from('{"alg":"RS256","typ":"JWT","kid":"a"}').toString('base64url')
    const value = `${header}.eyJhdWQiOiJydWJ5Z2Vtcy5vcmcifQ.${'Signature'.repeat(9)}`
    await using origin = await Origin.start((_request, response) => response.end(JSON.stringify({ value })))
    const headers = { authorization: `Bearer ${header}.eyJqdGkiOiIxIn0.${'another-'.repeat(9)}` }
    const answer = await origin.http.send('id-token', { method: 'GET', url: origin.url(), headers })
    expect(answer.json).toEqual({ value })
    await expect(asResponse(answer).json()).resolves.toEqual({ value })
  })

  it.each([
    ['a header that may not be sent', (value: string) => ({ url: '/', authorization: `${value}\nx` })],
    ['an address with a password', (value: string) => ({ url: `//ada:${value}@127.0.0.1/`, authorization: value })],
    ['a header of another alphabet', (value: string) => ({ url: '/', authorization: `${value}ł` })],
  ])('is in no error about %s', async (_, make) => {
    const value = `rubygems_${'0123456789abcdef'.repeat(3)}`
    await using origin = await Origin.start((_request, response) => response.writeHead(400).end('no'))
    const { url, authorization } = make(value)
    const address = new URL(url.replace('127.0.0.1', `127.0.0.1:${String(origin.port)}`), origin.url())
    const outcome: unknown = await origin.http
      .send('exchange', { method: 'GET', url: address, headers: { authorization } })
      .catch((caught: unknown) => caught)
    expect(tells(inspect(outcome), value.slice(9))).toBe(false)
  })

  it('is in no error of a broken connection either', async () => {
    const value = `rubygems_${'0123456789abcdef'.repeat(3)}`
    await using origin = await Origin.start((_request, response) => response.socket?.destroy())
    const error: unknown = await origin.http
      .send('push', { method: 'POST', url: origin.url(`/${value}`), headers: { authorization: value } })
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(HttpFault)
    expect(tells(inspect(error), value.slice(9))).toBe(false)
  })
})
