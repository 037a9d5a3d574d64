import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { CommandFiles } from '../../src/world/command-files.ts'

let root: string
let directory: string
let variables: string
let output: string

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'release-gem-commands-'))
  directory = path.join(root, '_runner_file_commands')
  await mkdir(directory)
  variables = path.join(directory, 'set_env_1')
  output = path.join(directory, 'set_output_1')
  await writeFile(variables, 'BEFORE=1\n')
  await writeFile(output, '')
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

function watch(): CommandFiles {
  return new CommandFiles({ GITHUB_ENV: variables, GITHUB_OUTPUT: output })
}

/** What a check has to say; empty where everything is as it was. */
function complaint(files: CommandFiles): string {
  try {
    files.check()
    return ''
  } catch (error) {
    if (!(error instanceof ReleaseError) || error.code !== 'tampered-job') throw error
    return `${error.problems[0].what} ${error.problems[0].why ?? ''}`
  }
}

describe('the files through which a step speaks', () => {
  it.each<[string, () => Promise<void> | void, RegExp]>([
    ['appended to', () => writeFile(variables, 'X=1\n', { flag: 'a' }), /: GITHUB_ENV\. .*taken out again/],
    ['emptied', () => writeFile(variables, ''), /: GITHUB_ENV\./],
    ['removed', () => rm(variables), /: GITHUB_ENV\./],
    ['replaced by a link to the same text', () => link(), /: GITHUB_ENV\./],
    ['replaced by a directory', () => rm(output).then(() => mkdir(output)), /: GITHUB_OUTPUT\./],
    ['replaced by a pipe', () => pipe(), /: GITHUB_OUTPUT\./],
    ['removed with their directory', () => rm(directory, { recursive: true }), /: GITHUB_ENV, GITHUB_OUTPUT\./],
  ])('are found %s, and put back', async (_, change, says) => {
    const files = watch()
    expect(complaint(files)).toBe('')
    await change()
    expect(complaint(files)).toMatch(says)
    expect(await readFile(variables, 'utf8')).toBe('BEFORE=1\n')
    expect(await readFile(output, 'utf8')).toBe('')
    expect(complaint(files)).toBe('')
  })

  it('may have neighbours, which belong to steps that run at the same time, and are left alone', async () => {
    const other = path.join(directory, 'set_output_2')
    await writeFile(other, '')
    const files = watch()
    await writeFile(other, 'theirs=1\n')
    await writeFile(path.join(directory, 'set_output_3'), 'begun=1\n')
    expect(complaint(files)).toBe('')
    await writeFile(variables, 'X=1\n')
    expect(complaint(files)).toMatch(/: GITHUB_ENV\./)
    expect(await readFile(other, 'utf8')).toBe('theirs=1\n')
  })

  it('that cannot be put back are said to reach later steps', async () => {
    const files = watch()
    await rm(directory, { recursive: true })
    await writeFile(directory, 'a file now')
    expect(complaint(files)).toMatch(/GITHUB_ENV, GITHUB_OUTPUT\. .*could not be taken out again/)
  })

  it('may be written by ourselves', async () => {
    const files = watch()
    files.write('GITHUB_OUTPUT', () => execFileSync('sh', ['-c', `echo name=x >> "${output}"`]))
    expect(complaint(files)).toBe('')
    expect(await readFile(output, 'utf8')).toBe('name=x\n')
  })

  it('need not be there at all', () => {
    expect(complaint(new CommandFiles({}))).toBe('')
    expect(complaint(new CommandFiles({ GITHUB_ENV: path.join(root, 'nowhere', 'file') }))).toBe('')
  })
})

async function link(): Promise<void> {
  const elsewhere = path.join(root, 'elsewhere')
  await writeFile(elsewhere, 'BEFORE=1\n')
  await rm(variables)
  await symlink(elsewhere, variables)
}

async function pipe(): Promise<void> {
  await rm(output)
  execFileSync('mkfifo', [output])
}
