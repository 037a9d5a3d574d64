import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { beforeEach, describe, expect, it } from 'vitest'
import { restoreCredentials } from '../../src/rubygems/credentials-file.ts'
import type { CredentialsReceipt } from '../../src/rubygems/credentials-receipt.ts'
import { Secret } from '../../src/world/secret.ts'
import { here, kept, KEY, refusal, SECRET, snapshot, usePlace, write } from './credentials-home.ts'
import { USABLE } from './credentials-states.ts'

type Rename = typeof promises.rename

/** Runs `body` with another `rename`, as every module sees it, in place of the system's. */
async function renaming<T>(rename: Rename, body: () => Promise<T>): Promise<T> {
  const real = promises.rename
  const put = (which: Rename): void => {
    promises.rename = which
    syncBuiltinESMExports()
  }
  put(rename)
  return body().finally(() => put(real))
}

const refused: Rename = () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO', syscall: 'rename' }))

usePlace()

async function outcomes(receipts: CredentialsReceipt[]): Promise<string[]> {
  const restored = await Promise.all(receipts.map((receipt) => restoreCredentials(receipt)))
  return restored.map(({ outcome }) => outcome)
}

describe.each(USABLE)('with %s', (_name, prepare, text) => {
  beforeEach(() => prepare(here()))

  it('writes the key with mode 0600 and puts everything back', async () => {
    const before = snapshot(here().root)
    const receipt = await write()
    expect(readFileSync(here().path, 'utf8')).toBe(text)
    expect(statSync(here().path).mode & 0o7777).toBe(0o600)
    expect(readdirSync(dirname(here().path)).toSorted()).toEqual([basename(receipt.backup), 'credentials'])
    expect(basename(receipt.backup)).toContain(`.credentials.before-${receipt.writtenSha256.slice(0, 16)}-`)
    expect(statSync(receipt.backup).mode & 0o7777).toBe(0o600)
    expect(readdirSync(here().owner)).toEqual([])
    for (const directory of receipt.createdDirectories) expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe(receipt.previous ? 'restored' : 'removed')
    expect(snapshot(here().root)).toEqual(before)
  })

  it('can be undone more than once', async () => {
    const before = snapshot(here().root)
    const receipt = kept(await write())
    const first = await restoreCredentials(receipt)
    expect(await restoreCredentials(receipt)).toEqual(first)
    expect(snapshot(here().root)).toEqual(before)
  })

  it('a run that ended just before the first change can be undone', async () => {
    const before = snapshot(here().root)
    const receipts: CredentialsReceipt[] = []
    const remember = (receipt: CredentialsReceipt): void => {
      receipts.push(kept(receipt))
      throw new Error('killed')
    }
    await expect(write({ remember })).rejects.toThrow('killed')
    expect(snapshot(here().root)).toEqual(before)
    expect(await outcomes(receipts)).toEqual([receipts[0]?.previous ? 'restored' : 'removed'])
    expect(snapshot(here().root)).toEqual(before)
  })

  it('a run that ended just before the rename can be undone', async () => {
    const before = snapshot(here().root)
    const receipts: CredentialsReceipt[] = []
    const halfway = Promise.withResolvers<void>()
    // A rename that never comes back: nothing after it runs, as in a process that was killed.
    const never: Rename = () => (halfway.resolve(), new Promise(() => undefined))
    await renaming(never, () => {
      void write({ remember: (receipt) => void receipts.push(kept(receipt)) })
      return halfway.promise
    })
    expect(snapshot(here().root).join('\n')).toContain(SECRET)
    expect(snapshot(here().root)).not.toEqual(before)
    // Nor is what it left behind in the way of the next run.
    expect((await restoreCredentials(kept(await write()))).outcome).not.toBe('left')
    expect(await outcomes(receipts)).toEqual([receipts[0]?.previous ? 'restored' : 'removed'])
    expect(snapshot(here().root)).toEqual(before)
  })

  it('a rename the system refuses leaves nothing behind', async () => {
    const before = snapshot(here().root)
    const error = await renaming(refused, () => refusal(write()))
    expect(error.problems[0]).toMatchObject({ code: 'credentials-file', why: expect.stringContaining('EIO') })
    expect(snapshot(here().root)).toEqual(before)
  })

  it('two writes, undone last first, leave what was there', async () => {
    const before = snapshot(here().root)
    const first = await write()
    const between = snapshot(here().home)
    const second = await write({ secret: new Secret('rubygems_5ec0nd') })
    expect(readFileSync(here().path, 'utf8')).toBe(text.replace(SECRET, 'rubygems_5ec0nd'))
    const third = await write({ key: 'https://a.example:8443', secret: new Secret('other_key') })
    expect((await restoreCredentials(kept(third))).outcome).toBe('restored')
    expect((await restoreCredentials(kept(second))).outcome).toBe('restored')
    expect(snapshot(here().home)).toEqual(between)
    await restoreCredentials(kept(first))
    expect(snapshot(here().root)).toEqual(before)
  })

  it('two writes, undone first first, lose nothing either', async () => {
    const before = snapshot(here().root)
    const first = await write()
    const second = await write({ secret: new Secret('rubygems_5ec0nd') })
    expect((await restoreCredentials(kept(first))).outcome).toBe('left')
    expect((await restoreCredentials(kept(second))).outcome).toBe('restored')
    expect((await restoreCredentials(kept(first))).outcome).not.toBe('left')
    expect(snapshot(here().root)).toEqual(before)
  })

  it('what somebody else changed since is left alone', async () => {
    const receipt = await write()
    appendFileSync(here().path, 'https://mine.example: z\n')
    const { outcome, reason } = await restoreCredentials(kept(receipt))
    expect(outcome).toBe('left')
    expect(reason).toMatch(/changed by somebody else since/)
    expect(readFileSync(here().path, 'utf8')).toBe(`${text}https://mine.example: z\n`)
    expect(reason.includes(receipt.backup)).toBe(receipt.previous !== undefined)
    expect(existsSync(receipt.backup)).toBe(receipt.previous !== undefined)
  })

  it('what a step only gave another mode is ours still', async () => {
    const before = snapshot(here().root)
    const receipt = await write()
    chmodSync(here().path, 0o644)
    expect((await restoreCredentials(kept(receipt))).outcome).not.toBe('left')
    expect(snapshot(here().root)).toEqual(before)
  })
})

/** Writes, and dies without any cleaning up at the given moment. */
const KILLED = `
import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
const place = JSON.parse(process.argv[1])
const die = () => process.kill(process.pid, 'SIGKILL')
if (place.when === 'before the rename') promises.rename = () => (die(), new Promise(() => {}))
syncBuiltinESMExports()
const { writeCredentials } = await import(${JSON.stringify(new URL('../../src/rubygems/credentials-file.ts', import.meta.url).href)})
const { Secret } = await import(${JSON.stringify(new URL('../../src/world/secret.ts', import.meta.url).href)})
await writeCredentials({
  ...place, key: ${JSON.stringify(KEY)}, secret: new Secret(${JSON.stringify(SECRET)}),
  remember(receipt) {
    fs.writeFileSync(place.workspace + '/state', JSON.stringify(receipt))
    if (place.when === 'before the first change') die()
  },
})
die()
`

it.each(['before the first change', 'before the rename', 'after the rename'])(
  'a process really killed %s leaves nothing that cannot be undone',
  async (when) => {
    mkdirSync(dirname(here().path))
    writeFileSync(here().path, 'a: b\n', { mode: 0o644 })
    const before = snapshot(here().root)
    const args = ['--input-type=module', '-e', KILLED, JSON.stringify({ ...here(), when })]
    expect(spawnSync(process.execPath, args)).toMatchObject({ signal: 'SIGKILL', stderr: Buffer.alloc(0) })
    const receipt: CredentialsReceipt = JSON.parse(readFileSync(join(here().workspace, 'state'), 'utf8'))
    rmSync(join(here().workspace, 'state'))
    expect((await restoreCredentials(receipt)).outcome).toBe('restored')
    expect(snapshot(here().root)).toEqual(before)
  },
)
