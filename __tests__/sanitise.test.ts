import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeLine, safeLines } from '../src/world/sanitise.ts'

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

  it('never holds a line that the runner would act on', () => {
    const nasty = fc.string({
      unit: fc.constantFrom(':', '#', '[', ']', ' ', '\t', '\n', '\r', '\u001b', '\u200b', 'x', '\ufeff', '\u2028'),
    })
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string({ unit: 'binary' })), (text) => {
        for (const line of safeLines(text)) {
          expect(line).not.toMatch(/[\r\n]/)
          expect(line.trim().startsWith('::')).toBe(false)
          expect(line).not.toContain('##[')
        }
      }),
      { numRuns: 3000 },
    )
  })
})
