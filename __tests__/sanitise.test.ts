import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCommand, WORKFLOW_COMMANDS } from '../sandbox/runner/command.ts'
import { LineSplitter, splitLines } from '../sandbox/runner/lines.ts'
import { safeLine, safeLines } from '../src/world/sanitise.ts'

/** Commands in both syntaxes, between all that starts a line, is trimmed, is taken out, or comes in two halves. */
const FRAGMENTS = [
  [':', '::', '#', '##', '##[', '[', ']', ' ', '\t', '\n', '\r', '\r\n', '\v', '\f', '\u0085', '\u2028', '\u2029'],
  [
    '\u001b',
    '\u001b[',
    '\u001b[0m',
    '\u001b]8;;',
    '\u0007',
    '\u009b',
    '\u0000',
    '\u200b',
    '\ufeff',
    '\u00a0',
    '\u3000',
  ],
  ['\u202e', 'name=x', 'x', '%0A', '\ud800', 'rubygems_0123456789abcdef0', 'eyJaaaaaaaa.eyJaaaaaaaa.a'],
].flat()
const command = fc
  .tuple(
    fc.constantFrom('::', '##['),
    fc.constantFrom(...WORKFLOW_COMMANDS),
    fc.constantFrom('::', ']', ' name=x::', ' name=x]'),
  )
  .map((parts) => parts.join(''))
const foreign = fc.oneof(
  fc
    .array(fc.oneof({ arbitrary: fc.constantFrom(...FRAGMENTS), weight: 3 }, command), { maxLength: 8 })
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
)

describe('foreign text in the log', () => {
  it.each([
    ['::error::boom', ': :error::boom'],
    ['   ::set-output name=x::y', '   : :set-output name=x::y'],
    ['##[error]boom', '## [error]boom'],
    ['text ##[group]x', 'text ## [group]x'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]8;;https://example.com\u0007link\u001b]8;;\u0007', 'link'],
    ['\u001b::error::boom', ':error::boom'],
    ['\u001b[0m::error::boom', ': :error::boom'],
    ['abc\u202edef', 'abcdef'],
    ['a\u0000b\u0008c', 'abc'],
    ['std::vector', 'std::vector'],
    ['tab\there', 'tab\there'],
  ])('%j is shown as %j', (text, shown) => {
    expect(safeLine(text)).toBe(shown)
  })

  it('is cut where a line is too long, and says by how much', () => {
    expect(safeLine('x'.repeat(5000))).toMatch(/^x{4096} \[… 904 more characters\]$/)
  })

  it('never holds a key or a token', () => {
    expect(safeLine(`as ghs_123456_eyJ${'hb-G'.repeat(9)}.eyJ${'p'.repeat(40)}.${'s-_'.repeat(30)}, then`)).toBe(
      'as ghs_…, then',
    )
    expect(safeLine(`key rubygems_${'ab'.repeat(24)} of ghs_${'x'.repeat(36)}`)).toBe('key rubygems_… of ghs_…')
    expect(safeLine('jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvIn0.c2lnbmF0dXJl!')).toBe('jwt eyJ…!')
    expect(safeLine('rubygems_mfa_required, rubygems_api_key')).toBe('rubygems_mfa_required, rubygems_api_key')
  })

  it.each([
    '-eyJ',
    'eyJ.',
    '\u001b]',
    '\u001b[0',
    '\u001bP',
    'rubygems_',
    ' ',
    ':',
    '##',
    '\ud800',
    'ghs_aaaaaaaaaaaaaaa-',
  ])('is made of 64 KB of %j in a moment', (part) => {
    const text = part.repeat(65_536 / part.length)
    const rounds = Array.from({ length: 5 }, () => {
      const before = performance.now()
      safeLine(text)
      return performance.now() - before
    })
    // It takes one; what would look at each pair of characters takes over a thousand. The others may have been interrupted.
    expect(Math.min(...rounds)).toBeLessThan(50)
  })

  it('never holds a line that the runner would act on, as its own two parsers read it', () => {
    const acted: string[] = []
    fc.assert(
      fc.property(foreign, (text) => {
        const shown = safeLines(text)
        const printed = [...shown, ...shown.map((line) => `| ${line}`)]
        const lines: string[] = []
        const runner = new LineSplitter((line) => lines.push(line))
        runner.write(Buffer.from(`${printed.join('\n')}\n`))
        runner.end()
        if (lines.length !== printed.length || lines.some((line) => parseCommand(line) !== undefined)) acted.push(text)
        return acted.length === 0
      }),
      { numRuns: 100_000 },
    )
    expect(acted).toEqual([])
  })

  it('would hold such lines if it were shown as it is, or the case above proves nothing', () => {
    const commands = fc
      .sample(foreign, { numRuns: 5000, seed: 1 })
      .filter((text) => splitLines(text).some((line) => parseCommand(line) !== undefined))
    expect(commands.length).toBeGreaterThan(500)
  })
})
