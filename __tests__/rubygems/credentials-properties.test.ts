import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { findCredential, mergeCredentials } from '../../src/rubygems/credentials-text.ts'
import { generated } from './credentials-cases.ts'

const KEY = ':rubygems_api_key'
const NEW = 'rubygems_0123abcd'

function outcome(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    if (error instanceof ReleaseError) return error.code
    throw error
  }
}

function split(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function valueOf(line = ''): string {
  return line.slice(line.lastIndexOf(': '))
}

describe('for any file', () => {
  it('what was merged is found, and every other line is where and what it was', () => {
    fc.assert(
      fc.property(generated, ({ key, secret, text, lines }) => {
        const merged = mergeCredentials(text, key, secret)
        expect(findCredential(merged, key)).toBe(secret)
        const before = split(text)
        const after = split(merged)
        expect(before).toHaveLength(lines.length)
        const eol = before[0]?.endsWith('\r\n') ? '\r\n' : '\n'
        const endings = before.map((line, index) => {
          const completed = index === before.length - 1 && after.length > before.length
          return /\r?\n$/.exec(line)?.[0] ?? (completed ? eol : '')
        })
        const kept = lines.map((line, index) => (line.own ? 'own' : line.text + endings[index]))
        expect(after.slice(0, before.length).map((line, index) => (lines[index]?.own ? 'own' : line))).toEqual(kept)
        const own = after.filter((_, index) => lines[index]?.own).map((line) => valueOf(line.trimEnd()))
        expect([`: ${secret}`, `: "${secret}"`]).toEqual(expect.arrayContaining(own))
        const added = after.slice(before.length).join('')
        expect(added).toBeOneOf(['', `---\n${added.slice(4)}`, `${key}: ${secret}${eol}`, `${key}: "${secret}"${eol}`])
      }),
      { numRuns: 2000 },
    )
  })

  it('a second run only replaces the value', () => {
    fc.assert(
      fc.property(generated, ({ key, secret, text }) => {
        expect(mergeCredentials(mergeCredentials(text, key, NEW), key, secret)).toBe(
          mergeCredentials(text, key, secret),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('two servers do not disturb each other', () => {
    fc.assert(
      fc.property(generated, ({ key, secret, text }) => {
        const both = mergeCredentials(mergeCredentials(text, key, secret), 'https://second.example', NEW)
        expect(findCredential(both, key)).toBe(secret)
        expect(findCredential(both, 'https://second.example')).toBe(NEW)
      }),
      { numRuns: 500 },
    )
  })

  it('text that is not accepted is refused with the one code, whatever it is', () => {
    const fragment = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '"',
      "'",
      '#',
      '-',
      '---',
      '...',
      '\r',
      '{',
      '&',
      '\t',
      'é',
      '\\',
    )
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
        expect(outcome(() => findCredential(mergeCredentials(parts.join(''), KEY, NEW), KEY))).toBeOneOf([
          NEW,
          'credentials-file',
        ])
      }),
      { numRuns: 5000 },
    )
  })
})
