import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { createFile, PRIVATE, thisHost } from '../../src/rubygems/credentials-disk.ts'
import { restoreCredentials, type WriteCredentials } from '../../src/rubygems/credentials-file.ts'
import { Secret } from '../../src/world/secret.ts'
import { here, KEY, OLD, refusal, snapshot, usePlace, write } from './credentials-home.ts'
import { FOREIGN, UNUSABLE } from './credentials-states.ts'

const ROOT = process.geteuid?.() === 0

usePlace()

/** The rule a write was refused by: in words that help and give nothing away, and nothing has changed. */
async function ruleFor(changes: Partial<WriteCredentials> = {}): Promise<string | undefined> {
  const before = snapshot(here().root)
  const error = await refusal(write(changes))
  const [problem] = error.problems
  expect(problem.code).toBe('credentials-file')
  expect(problem.what).toContain(changes.path ?? here().path)
  expect(problem.fix).toMatch(/\w \w/)
  expect(JSON.stringify(error.problems)).not.toMatch(/5ec4e7|271828/)
  expect(snapshot(here().root)).toEqual(before)
  return problem.why
}

describe('a write is refused, and nothing changed,', () => {
  it.each(UNUSABLE)('for %s', async (_name, prepare, why) => {
    prepare(here())
    expect(await ruleFor()).toMatch(why)
  })

  it.skipIf(!ROOT).each(FOREIGN)('for %s (needs root)', async (_name, prepare, why) => {
    prepare(here())
    expect(await ruleFor()).toMatch(why)
  })

  it('for the file of any other user than the one given', async () => {
    mkdirSync(dirname(here().path))
    expect(await ruleFor({ host: { platform: 'linux', uid: 12_345 } })).toMatch(/belongs to user/)
  })

  it('for a file that may not be read', async () => {
    mkdirSync(dirname(here().path))
    writeFileSync(here().path, `${KEY}: ${OLD}\n`, { mode: 0o000 })
    // Nothing is unreadable to the superuser, who therefore becomes the owner for a moment.
    if (ROOT) execFileSync('chown', ['-R', '65534', here().root])
    if (ROOT) process.seteuid?.(65534)
    const error = await refusal(write()).finally(() => ROOT && process.seteuid?.(0))
    expect(error.problems[0]).toMatchObject({ code: 'credentials-file', why: expect.stringContaining('EACCES') })
    expect(statSync(here().path).mode & 0o7777).toBe(0)
    expect(readdirSync(dirname(here().path))).toEqual(['credentials'])
  })

  it('for a path in the workspace', async () => {
    expect(await ruleFor({ path: join(here().workspace, '.gem', 'credentials') })).toMatch(/workspace/)
    expect(await ruleFor({ path: join(here().workspace, 'x', '..', '..', 'work', 'credentials') })).toMatch(/workspace/)
    expect(await ruleFor({ workspace: here().home })).toMatch(/workspace/)
  })

  it('for a path that leads into the workspace through a link, or a workspace that does', async () => {
    symlinkSync(here().workspace, join(here().root, 'link'))
    expect(await ruleFor({ path: join(here().root, 'link', '.gem', 'credentials') })).toMatch(/workspace/)
    symlinkSync(here().home, join(here().root, 'checkout'))
    expect(await ruleFor({ workspace: join(here().root, 'checkout') })).toMatch(/workspace/)
  })

  it('for a relative path', async () => {
    expect(await ruleFor({ path: '.gem/credentials' })).toMatch(/absolute/)
  })

  it('for a secret RubyGems would not read', async () => {
    expect(await ruleFor({ secret: new Secret('271828') })).toMatch(/number/)
  })

  it('when the receipt cannot be kept', async () => {
    const before = snapshot(here().root)
    const error = new ReleaseError({ code: 'internal-error', what: 'x', fix: 'y' })
    const remember = (): void => {
      throw error
    }
    expect((await refusal(write({ remember }))).code).toBe('internal-error')
    expect(snapshot(here().root)).toEqual(before)
  })

  it('for a path that is in the workspace only by name', async () => {
    symlinkSync(here().home, join(here().workspace, 'link'))
    expect(await ruleFor({ path: join(here().workspace, 'link', '.gem', 'credentials') })).toMatch(/workspace/)
  })

  it('when ~/.gem became a link after it was looked at', async () => {
    const swapped = write({ remember: () => symlinkSync(here().workspace, dirname(here().path)) })
    expect((await refusal(swapped)).problems[0].why).toMatch(/symbolic link/)
    expect(readdirSync(here().workspace)).toEqual([])
  })

  it('when the file became a directory after it was looked at', async () => {
    mkdirSync(dirname(here().path))
    writeFileSync(here().path, 'a: b\n')
    const swapped = write({
      remember: () => {
        rmSync(here().path)
        mkdirSync(here().path)
      },
    })
    expect((await refusal(swapped)).problems[0].why).toMatch(/not a regular file/)
    expect(readdirSync(dirname(here().path))).toEqual(['credentials'])
  })
})

it('a directory that another job made meanwhile is as good', async () => {
  const receipt = await write({ remember: () => mkdirSync(dirname(here().path)) })
  expect((await restoreCredentials(receipt)).outcome).toBe('removed')
})

it('a new file never takes the place of one that is there, or the way through a link', async () => {
  const there = join(here().home, 'there')
  writeFileSync(there, 'x')
  symlinkSync(join(here().home, 'nothing'), join(here().home, 'link'))
  const before = snapshot(here().root)
  await expect(createFile(there, Buffer.from('y'), PRIVATE, thisHost())).rejects.toThrow(/EEXIST/)
  await expect(createFile(join(here().home, 'link'), Buffer.from('y'), PRIVATE, thisHost())).rejects.toThrow(/EEXIST/)
  expect(snapshot(here().root)).toEqual(before)
})
