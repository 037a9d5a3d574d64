import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { findCredential, mergeCredentials } from '../../src/rubygems/credentials-text.ts'
import { type Case, generated, spellings } from './credentials-cases.ts'
import { lineParser, lineParserKey, lineParserLookup } from './credentials-line-parser.ts'

/**
 * For each case, as `gem push` does it: the configuration read from a file with the text, and the key that
 * `Gem::GemcutterUtilities#api_key` finds for the server. One process for all cases, because Ruby takes long to start.
 */
const PROBE = String.raw`
require 'json'
require 'rubygems/gemcutter_utilities'
class Push
  include Gem::GemcutterUtilities
  attr_accessor :host, :options
end
path = Gem.configuration.credentials_path
read = lambda do |text|
  File.binwrite(path, text)
  File.chmod(0600, path)
  Gem.configuration = Gem::ConfigFile.new(['--norc'])
  Gem.configuration.load_file(path)
end
puts JSON.generate(JSON.parse($stdin.read).map do |(server, before, after)|
  plain = lambda { |hash| hash.to_a.map { |key, value| [key.inspect, value.inspect] } }
  old = plain.(read.(before))
  new = plain.(read.(after))
  push = Push.new
  push.host = server
  push.options = {}
  # A number, true or a symbol would do for neither header nor comparison: only text stays text here.
  [push.api_key, Gem.configuration.rubygems_api_key].map { |key| key.is_a?(String) ? key : [key.inspect] } + [old, new]
end)
`

const RUBYGEMS = ':rubygems_api_key'
const RUBYGEMS_ORG = 'https://rubygems.org'
const NEW = 'rubygems_0a1b'

/** Text that is YAML only by luck. */
const scrap = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      ': ',
      ':',
      ' ',
      '\n',
      '\n',
      '"',
      "'",
      '#',
      '-',
      '---',
      '...',
      '\r\n',
      '{',
      '[',
      '&',
      '*',
      '!',
      '|',
      '>',
      '%',
      '@',
      '`',
      ',',
      '?',
      '~',
      '=',
      'é',
      '\\',
      '\\"',
      'a: b\n',
      'c: "d"\n',
      ':s: x\n',
      '/',
      '1',
      '.',
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''))

function mergeOrRefuse(text: string): string | undefined {
  try {
    return mergeCredentials(text, RUBYGEMS, NEW)
  } catch (error) {
    if (error instanceof ReleaseError) return undefined
    throw error
  }
}

const home = mkdtempSync(join(tmpdir(), 'credentials-ruby-'))
afterAll(() => rmSync(home, { recursive: true }))

type Entries = [key: string, value: string][]
type Answer = [key: unknown, rubygems: unknown, before: Entries, after: Entries]

function askRuby(cases: [server: string, before: string, after: string][]): { answers: Answer[]; warnings: string } {
  mkdirSync(join(home, '.gem'), { recursive: true })
  execFileSync('touch', [join(home, '.gem', 'credentials')])
  const env = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8' }
  // Standard error joins the output, so that a warning of RubyGems ("Failed to load ...") cannot pass unseen.
  const script = `$stderr = File.open(File.join(ENV['HOME'], 'warnings'), 'w')\n${PROBE}\n$stderr.flush`
  const options = { env, input: JSON.stringify(cases), encoding: 'utf8', maxBuffer: 1 << 28 } as const
  const answers: Answer[] = JSON.parse(execFileSync('ruby', ['-rrubygems', '-e', script], options))
  return { answers, warnings: execFileSync('cat', [join(home, 'warnings')], { encoding: 'utf8' }) }
}

/** The ways Ruby prints the spellings of the case's key, which are the entries that may change. */
function ownKeys({ key }: Case): Set<string> {
  const texts = spellings(key).map((spelling) => spelling.trim().replaceAll(/^["']|["']$/g, ''))
  return new Set(
    [...texts.map((text) => JSON.stringify(text)), ':rubygems_api_key'].filter(
      (name) => key.startsWith(':') || name !== ':rubygems_api_key',
    ),
  )
}

function others(entries: Entries, own: Set<string>): Entries {
  return entries.filter(([name]) => !own.has(name))
}

describe('RubyGems reads what is written', () => {
  it('for a thousand generated files: the secret for the server, every other key unchanged', () => {
    const cases = fc.sample(generated, { numRuns: 1500, seed: 20_240 })
    const { answers, warnings } = askRuby(
      cases.map(({ server, key, secret, text }) => [server, text, mergeCredentials(text, key, secret)]),
    )
    expect(answers).toHaveLength(cases.length)
    const read = answers.map(([found, rubygems, , after], index) => {
      const item = cases[index]
      return item && [item.text, found, item.key === RUBYGEMS ? rubygems : '-', others(after, ownKeys(item))]
    })
    const intended = answers.map(([, , before], index) => {
      const item = cases[index]
      return item && [item.text, item.secret, item.key === RUBYGEMS ? item.secret : '-', others(before, ownKeys(item))]
    })
    expect(read).toEqual(intended)
    expect(answers.filter(([, , before]) => before.length > 1).length).toBeGreaterThan(300)
    // Files with nothing in them are the one thing it warns of, and that is before the merge.
    const empty = cases.filter(({ lines }) => lines.every(({ text }) => /^(?:---.*| *#.*| *)$/.test(text))).length
    expect(warnings.match(/Failed to load/g) ?? []).toHaveLength(empty)
  })

  it('whatever text is accepted: no file is taken that RubyGems would not load', () => {
    const accepted = fc.sample(scrap, { numRuns: 20_000, seed: 7 }).flatMap((text): [string, string, string][] => {
      const merged = mergeOrRefuse(text)
      return merged === undefined ? [] : [[RUBYGEMS_ORG, text, merged]]
    })
    expect(accepted.length).toBeGreaterThan(1000)
    const { answers } = askRuby(accepted)
    const own = new Set([RUBYGEMS])
    const read = answers.map(([found, , , after], index) => [accepted[index], found, others(after, own)])
    expect(read).toEqual(answers.map(([, , before], index) => [accepted[index], NEW, others(before, own)]))
    const misread = accepted.filter(([server, , merged]) => lineParserLookup(merged, server) !== NEW)
    expect(misread).toEqual([])
  })

  it('finds in an existing file what gem push would send', () => {
    const cases = fc.sample(generated, { numRuns: 1500, seed: 3 }).filter(({ lines }) => lines.some(({ own }) => own))
    const { answers } = askRuby(cases.map(({ server, text }) => [server, text, text]))
    const both = cases.flatMap((item, index): { text: string; sent: string; found: string | undefined }[] => {
      const [sent, , entries] = answers[index] ?? []
      const found = findCredential(item.text, item.key)
      // Psych misses spellings that only the line parser knows, and then sends RubyGems.org's key, or none.
      const known = item.key === RUBYGEMS || entries?.some(([name]) => name === JSON.stringify(item.key))
      return known && typeof sent === 'string' ? [{ text: item.text, sent, found: found ?? '' }] : []
    })
    expect(both.map(({ text, found }) => [text, found])).toEqual(both.map(({ text, sent }) => [text, sent]))
    expect(both.length).toBeGreaterThan(200)
  })
})

describe("RubyGems' line parser reads what is written", () => {
  it('for any generated file, and every other key unchanged', () => {
    fc.assert(
      fc.property(generated, (item) => {
        const after = mergeCredentials(item.text, item.key, item.secret)
        expect(lineParserLookup(after, item.server)).toBe(item.secret)
        const own = new Set(spellings(item.key).map((key) => lineParserKey(key)))
        const rest = (text: string): unknown[] => [...lineParser(text)].filter(([key]) => !own.has(key))
        expect(rest(after)).toEqual(rest(item.text))
      }),
      { numRuns: 3000 },
    )
  })

  it('differs from Psych as described, or the cases above prove nothing', () => {
    expect(lineParser('"https://a.example": x').has('https://a.example')).toBe(false)
    expect(lineParser('https://a.example/: x').get('https://a.example')).toBe('x')
    expect(lineParser('https://a__example: x').get('https://a.example')).toBe('x')
    expect(lineParser('a: "1234"').get('a')).toBe(1234)
    expect(lineParser('a: no_false').get('a')).toBe(false)
    expect(lineParser('a: "b: c"').size).toBe(0)
    expect(lineParser('a:  x').get('a')).toBe(' x')
  })
})
