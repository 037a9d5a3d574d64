import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { parseKeyValues } from '../../sandbox/runner/file-commands.ts'
import { ReleaseError } from '../../src/errors.ts'
import { actionsRunner } from '../../src/world/runner.ts'

let directory: string
let env: Record<'GITHUB_OUTPUT' | 'GITHUB_STATE', string>

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'release-gem-outputs-'))
  env = { GITHUB_OUTPUT: path.join(directory, 'output'), GITHUB_STATE: path.join(directory, 'state') }
  for (const [name, file] of Object.entries(env)) vi.stubEnv(name, file)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

const FRAGMENTS = [
  '\n',
  '\r',
  '\r\n',
  '=',
  '<<',
  'EOF',
  'ghadelimiter_',
  'name=evil',
  'x<<y',
  '\u0000',
  '\u2028',
  '::',
  ' ',
  'é',
  '\ud800',
]
const value = fc.oneof(
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 10 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
)
const values = fc.dictionary(fc.constantFrom('gems', 'name', 'version', 'tag', 'checksums'), value, {
  noNullPrototype: true,
})

/** The file as the runner reads it; nothing in it may be malformed. */
async function pairsIn(file: string): Promise<Record<string, string>> {
  return Object.fromEntries(parseKeyValues(await readFile(file, 'utf8')))
}

describe('outputs and state', () => {
  it('come out of the runner’s files as they went in, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(values, async (given) => {
        for (const file of Object.values(env)) await writeFile(file, '')
        const runner = actionsRunner(env)
        for (const [name, text] of Object.entries(given)) {
          runner.output(name, text)
          runner.saveState(name, text)
        }
        // UTF-8 has no half of a pair.
        const wanted = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, text.toWellFormed()]))
        expect(await pairsIn(env.GITHUB_OUTPUT)).toEqual(wanted)
        expect(await pairsIn(env.GITHUB_STATE)).toEqual(wanted)
        runner.expectUntouched()
      }),
      { numRuns: 1000 },
    )
  })

  it('are found touched, and put back, where anybody else wrote between two of ours', async () => {
    for (const file of Object.values(env)) await writeFile(file, '')
    const runner = actionsRunner(env)
    runner.output('name', 'rack-lens')
    await writeFile(env.GITHUB_OUTPUT, 'version=evil\n', { flag: 'a' })
    runner.output('tag', 'v1.2.3')
    expect(() => runner.expectUntouched()).toThrow(ReleaseError)
    // The second write of ours came after the stranger's: what is kept is what was there when it was noticed.
    expect(await pairsIn(env.GITHUB_OUTPUT)).toMatchObject({ name: 'rack-lens', tag: 'v1.2.3' })
  })
})
