import * as fc from 'fast-check'
import { marked, type Token } from 'marked'
import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import type { GemRecord, LedgerRecord } from '../../src/ledger.ts'
import { summary } from '../../src/summary.ts'
import { MISLEADING } from './characters.ts'

/** Text that would be a link, a picture, HTML, a table, a heading or a fence if it were taken for Markdown. */
const FRAGMENTS = [
  '` `` ``` ```` ~~~ | \\ \\| [ ] ( ) ![ ]( < > <b> </details> <!-- # ## - * ** _ ~~ $ @octocat #1 &lt; &#96; x'.split(
    ' ',
  ),
  ['\n', '\n\n', '\r', '\t', ' ', '    ', '\u001b[31m', '\u202e', '\u200b', '\u0000', '\u2028'],
  [
    '[x](https://evil.example)',
    '![x](https://evil.example/x.png)',
    '<img src=x>',
    'https://evil.example',
    'www.evil.example',
  ],
  [
    '\n```\n',
    '\n~~~\n',
    '\n---\n',
    '\n# Verified\n',
    '\n| a | b |\n| - | - |\n',
    '[x]: https://evil.example\n',
    '<https://evil.example>',
  ],
].flat()
const foreign = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 12 }).map((parts) => parts.join(''))
/** What the registry and our reader of gems let through. */
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)

const published: fc.Arbitrary<GemRecord> = fc
  .record({ name, status: fc.constantFrom('pushed' as const, 'already-published' as const) })
  .map((gem) => ({
    ...gem,
    version: '1.2.3',
    platform: 'ruby',
    ...SIZE,
    url: `https://rubygems.org/gems/${gem.name}/versions/1.2.3`,
  }))
const unpublished: fc.Arbitrary<GemRecord> = fc
  .record({ name: foreign, version: foreign, platform: foreign, file: foreign, sha256: foreign, url: foreign })
  .map((gem) => ({ ...gem, status: 'failed', size: 1, attested: false }))
const SIZE = { file: 'x.gem', sha256: 'f'.repeat(64), size: 5120, attested: true }

const record: fc.Arbitrary<LedgerRecord> = fc.record({
  server: fc.constant('https://rubygems.org'),
  repository: fc.constant('octo/rack-lens'),
  commit: fc.constant('c'.repeat(40)),
  gems: fc.array(fc.oneof(published, unpublished), { maxLength: 3 }),
  tags: fc.array(foreign, { maxLength: 2 }),
  releaseUrl: fc.constant(''),
  finished: fc.boolean(),
})
const failure = fc
  .record({ what: foreign, why: foreign, fix: foreign })
  .map((texts) => new ReleaseError({ code: 'build-failed', ...texts }))

/** Everything in a document that is more than text and code, as `type: text`. */
function nodes(markdown: string): string[] {
  const found: string[] = []
  void marked.walkTokens(marked.lexer(markdown, { gfm: true }), (token: Token) => {
    if (token.type === 'link') found.push(`link: ${String(token['href'])}`)
    else if (!PLAIN.has(token.type)) found.push(`${token.type}: ${token.raw.trim()}`)
  })
  return found
}

/** Number of rows of each table. */
function rowsOf(markdown: string): number[] {
  return marked
    .lexer(markdown)
    .flatMap((token) => ('rows' in token && Array.isArray(token.rows) ? [token.rows.length] : []))
}

const PLAIN = new Set(['space', 'text', 'paragraph', 'codespan', 'code', 'table', 'escape'])
const FOLD = 'html: <details><summary>Check it yourself</summary>'

function expected({ gems }: LedgerRecord, failed: boolean): string[] {
  const links = gems.filter(({ status }) => status !== 'failed').map(({ url }) => `link: ${url}`)
  const headings = failed ? ['heading: ## Release failed', 'heading: ### build-failed'] : ['heading: ## Release']
  return [...headings, ...links, ...(links.length > 0 ? [FOLD, 'html: </details>'] : [])]
}

describe('the job summary', () => {
  it('holds no link, picture, HTML, heading or table row but its own, whatever the texts are', () => {
    fc.assert(
      fc.property(record, fc.option(failure, { nil: undefined }), (of, error) => {
        const markdown = summary(of, [], error)
        expect(nodes(markdown).toSorted()).toEqual(expected(of, error !== undefined).toSorted())
        expect(rowsOf(markdown)).toEqual(of.gems.length > 0 ? [of.gems.length] : [])
      }),
      { numRuns: 4000 },
    )
  })

  it('holds no control, bidirectional or invisible character', () => {
    fc.assert(
      fc.property(record, failure, (of, error) => {
        expect(summary(of, [], error)).not.toMatch(MISLEADING)
      }),
      { numRuns: 2000 },
    )
  })

  it('would hold them if the texts were Markdown, or the cases above prove nothing', () => {
    const kinds = fc
      .sample(foreign, { numRuns: 3000, seed: 7 })
      .flatMap((text) => nodes(text).map((node) => node.split(':')[0]))
    expect([...new Set(kinds)]).toEqual(expect.arrayContaining(['link', 'image', 'html', 'heading']))
  })
})
