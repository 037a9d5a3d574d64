import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCheckout } from '../src/git/checkout.ts'
import { readOnlyGit } from '../src/git/git.ts'

const run = promisify(execFile)
const PEOPLE = '[user]\n  name = Ada\n  email = ada@example.com\n'

let root: string
let checkout: string
let env: Record<string, string>

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'release-gem-checkout-'))
  checkout = path.join(root, 'checkout')
  env = { PATH: process.env['PATH'] ?? '', HOME: root }
  await mkdir(checkout)
  await writeFile(path.join(root, '.gitconfig'), PEOPLE)
  for (const name of ['one.rb', 'two.rb']) await writeFile(path.join(checkout, name), 'one\ntwo\n')
  await git('init', '--quiet', '--initial-branch', 'main')
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'One')
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

async function git(...args: string[]): Promise<void> {
  await run('git', args, { cwd: checkout, env })
}

/** As Git for Windows checks out, because of a setting of the machine. */
async function checkOutWithCrlf(setting: string): Promise<void> {
  await writeFile(path.join(root, '.gitconfig'), `${PEOPLE}[core]\n  ${setting}\n`)
  await rm(path.join(checkout, 'one.rb'))
  await rm(path.join(checkout, 'two.rb'))
  await git('checkout', '--', '.')
  expect(await readFile(path.join(checkout, 'one.rb'), 'utf8')).toBe('one\r\ntwo\r\n')
}

describe('a checkout with CRLF where the commit has LF', () => {
  it.each(['autocrlf = true', 'autocrlf'])('is clean with %s', async (setting) => {
    await checkOutWithCrlf(setting)
    expect(await readCheckout(readOnlyGit(checkout, env))).toMatchObject({ dirty: [], branch: 'main' })
  })

  it('has changed where more than the ends of lines has', async () => {
    await checkOutWithCrlf('autocrlf = true')
    await writeFile(path.join(checkout, 'two.rb'), 'one\r\nthree\r\n')
    expect(await readCheckout(readOnlyGit(checkout, env))).toMatchObject({ dirty: ['two.rb'] })
  })

  it('has changed where no setting explains it', async () => {
    await writeFile(path.join(checkout, 'two.rb'), 'one\r\ntwo\r\n')
    expect(await readCheckout(readOnlyGit(checkout, env))).toMatchObject({ dirty: ['two.rb'] })
  })
})
