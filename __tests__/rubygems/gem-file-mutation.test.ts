import { writeFile } from 'node:fs/promises'
import path from 'node:path'

import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { readGem } from '../../src/rubygems/gem-file.ts'
import { dependency, gemBytes, readWithRuby, specification } from './gem-builder.ts'
import type { RubySpecification } from './gem-builder.ts'
import { refusal, rubyView, temporaryDirectory } from './gem-cases.ts'

const directory = temporaryDirectory()

/** What is read, or undefined for a refusal. Fails for anything that is neither. */
async function read(file: string): Promise<RubySpecification | undefined> {
  const reading = readGem(file).then(rubyView)
  return reading.catch(async () => {
    const { code, what } = await refusal(reading)
    if (code !== 'gem-invalid') throw new Error(`${code}: ${what}`)
    return undefined
  })
}

/** Replaces `removed` bytes at a place, given as a part of the whole, by others. */
interface Mutation {
  at: number
  removed: number
  added: Uint8Array
}
// Not a double: most of those between 0 and 1 are next to 0.
const place = fc.noBias(fc.nat({ max: 9999 })).map((part) => part / 10_000)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 4 }),
  fc
    .constantFrom('\0'.repeat(512), 'metadata.gz\0', '\u001f\u008b', '77777777777', '5', '2', 'x')
    .map((text) => Buffer.from(text, 'latin1')),
)
// Never more than twice the input, so that the work of each case is bounded by the size of the gem.
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: place,
  removed: fc.constantFrom(0, 1, 2, 4, 512, 1024),
  added: bytes,
})

function mutate(whole: Buffer, { at, removed, added }: Mutation): Buffer {
  const start = Math.floor(at * whole.length)
  return Buffer.concat([whole.subarray(0, start), added, whole.subarray(start + removed)])
}

const VALID = gemBytes({ yaml: specification({ dependencies: dependency('rake', [['>=', '1.0']]) }) })

test('a gem with changed bytes is refused, or is the same gem', async () => {
  const file = path.join(directory.path, 'changed.gem')
  await writeFile(file, VALID)
  const unchanged = await read(file)
  expect(unchanged).toBeDefined()
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      await writeFile(file, mutations.reduce(mutate, VALID))
      expect([unchanged, undefined]).toContainEqual(await read(file))
    }),
    { numRuns: 500 },
  )
})

/** What means something to YAML, to Psych or to RubyGems. */
const PIECES = [
  '\n|\n  |\n- | |: |- |? |#| #|\'|"|\\|\t|\r|\u0085|\u2028|\u2029|&a |*a|!x |! |!!str |!binary |{|}|[|]|,|>|%|@|`|~|=|_|0|.|-',
  '---\n|...\n|name: evil\n|"name": evil\n|<<: |{a: b}|  version: 2\n|:a|\'\'|\ufeff|\0|\u00e9|\u{1f600}|null|true|1.10|0x1f',
  '2024-01-01|!ruby/object:Gem::Version |!<x> |? name\n: evil\n|[a, b]|\\n|\n\n|""|\u00a0|%TAG ! x\n',
].flatMap((pieces) => pieces.split('|'))
// These hold the separator.
PIECES.push('|', '|-\n  ')
const text = fc.tuple(
  fc.constantFrom(
    specification(),
    specification({ platform: ' x86_64-linux', dependencies: dependency('rake', [['>=', '1.0']]) }),
    specification({ metadata: '\n  a: \'b c\'\n  d: "e\\tf"\n  g: |\n    h\n  i: j k', description: ' >-\n  l\n  m' }),
  ),
  fc.array(fc.tuple(place, fc.nat({ max: 3 }), fc.constantFrom(...PIECES)), { minLength: 1, maxLength: 2 }),
)

test('metadata with changed text is refused, or read as Ruby reads it', async () => {
  const texts = fc.sample(text, 1500).map(([start, changes]) =>
    changes.reduce((whole, [at, removed, added]) => {
      const index = Math.floor(at * whole.length)
      return whole.slice(0, index) + added + whole.slice(index + removed)
    }, start),
  )
  const accepted: { file: string; text: string; spec: RubySpecification }[] = []
  for (const [index, changed] of texts.entries()) {
    const file = path.join(directory.path, `${String(index)}.gem`)
    await writeFile(file, gemBytes({ yaml: changed }))
    const spec = await read(file)
    if (spec) accepted.push({ file, text: changed, spec })
  }
  const readings = await readWithRuby(accepted.map(({ file }) => file))
  const both = accepted.flatMap((ours, index) => {
    const theirs = readings[index]
    return theirs && 'spec' in theirs ? [{ ours, theirs: { ...ours, spec: theirs.spec } }] : []
  })
  // Enough of them get through for the comparison to mean something.
  expect(both.length).toBeGreaterThan(100)
  expect(both.map(({ ours }) => ours)).toEqual(both.map(({ theirs }) => theirs))
})
