import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { files } from '../../src/world/files.ts'
import { watchDirectory } from '../../src/world/private-directory.ts'
import { findProgram } from '../../src/world/programs.ts'

let root: string
const at = (...names: string[]): string => path.join(root, ...names)

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'release-gem-files-'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

describe('an answer that a program of the project has left', () => {
  it('is read where it is a file', async () => {
    await writeFile(at('answer'), '{"é": 1}')
    expect(await files.answer(at('answer'))).toBe('{"é": 1}')
  })

  it.each<[string, () => Promise<unknown> | void]>([
    ['nothing', () => undefined],
    ['a pipe', () => void execFileSync('mkfifo', [at('answer')])],
    ['a directory', () => mkdir(at('answer'))],
    ['a link', () => symlink('/etc/hostname', at('answer'))],
    ['endless', () => writeFile(at('answer'), '').then(() => truncate(at('answer'), 2 ** 40))],
  ])('is none where it is %s', async (_, make) => {
    await make()
    expect(await files.answer(at('answer'))).toBeUndefined()
  })
})

describe('the text of a file of the project', () => {
  it('is read through a link, as a changelog may be one', async () => {
    await writeFile(at('HISTORY.md'), '## 1.2.3')
    await symlink('HISTORY.md', at('CHANGELOG.md'))
    expect(await files.text(at('CHANGELOG.md'))).toBe('## 1.2.3')
  })

  it.each<[string, () => Promise<unknown> | void]>([
    ['nothing', () => undefined],
    ['a pipe nobody writes to', () => void execFileSync('mkfifo', [at('text')])],
    ['a directory', () => mkdir(at('text'))],
  ])('is none where it is %s', async (_, make) => {
    await make()
    expect(await files.text(at('text'))).toBeUndefined()
  })
})

describe('our private directory', () => {
  it.each<[string, () => Promise<void>]>([
    ['removed', () => rm(at('own'), { recursive: true })],
    [
      'replaced',
      () =>
        rename(at('own'), at('moved'))
          .then(() => mkdir(at('own'), { mode: 0o700 }))
          .then(() => undefined),
    ],
    ['a link', () => rename(at('own'), at('moved')).then(() => symlink(at('moved'), at('own')))],
    ['open to others', () => chmod(at('own'), 0o777)],
  ])('is no longer ours when it is %s', async (_, change) => {
    await mkdir(at('own'), { mode: 0o700 })
    const expectOurs = await watchDirectory(at('own'))
    await writeFile(at('own', 'file'), '')
    await expect(expectOurs()).resolves.toBeUndefined()
    await change()
    await expect(expectOurs()).rejects.toMatchObject({ code: 'tampered-job' })
  })
})

describe('a program on PATH', () => {
  it('is the first that is a program, in a directory with an absolute path', async () => {
    for (const directory of ['closed', 'folder', 'plain', 'right', 'late']) await mkdir(at(directory))
    await mkdir(at('folder', 'tool'))
    await writeFile(at('plain', 'tool'), '', { mode: 0o644 })
    await writeFile(at('right', 'tool'), '', { mode: 0o755 })
    await writeFile(at('late', 'tool'), '', { mode: 0o755 })
    const directories = [
      at('missing'),
      at('plain', 'tool'),
      at('folder'),
      at('plain'),
      'relative',
      '',
      at('right'),
      at('late'),
    ]
    expect(await findProgram('tool', directories.join(path.delimiter))).toBe(at('right', 'tool'))
    expect(await findProgram('other', directories.join(path.delimiter))).toBeUndefined()
    expect(await findProgram('tool', undefined)).toBeUndefined()
  })
})
