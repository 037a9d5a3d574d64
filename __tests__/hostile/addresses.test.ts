import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { type Inputs, readInputs } from '../../src/inputs.ts'
import { allowsPushTo, isLoopback } from '../../src/server.ts'
import { RecordedRunner } from '../recorded-runner.ts'

const SECRET = 's3cr3tPARTofAtoken'

const host = fc.oneof(
  fc.constantFrom(
    'rubygems.org',
    'RUBYGEMS.org',
    'rubygems.org.evil.example',
    'gems.example.com',
    'localhost',
    '127.0.0.1',
    '127.1',
    '[::1]',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
    '2130706433',
    'localhost.evil.example',
    'xn--rubygms-0ya.org',
    'rubygems.org.',
    '',
  ),
  fc.domain(),
)
const address = fc
  .record({
    scheme: fc.constantFrom('https://', 'http://', 'HTTPS://', 'ftp://', 'file://', 'javascript:', '//', ''),
    user: fc.constantFrom('', '', `${SECRET}@`, `ada:${SECRET}@`),
    host,
    port: fc.constantFrom('', '', ':443', ':80', ':8443', ':99999'),
    path: fc.constantFrom('', '', '/', `/${SECRET}`, `/${SECRET}/`, '/..', `\\${SECRET}`),
    rest: fc.constantFrom('', '', `?key=${SECRET}`, `#${SECRET}`, '?'),
  })
  .map(({ scheme, user, host: name, port, path, rest }) => scheme + user + name + port + path + rest)
const anything = fc.oneof({ arbitrary: address, weight: 8 }, fc.string(), fc.webUrl())

type Outcome = { inputs: Inputs } | { refused: ReleaseError }

function read(inputs: Record<string, string>): Outcome {
  try {
    return { inputs: readInputs(new RecordedRunner(inputs, { GITHUB_WORKSPACE: '/workspace' })) }
  } catch (error) {
    if (error instanceof ReleaseError) return { refused: error }
    throw error
  }
}

describe('the address of a gem server', () => {
  it('is an origin that is safe to send a key to, or refused without repeating what may be secret in it', () => {
    let taken = 0
    fc.assert(
      fc.property(anything, fc.constantFrom('', 'rubygems.org', 'gems.example.com'), (server, audience) => {
        const outcome = read({ 'gem-server': server, audience })
        const said = 'refused' in outcome ? JSON.stringify(outcome.refused.problems) : ''
        expect(said).not.toContain(SECRET)
        if ('refused' in outcome) return
        taken += 1
        const { inputs } = outcome
        const url = new URL(inputs.server.origin)
        expect(url.protocol === 'https:' || isLoopback(url)).toBe(true)
        expect([url.username, url.password, url.pathname, url.search, url.hash]).toEqual(['', '', '/', '', ''])
        expect(url.origin).toBe(inputs.server.origin)
        const { authentication } = inputs
        const given = 'audience' in authentication ? authentication.audience : ''
        // A token for RubyGems.org goes nowhere else.
        const stays = inputs.server.kind === 'loopback' || inputs.server.origin === 'https://rubygems.org'
        expect(given !== 'rubygems.org' || stays).toBe(true)
        expect(inputs.server.kind !== 'rubygems.org' || inputs.server.origin === 'https://rubygems.org').toBe(true)
      }),
      { numRuns: 10_000 },
    )
    expect(taken).toBeGreaterThan(200)
  })

  it('is where a gem may go only if that is what the gem allows', () => {
    fc.assert(
      fc.property(address, fc.constantFrom('https://rubygems.org', 'https://gems.example.com'), (allowed, server) => {
        const outcome = read({ 'gem-server': server })
        if (!('inputs' in outcome) || !allowsPushTo(allowed, outcome.inputs.server)) return
        const url = URL.parse(allowed)
        expect(url?.origin ?? `https://${allowed}`).toBe(server)
      }),
      { numRuns: 5000 },
    )
  })
})
