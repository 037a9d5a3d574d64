import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const DOCS = path.resolve(import.meta.dirname, '../docs')
const rows = readFileSync(path.join(DOCS, 'threat-model.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| T\d+ \|/.test(line))
  .map((line) => {
    const [, id = '', threat = '', answer = '', code = '', tests = ''] = line.split('|').map((cell) => cell.trim())
    return { id, threat, answer, code: linksIn(code), tests: linksIn(tests) }
  })

/** Paths below the repository's root that a cell links to. */
function linksIn(cell: string): string[] {
  return [...cell.matchAll(/\]\(\.\.\/([^)#]+)\)/g)].map(([, target = '']) => target)
}

describe('the threat model', () => {
  it('speaks of every threat once', () => {
    const ids = rows.map(({ id }) => Number(id.slice(1))).toSorted((one, other) => one - other)
    expect(ids).toEqual(Array.from({ length: 41 }, (_, index) => index + 1))
  })

  it.each(rows)('$id says what is done, and names code and tests that are there', ({ threat, answer, code, tests }) => {
    expect(threat.length).toBeGreaterThan(10)
    expect(answer).toMatch(/^(closed|limit)\b[^:]{0,60}: \S/)
    for (const links of [code, tests]) expect(links).not.toEqual([])
    expect(code.filter((name) => !/^(src|script)\/.*\.ts$/.test(name))).toEqual([])
    expect(tests.filter((name) => !/^__tests__\/.*\.test\.ts$/.test(name))).toEqual([])
    expect([...code, ...tests].filter((name) => !existsSync(path.join(DOCS, '..', name)))).toEqual([])
  })
})
