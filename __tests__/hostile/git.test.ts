import { access, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readCheckout } from '../../src/git/checkout.ts'
import { readOnlyGit } from '../../src/git/git.ts'
import { git, newPlace, newTemplate, type Trap, type Trapped, TRAPS } from './git-traps.ts'

let root: string
let template: string
let directory: string
let place: Trapped

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'release-gem-git-'))
  template = await newTemplate(root)
})

beforeEach(async () => {
  directory = await mkdtemp(path.join(root, 'place-'))
  place = await newPlace(directory, template)
})

afterAll(async () => {
  await rm(root, { recursive: true, force: true })
})

/** As the survey sees it, with the variables of a hostile user as well. */
function read(): ReturnType<typeof readCheckout> {
  const { home, program } = place
  const hostile = {
    HOME: home,
    GIT_EXTERNAL_DIFF: program,
    GIT_SSH_COMMAND: program,
    GIT_PAGER: program,
    PAGER: program,
  }
  return readCheckout(readOnlyGit(place.checkout, { PATH: process.env['PATH'], GIT_ASKPASS: program, ...hostile }))
}

async function wasSprung(): Promise<boolean> {
  return access(place.mark).then(
    () => true,
    () => false,
  )
}

async function spring(sprung: NonNullable<Trap['sprung']>): Promise<void> {
  await git(place, ...sprung(place)).catch(() => '')
}

describe('a checkout whose configuration names a program', () => {
  it.each(TRAPS)('$name: nothing runs while it is read', async ({ set, sprung }) => {
    await set(place)
    await rm(place.mark, { force: true })
    await read()
    expect(await wasSprung()).toBe(false)
    // The trap is real: git as people run it springs it.
    if (!sprung) return
    await spring(sprung)
    expect(await wasSprung()).toBe(true)
  })

  it('is read as it is, with all the traps that leave it readable', async () => {
    for (const { name, set } of TRAPS) if (!/partial|submodule|remote that/.test(name)) await set(place)
    await rm(place.mark, { force: true })
    const head = await readOnlyGit(place.checkout, process.env).ask('rev-parse', 'HEAD')
    expect(await read()).toMatchObject({ head, branch: 'main' })
    expect(await wasSprung()).toBe(false)
  })
})

async function lfs(): Promise<void> {
  await git(place, 'config', 'filter.lfs.clean', 'sed s/two/one/')
  await git(place, 'config', 'filter.lfs.required', 'true')
  await writeFile(path.join(place.checkout, '.git/info/attributes'), 'lib.rb filter=lfs\n')
  await writeFile(path.join(place.checkout, 'lib.rb'), 'two\n')
}

describe('files with a filter', () => {
  it('are not called changed for what their filter would have taken out', async () => {
    await lfs()
    expect((await read())?.dirty).toEqual([])
  })

  it('do not hide a change to others', async () => {
    await lfs()
    await writeFile(path.join(place.checkout, '--output=file.rb'), 'two\n')
    expect((await read())?.dirty).toEqual(['--output=file.rb'])
  })
})

describe('names that look like options', () => {
  it('are names: of a branch, a tag and a file', async () => {
    await git(place, 'update-ref', 'refs/heads/--upload-pack=x', 'HEAD')
    await git(place, 'update-ref', 'refs/tags/-d', 'HEAD')
    await git(place, 'symbolic-ref', 'HEAD', 'refs/heads/--upload-pack=x')
    await writeFile(path.join(place.checkout, '--output=file.rb'), 'two\n')
    expect(await read()).toMatchObject({ branch: '--upload-pack=x', dirty: ['--output=file.rb'] })
  })
})

describe('a checkout of somebody else', () => {
  it.runIf(process.getuid?.() === 0)('is read all the same', async () => {
    await chown(place.checkout, 12_345, 12_345)
    await chown(path.join(place.checkout, '.git'), 12_345, 12_345)
    expect(await read()).toMatchObject({ branch: 'main', dirty: [] })
  })
})

describe('a PATH with directories nobody may read', () => {
  it('is searched in silence', async () => {
    const file = path.join(directory, 'no-directory')
    await writeFile(file, '')
    const said: unknown[] = []
    const log = vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => said.push(words))
    const searchPath = `${file}:/nonexistent:relative:${process.env['PATH'] ?? ''}`
    vi.stubEnv('PATH', searchPath)
    const inside = await readOnlyGit(place.checkout, { PATH: searchPath }).ask('rev-parse', '--is-inside-work-tree')
    log.mockRestore()
    vi.unstubAllEnvs()
    expect(inside).toBe('true')
    expect(said).toEqual([])
  })
})
