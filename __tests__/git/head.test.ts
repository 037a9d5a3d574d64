import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { git } from '../../sandbox/github/git.ts'
import { headOf } from '../../src/git/head.ts'

let top: string
let checkout: string

beforeEach(async () => {
  top = await realpath(await mkdtemp(path.join(tmpdir(), 'release-gem-head-')))
  checkout = path.join(top, 'lens')
  await git(['init', '--quiet', '--initial-branch=main', checkout])
})

afterEach(async () => {
  await rm(top, { recursive: true, force: true })
})

async function run(...args: string[]): Promise<string> {
  return git(args, { cwd: checkout })
}

async function commit(): Promise<string> {
  await run('commit', '--quiet', '--allow-empty', '--message', 'Change')
  return run('rev-parse', 'HEAD')
}

async function write(name: string, text: string): Promise<void> {
  await writeFile(path.join(checkout, '.git', name), text)
}

describe('the commit that is checked out, as files tell', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['on a branch', async () => undefined],
    ['on no branch', () => run('checkout', '--quiet', '--detach')],
    ['on a branch whose refs are packed', () => run('pack-refs', '--all')],
    ['on a branch that another one’s name ends with', () => run('checkout', '--quiet', '-b', 'x/refs/heads/main')],
    [
      'on a branch that has moved since refs were packed',
      async () => {
        await run('pack-refs', '--all')
        await commit()
      },
    ],
  ])('is what git says: %s', async (_, prepare) => {
    await commit()
    await run('tag', '--annotate', '--message', 'One', 'v1')
    await commit()
    await prepare()
    expect(await headOf(checkout, top)).toBe(await run('rev-parse', 'HEAD'))
  })

  it('is found from a directory below, also from one that is not there', async () => {
    const head = await commit()
    await mkdir(path.join(checkout, 'gems'))
    expect(await headOf(path.join(checkout, 'gems'), top)).toBe(head)
    expect(await headOf(path.join(checkout, 'gems', 'none'), top)).toBe(head)
  })

  it('is read in a further working tree, which shares its refs with the first', async () => {
    const first = await commit()
    const other = path.join(top, 'other')
    await run('worktree', 'add', '--quiet', '-b', 'next', other)
    await commit()
    expect(await headOf(other, top)).toBe(first)
  })

  it('is not looked for above the workspace, nor outside of it', async () => {
    const head = await commit()
    const gems = path.join(checkout, 'gems')
    await mkdir(gems)
    expect(await headOf(checkout, checkout)).toBe(head)
    expect(await headOf(gems, gems)).toBeUndefined()
    expect(await headOf(checkout, gems)).toBeUndefined()
    const { root } = path.parse(top)
    expect(await headOf(root, root)).toBeUndefined()
  })

  it.each<[string, () => Promise<void>]>([
    ['has no commit', async () => undefined],
    ['keeps its refs in another form', () => write('HEAD', 'ref: refs/heads/.invalid\n')],
    ['names a ref outside of git’s directory', () => write('HEAD', 'ref: refs/../../stray\n')],
    ['names half a commit', () => write('HEAD', 'a1b2c3\n')],
    ['has a branch that is no commit', () => write('refs/heads/main', 'ref: refs/heads/other\n')],
    [
      'has a link for a HEAD',
      async () => {
        await rm(path.join(checkout, '.git', 'HEAD'))
        await symlink(path.join(top, 'stray'), path.join(checkout, '.git', 'HEAD'))
      },
    ],
    [
      'is none',
      async () => {
        await rm(path.join(checkout, '.git'), { recursive: true })
      },
    ],
  ])('is not known of a checkout that %s', async (_, prepare) => {
    await writeFile(path.join(top, 'stray'), `${'a1'.repeat(20)}\n`)
    await writeFile(path.join(checkout, 'stray'), `${'a1'.repeat(20)}\n`)
    await prepare()
    expect(await headOf(checkout, top)).toBeUndefined()
  })
})
