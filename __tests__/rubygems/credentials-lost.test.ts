import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from 'node:fs'
import { renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { restoreCredentials } from '../../src/rubygems/credentials-file.ts'
import type { CredentialsReceipt } from '../../src/rubygems/credentials-receipt.ts'
import { Secret } from '../../src/world/secret.ts'
import { size } from '../nightly.ts'
import { here, kept, KEY, OLD, otherStep, put, SECRET, snapshot, usePlace, write } from './credentials-home.ts'
import { killedBefore } from './credentials-kill.ts'
import { USABLE } from './credentials-states.ts'

const ROOT = process.geteuid?.() === 0
const NEXT = 'rubygems_2e87'
const OTHER_SERVER = 'https://gems.example'

usePlace()

/** What the runner does to a step that was lost when its next job begins: it empties RUNNER_TEMP. */
function forget(owner: string): void {
  rmSync(owner, { recursive: true })
}

/** A run that was lost with its post step, in a job that is over. */
async function lostRun(changes: Parameters<typeof write>[0] = {}): Promise<CredentialsReceipt> {
  const owner = otherStep()
  const receipt = await write({ owner, ...changes })
  forget(owner)
  return receipt
}

/** A later run, from its beginning to its end. */
async function nextRun(): Promise<string> {
  const owner = otherStep()
  const receipt = kept(await write({ owner, secret: new Secret(NEXT) }))
  const { outcome } = await restoreCredentials(receipt)
  forget(owner)
  return outcome
}

function text(): string {
  return readFileSync(here().path, 'utf8')
}

/** Makes a backup one that another machine has written on a home that both share. */
function fromAnotherMachine({ backup, host, writtenAt }: CredentialsReceipt, at = writtenAt): void {
  const changed = readFileSync(backup, 'utf8')
    .replace(`"host":${JSON.stringify(host)}`, '"host":"elsewhere"')
    .replace(`"writtenAt":${String(writtenAt)}`, `"writtenAt":${String(at)}`)
  writeFileSync(backup, changed)
}

describe('a run on another machine, whose RUNNER_TEMP is not here,', () => {
  beforeEach(() => put(here().path, `${KEY}: ${OLD}\n`))

  it('is not taken for a lost one: its backup stays, and it puts back what was there before', async () => {
    const theirs = await lostRun()
    fromAnotherMachine(theirs)
    const ours = await write({ secret: new Secret(NEXT) })
    expect(ours.recovered).toBe(false)
    expect(existsSync(theirs.backup)).toBe(true)
    expect((await restoreCredentials(kept(ours))).outcome).toBe('restored')
    expect(text()).toContain(SECRET)
    expect((await restoreCredentials({ ...kept(theirs), host: 'elsewhere' })).outcome).toBe('restored')
    expect(text()).toBe(`${KEY}: ${OLD}\n`)
  })

  it('is one once no job can be that old', async () => {
    const theirs = await lostRun()
    fromAnotherMachine(theirs, theirs.writtenAt - 6 * 24 * 3600 * 1000)
    expect((await write({ secret: new Secret(NEXT) })).recovered).toBe(true)
  })
})

describe.each(USABLE)('after a run that was lost, with %s before it,', (_name, prepare, written) => {
  beforeEach(() => prepare(here()))

  it('the next one writes what it would have written without it, says so, and puts back what was there before', async () => {
    const before = snapshot(here().home)
    const lost = await lostRun()
    const receipt = await write({ secret: new Secret(NEXT) })
    expect(receipt.recovered).toBe(true)
    expect(text()).toBe(written.replace(SECRET, NEXT))
    expect(receipt).toMatchObject({ createdDirectories: lost.createdDirectories })
    expect(receipt.previous).toEqual(lost.previous)
    expect(existsSync(lost.backup)).toBe(false)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe(lost.previous ? 'restored' : 'removed')
    expect(snapshot(here().home)).toEqual(before)
  })

  it('several of them change nothing about that', async () => {
    const before = snapshot(here().home)
    await lostRun()
    await lostRun({ key: OTHER_SERVER })
    await lostRun({ key: OTHER_SERVER })
    expect(readdirSync(dirname(here().path))).toHaveLength(2)
    await nextRun()
    expect(snapshot(here().home)).toEqual(before)
  })

  it('nor do writes on top of one another in a job that was lost', async () => {
    const before = snapshot(here().home)
    const [first, second] = [otherStep(), otherStep()]
    await write({ owner: first })
    await write({ owner: second, key: OTHER_SERVER })
    expect(text()).toContain(SECRET)
    forget(first)
    forget(second)
    await nextRun()
    expect(snapshot(here().home)).toEqual(before)
  })

  it.each([
    ['they end in the order they began in', ['A', 'B']],
    ['the one that began last ends first', ['B', 'A']],
  ])('two jobs at the same time lose nothing: %s', async (_order, order) => {
    const before = snapshot(here().home)
    const owners: Record<string, string> = { A: otherStep(), B: otherStep() }
    const receipts: Record<string, CredentialsReceipt> = {}
    for (const job of ['A', 'B']) {
      receipts[job] = kept(await write({ owner: owners[job] ?? '', key: `https://${job.toLowerCase()}.example` }))
    }
    expect(text()).toContain('https://a.example: ')
    for (const job of order) {
      const receipt = receipts[job]
      if (receipt) await restoreCredentials(receipt)
      forget(owners[job] ?? '')
    }
    expect(snapshot(here().home)).toEqual(before)
  })
})

/** States that differ in what has to be undone. */
const STATES: [name: string, prepare: () => void, earlier?: () => Promise<unknown>][] = [
  ['nothing at all', () => undefined],
  ['a file of keys', () => put(here().path, `${KEY}: ${OLD}\n`, 0o640)],
  ['the very same key', () => put(here().path, `${KEY}: ${SECRET}\n`, 0o644)],
  ['a lost run', () => put(here().path, `${KEY}: ${OLD}\n`, 0o640), () => lostRun({ secret: new Secret(NEXT) })],
  ['a lost run that made the file', () => undefined, () => lostRun({ secret: new Secret(NEXT) })],
]

/** What may stay of a run that nobody has cleaned up after: nothing with a key in it. */
function withoutTraces(lines: readonly string[]): string[] {
  return lines.filter((line) => !/^\.gem\/\.credentials\.before-\S+ 600 1 \d+ ""$|^\.gem 700 \d+ directory$/.test(line))
}

type Remember = (receipt: CredentialsReceipt) => void

/** All that a run does with the file. */
async function wholeRun(owner: string, remember: Remember): Promise<void> {
  await restoreCredentials(await write({ owner, remember }))
}

/** What the post step says; nothing where the main step has left it nothing. */
async function byPostStep(receipt?: CredentialsReceipt): Promise<string> {
  return receipt ? (await restoreCredentials(receipt)).outcome : ''
}

const byNextRun = async (): Promise<string> => ''

describe.each(STATES)('killed between any two changes, with %s before,', (_name, prepare, earlier) => {
  it.each([
    ['the post step', byPostStep],
    ['the next run, where the post step is lost as well', byNextRun],
  ])('%s puts back what was there', async (_who, cleanUp) => {
    let number = 0
    for (let killed = true; killed;) {
      number += 1
      rmSync(here().home, { recursive: true })
      mkdirSync(here().home)
      prepare()
      const before = snapshot(here().home)
      await earlier?.()
      const owner = otherStep()
      let receipt: CredentialsReceipt | undefined
      killed = await killedBefore(number, () => wholeRun(owner, (made) => (receipt = kept(made))))
      expect(await cleanUp(receipt)).not.toBe('left')
      forget(owner)
      await nextRun()
      expect(withoutTraces(snapshot(here().home)), `before change ${String(number)}`).toEqual(withoutTraces(before))
    }
    expect(number).toBeGreaterThan(12)
  })
})

describe('a backup that is not what it says', () => {
  let lost: CredentialsReceipt

  beforeEach(async () => {
    put(here().path, `${KEY}: ${OLD}\n`, 0o640)
    lost = await lostRun()
  })

  it.each([
    ['a link', () => (renameSync(lost.backup, join(here().root, 'away')), symlinkSync('../../away', lost.backup))],
    ['a file with a second name', () => linkSync(lost.backup, join(here().root, 'second'))],
    ['a directory', () => (rmSync(lost.backup), mkdirSync(lost.backup))],
    ['a file with other content', () => appendFileSync(lost.backup, 'https://evil.example: x\n')],
    ['a file cut short', () => writeFileSync(lost.backup, readFileSync(lost.backup, 'utf8').slice(0, -1))],
    ['a file without the first line', () => writeFileSync(lost.backup, `${KEY}: ${OLD}\n`)],
    ['an empty file', () => writeFileSync(lost.backup, '')],
    ['under another name', () => renameSync(lost.backup, join(dirname(here().path), '.credentials.before-mine'))],
  ])('as %s is neither used nor touched', async (_name, change) => {
    change()
    const left = snapshot(here().home)
    const receipt = await write({ secret: new Secret(NEXT) })
    expect(receipt.recovered).toBe(false)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('restored')
    expect(snapshot(here().home)).toEqual(left)
  })

  it.skipIf(!ROOT)("as another user's file is neither used nor touched (needs root)", async () => {
    chownSync(lost.backup, 65534, 65534)
    const left = snapshot(here().home)
    const receipt = await write({ secret: new Secret(NEXT) })
    expect(receipt.recovered).toBe(false)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('restored')
    expect(snapshot(here().home)).toEqual(left)
  })
})

describe('a file that somebody changed after a run was lost', () => {
  it('is the original now, and the backup stays', async () => {
    put(here().path, `${KEY}: ${OLD}\n`, 0o640)
    const lost = await lostRun()
    appendFileSync(here().path, 'https://mine.example: z\n')
    chmodSync(here().path, 0o644)
    const left = snapshot(here().home)
    const receipt = await write({ secret: new Secret(NEXT) })
    expect(receipt.recovered).toBe(false)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('restored')
    expect(snapshot(here().home)).toEqual(left)
    expect(readFileSync(lost.backup, 'utf8').split('\n').slice(1).join('\n')).toBe(`${KEY}: ${OLD}\n`)
  })

  it('keeps the backup of a run that was killed in the middle, but no key of that run', async () => {
    put(here().path, `${KEY}: ${OLD}\n`)
    const owner = otherStep()
    let backup = ''
    let number = 1
    const run = (): Promise<unknown> => write({ owner, remember: (made) => (backup = made.backup) })
    // Until the new file is there, but not yet in its place.
    while (!readdirSync(dirname(here().path)).some((name) => name.endsWith('.tmp'))) await killedBefore(number++, run)
    forget(owner)
    appendFileSync(here().path, 'https://mine.example: z\n')
    await nextRun()
    expect(readdirSync(dirname(here().path)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(readFileSync(backup, 'utf8')).toContain(OLD)
  })

  it('does not come back when a later run writes the same bytes as the lost one', async () => {
    put(here().path, `${KEY}: ${OLD}\n`)
    await lostRun()
    put(here().path, `${KEY}: rubygems_9e4e7a1\n`)
    await lostRun()
    await nextRun()
    expect(text()).toBe(`${KEY}: rubygems_9e4e7a1\n`)
  })

  it('leaves nothing behind where there was none before', async () => {
    await lostRun()
    put(here().path, `${KEY}: ${OLD}\n`)
    await nextRun()
    expect(text()).toBe(`${KEY}: ${OLD}\n`)
    expect(readdirSync(dirname(here().path))).toEqual(['credentials'])
  })
})

it('a run that another one has ended on top of is undone as well', async () => {
  put(here().path, `${KEY}: ${OLD}\n`, 0o640)
  const before = snapshot(here().home)
  const [first, second] = [otherStep(), otherStep()]
  const receipt = await write({ owner: first })
  await write({ owner: second, key: OTHER_SERVER })
  forget(second)
  expect((await restoreCredentials(kept(receipt))).outcome).toBe('restored')
  expect(snapshot(here().home)).toEqual(before)
})

it('a file that another job changes between the look at it and the change is looked at again', async () => {
  put(here().path, `${KEY}: ${OLD}\n`)
  let changed = 0
  const receipt = await write({
    remember: () => {
      if (changed++ < 3) appendFileSync(here().path, 'https://mine.example: z\n')
    },
  })
  expect(text()).toBe(`${KEY}: ${SECRET}\n${'https://mine.example: z\n'.repeat(3)}`)
  expect(readdirSync(dirname(here().path))).toHaveLength(2)
  await restoreCredentials(kept(receipt))
  expect(text()).toBe(`${KEY}: ${OLD}\n${'https://mine.example: z\n'.repeat(3)}`)
})

it('a file that another job changes just after it was put back leads back there still', async () => {
  put(here().path, `${KEY}: ${OLD}\n`)
  const receipt = await write()
  const { rename } = promises
  promises.rename = async (from, to) => {
    await rename(from, to)
    appendFileSync(to, 'https://mine.example: z\n')
  }
  syncBuiltinESMExports()
  const { outcome, reason } = await restoreCredentials(kept(receipt)).finally(() => {
    promises.rename = rename
    syncBuiltinESMExports()
  })
  expect({ outcome, reason }).toEqual({ outcome: 'left', reason: expect.stringContaining(receipt.backup) })
  expect(readFileSync(receipt.backup, 'utf8')).toContain(OLD)
})

/** What may happen to one of three jobs that share a home directory. */
interface Happening {
  job: number
  what: 'write' | 'end' | 'lose'
}

/** Of each job. */
type Keys = [string, string, string]

const HAPPENING: fc.Arbitrary<Happening> = fc.record({
  job: fc.nat(2),
  what: fc.constantFrom('write', 'write', 'end', 'end', 'lose'),
})

const begin = (job: number): Happening => ({ job, what: 'write' })
const end = (job: number): Happening => ({ job, what: 'end' })
const lose = (job: number): Happening => ({ job, what: 'lose' })

/** Ways back that are easily lost, or easily left lying about: in all of them, the same bytes are written again. */
const TRAPS: [state: string | undefined, keys: Keys, happenings: Happening[]][] = [
  [`${KEY}: ${SECRET}\n`, [SECRET, SECRET, SECRET], [begin(0), begin(1)]],
  [undefined, [SECRET, SECRET, NEXT], [begin(2), begin(0), lose(2), begin(2)]],
  [undefined, [SECRET, NEXT, SECRET], [begin(1), begin(0), end(1), begin(1)]],
  [`${KEY}: ${SECRET}\n`, [SECRET, SECRET, SECRET], [begin(2), begin(0), begin(1), end(2), end(1)]],
  [`${KEY}: ${SECRET}\n`, [NEXT, SECRET, SECRET], [begin(1), begin(0), begin(2), end(0), end(1), begin(0)]],
]

const keyOf = (last: string): fc.Arbitrary<string> => fc.constantFrom(SECRET, SECRET + last)

it('whatever happens to several jobs, the original is there in the end, and nothing else', async () => {
  // All of it in one moment, as far as the clock can tell.
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now())
  onTestFinished(() => now.mockRestore())
  const states = fc.constantFrom(undefined, '', `${KEY}: ${OLD}\n`, `${KEY}: ${SECRET}\n`)
  const secrets: fc.Arbitrary<Keys> = fc.tuple(keyOf('a'), keyOf('b'), keyOf('c'))
  await fc.assert(
    fc.asyncProperty(states, secrets, fc.array(HAPPENING, { maxLength: 12 }), async (state, values, happenings) => {
      rmSync(here().home, { recursive: true })
      mkdirSync(here().home)
      if (state !== undefined) put(here().path, state, 0o640)
      const before = snapshot(here().home)
      const running = new Map<number, CredentialsReceipt>()
      const stop = async (job: number, lost: boolean): Promise<void> => {
        const receipt = running.get(job)
        if (!receipt) return
        running.delete(job)
        if (!lost) await restoreCredentials(receipt)
        forget(receipt.owner)
      }
      for (const { job, what } of happenings) {
        if (what !== 'write') await stop(job, what === 'lose')
        else if (!running.has(job))
          running.set(job, await write({ owner: otherStep(), secret: new Secret(values[job] ?? SECRET) }))
      }
      for (const job of running.keys()) await stop(job, false)
      await nextRun()
      expect(snapshot(here().home)).toEqual(before)
      expect(state === undefined || statSync(here().path).mode & 0o777).toBe(state === undefined || 0o640)
    }),
    { numRuns: size(60, 4000), examples: TRAPS },
  )
})
