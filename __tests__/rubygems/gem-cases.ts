import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { ReleaseError } from '../../src/errors.ts'
import type { Problem } from '../../src/errors.ts'
import { readGem } from '../../src/rubygems/gem-file.ts'
import type { GemFile } from '../../src/rubygems/gem-file.ts'
import { readWithRuby } from './gem-builder.ts'
import type { RubyReading, RubySpecification } from './gem-builder.ts'

/** The bytes of a gem, and the rule that refuses it or, without one, that it reads exactly as Ruby reads it. */
export type Case = readonly [title: string, bytes: () => Buffer, refusal?: RegExp]

/** A private directory for the tests of a file, removed after them. */
export function temporaryDirectory(): { readonly path: string } {
  const directory = { path: '' }
  beforeAll(async () => {
    directory.path = await mkdtemp(path.join(tmpdir(), 'gem-file-'))
  })
  afterAll(async () => {
    await rm(directory.path, { recursive: true })
  })
  return directory
}

/** What Ruby can say too of what was read. */
export function rubyView(gem: GemFile): RubySpecification {
  const { name, version, originalPlatform, prerelease } = gem
  const dependencies = gem.dependencies.map(({ requirement, type, ...rest }) => ({
    name: rest.name,
    requirement,
    type,
  }))
  return { name, version, originalPlatform, metadata: Object.fromEntries(gem.metadata), dependencies, prerelease }
}

/** The one problem a gem is refused with. Fails when it is read, or anything but a ReleaseError is thrown. */
export async function refusal(reading: Promise<unknown>): Promise<Problem> {
  const error: unknown = await reading.then(
    (gem) => gem,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ReleaseError)) throw new Error('not refused, or not by a ReleaseError', { cause: error })
  expect(error.problems).toHaveLength(1)
  return error.problems[0]
}

/** Defines one test for each case. Ruby reads all gems that must read the same in one process. */
export function checkCases(cases: readonly Case[]): void {
  const directory = temporaryDirectory()
  const readings = new Map<string, RubyReading>()
  const file = (name: string): string =>
    path.join(directory.path, `${String(cases.findIndex(([title]) => title === name))}.gem`)
  const refused = cases.flatMap(([name, , rule]) => (rule ? [{ name, rule }] : []))
  const read = cases.flatMap(([name, , rule]) => (rule ? [] : [{ name }]))
  beforeAll(async () => {
    for (const [name, bytes] of cases) await writeFile(file(name), bytes())
    const found = await readWithRuby(read.map(({ name }) => file(name)))
    for (const [index, { name }] of read.entries()) readings.set(name, found[index] ?? { error: 'none' })
  })

  test.each(refused)('$name', async ({ name, rule }) => {
    const copyTo = `${file(name)}.copy`
    const { code, what, fix } = await refusal(readGem(file(name), { copyTo }))
    expect(what).toMatch(rule)
    expect(code).toBe('gem-invalid')
    // Names the file, and holds nothing a log could take for a command or a terminal for a control.
    expect(what).toMatch(/^The file "\d+\.gem" is not a gem that can be released: [\x20-\x7e…]{5,250}\.$/)
    expect(fix).toMatch(/gem build|build the gem again/)
    await expect(rm(copyTo)).rejects.toThrow('ENOENT')
  })

  test.each(read)('$name (read as Ruby reads it)', async ({ name }) => {
    expect({ spec: rubyView(await readGem(file(name))) }).toEqual(readings.get(name))
  })
}
