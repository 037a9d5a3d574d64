import { execFileSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { beforeEach, describe, expect, it } from 'vitest'
import { restoreCredentials } from '../../src/rubygems/credentials-file.ts'
import { Secret } from '../../src/world/secret.ts'
import { here, kept, KEY, OLD, put, SECRET, snapshot, usePlace, write } from './credentials-home.ts'

usePlace()

/** What `gem` says of the file. */
function ask(): string {
  const script = 'p Gem.configuration.rubygems_api_key rescue p $!.class'
  const env = { PATH: process.env['PATH'], HOME: here().home }
  return execFileSync('sh', ['-c', `ruby -rrubygems -e '${script}' 2>&1 || true`], { env, encoding: 'utf8' })
}

describe('restoreCredentials leaves, with a reason,', () => {
  beforeEach(() => put(here().path, `${KEY}: ${OLD}\n`, 0o640))

  it('a file whose copy is gone', async () => {
    const receipt = await write()
    rmSync(receipt.backup)
    const left = snapshot(here().root)
    expect(await restoreCredentials(kept(receipt))).toEqual({
      outcome: 'left',
      reason: `${here().path} still holds this run's key: the copy of what it held before is missing or changed.`,
    })
    expect(snapshot(here().root)).toEqual(left)
  })

  it.each([
    ['changed', (path: string) => writeFileSync(path, 'https://evil.example: x\n'), /missing or changed/],
    ['cut short', (path: string) => writeFileSync(path, ''), /missing or changed/],
    [
      'a link now',
      (path: string) => {
        renameSync(path, `${path}.real`)
        symlinkSync(`${path}.real`, path)
      },
      /missing or changed/,
    ],
    ['a link to the same file', (path: string) => linkSync(path, `${path}.second`), /missing or changed/],
  ])('a file whose copy is %s', async (_name, change, reason) => {
    const receipt = await write()
    change(receipt.backup)
    const left = snapshot(here().root)
    const restored = await restoreCredentials(kept(receipt))
    expect(restored.outcome).toBe('left')
    expect(restored.reason).toMatch(reason)
    expect(snapshot(here().root)).toEqual(left)
  })

  it('a file somebody removed, keeping the copy and saying where it is', async () => {
    const receipt = await write()
    rmSync(here().path)
    const { outcome, reason } = await restoreCredentials(kept(receipt))
    expect(outcome).toBe('left')
    expect(reason).toContain('removed by somebody else')
    expect(reason).toContain(receipt.backup)
    expect(existsSync(here().path)).toBe(false)
    expect(readFileSync(receipt.backup, 'utf8')).toContain(OLD)
  })

  it.each([
    [
      'a symlink to the same bytes',
      (path: string) => {
        renameSync(path, `${path}.moved`)
        symlinkSync(`${path}.moved`, path)
      },
    ],
    [
      'a directory',
      (path: string) => {
        rmSync(path)
        mkdirSync(path)
      },
    ],
    ['a file with a second name', (path: string) => linkSync(path, `${path}.second`)],
    [
      'below a symlink',
      (path: string) => {
        renameSync(dirname(path), `${dirname(path)}.moved`)
        symlinkSync(`${dirname(path)}.moved`, dirname(path))
      },
    ],
  ])('what is now %s', async (_name, change) => {
    const receipt = await write()
    change(here().path)
    const left = snapshot(here().root)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('left')
    expect(snapshot(here().root)).toEqual(left)
  })

  it('what the system does not let it change', async () => {
    const receipt = await write()
    rmSync(dirname(here().path), { recursive: true })
    writeFileSync(dirname(here().path), '')
    const { outcome, reason } = await restoreCredentials(kept(receipt))
    expect(outcome).toBe('left')
    expect(reason).toMatch(/not a directory/)
  })

  it("another user's file", async () => {
    const receipt = await write()
    const restored = await restoreCredentials(kept(receipt), { platform: 'linux', uid: 12_345 })
    expect(restored.outcome).toBe('left')
    expect(readFileSync(here().path, 'utf8')).toContain(SECRET)
  })
})

it('a file as large as may be comes back, although more is added to it meanwhile', async () => {
  put(here().path, `#${' '.repeat(1023)}`.repeat(1024))
  const before = snapshot(here().home)
  expect((await restoreCredentials(kept(await write()))).outcome).toBe('restored')
  expect(snapshot(here().home)).toEqual(before)
})

it('a file that was not there before goes, also without its backup', async () => {
  const before = snapshot(here().home)
  const receipt = await write()
  rmSync(receipt.backup)
  expect((await restoreCredentials(kept(receipt))).outcome).toBe('removed')
  expect(snapshot(here().home)).toEqual(before)
})

describe('directories made for the file', () => {
  it('are kept when something else is in them now', async () => {
    const receipt = await write()
    expect(receipt.createdDirectories).toEqual([dirname(here().path)])
    writeFileSync(join(dirname(here().path), 'other'), 'x')
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('removed')
    expect(readdirSync(dirname(here().path))).toEqual(['other'])
  })

  it('are all removed, from the innermost on, and none that was there', async () => {
    const path = join(here().home, '.local', 'share', 'gem', 'credentials')
    mkdirSync(join(here().home, '.local'))
    const before = snapshot(here().root)
    const receipt = await write({ path })
    expect(receipt.createdDirectories).toEqual([dirname(dirname(path)), dirname(path)])
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('removed')
    expect(snapshot(here().root)).toEqual(before)
  })
})

describe('modes', () => {
  it('do not depend on the umask', async () => {
    put(here().path, 'a: b\n', 0o666)
    process.umask(0o777)
    const receipt = await write()
    expect(statSync(here().path).mode & 0o7777).toBe(0o600)
    expect(statSync(receipt.backup).mode & 0o7777).toBe(0o600)
    await restoreCredentials(receipt)
    expect(statSync(here().path).mode & 0o7777).toBe(0o666)
  })

  it('and owners are not looked at on Windows, where they mean nothing', async () => {
    put(here().path, 'a: b\n', 0o644)
    const before = snapshot(here().home)
    const host = { platform: 'win32', uid: 12_345 } as const
    process.umask(0)
    const receipt = await write({ host })
    // Not by a change of mode, which is skipped there: the file was never anything else.
    expect(statSync(here().path).mode & 0o777).toBe(0o600)
    expect(readFileSync(here().path, 'utf8')).toContain(SECRET)
    expect((await restoreCredentials(kept(receipt), host)).outcome).toBe('restored')
    expect(readFileSync(here().path, 'utf8')).toBe('a: b\n')
    expect(snapshot(here().home).map((line) => line.replace(/ 6[04]{2} /, ' '))).toEqual(
      before.map((line) => line.replace(/ 6[04]{2} /, ' ')),
    )
  })

  it('are what RubyGems asks for: it reads the key, and read none from the file as it was', async () => {
    put(here().path, `---\n${KEY}: ${OLD}\n`, 0o644)
    expect(ask()).toContain('0644 but 0600 is required')
    await write({ secret: new Secret(SECRET) })
    expect(ask()).toBe(`"${SECRET}"\n`)
  })
})
