import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { buildEnvironment, releaseTaskEnvironment } from '../../src/rubygems/child-environment.ts'
import { ending } from '../../src/world/processes.ts'
import { startable } from '../../src/world/startable.ts'

describe('on Windows', () => {
  it.each(['rake', 'gem', 'bundle'])('%s is started through Ruby, since it is a batch file there', (program) => {
    const { program: ruby, args } = startable({ program, args: ['--version'] }, 'win32')
    expect([ruby, ...args]).toEqual(['ruby', '-S', program, '--version'])
    // That Ruby finds it so is the same everywhere.
    expect(execFileSync(ruby, args, { encoding: 'utf8' })).toMatch(/\d+\.\d+\.\d+/)
  })

  it('every other program is started as it is, and these are elsewhere', () => {
    const git = { program: 'git', args: ['--version'] }
    expect(startable(git, 'win32')).toEqual(git)
    const rake = { program: 'rake', args: ['build'] }
    expect(startable(rake, 'linux')).toEqual(rake)
  })

  it('a program is ended with its whole tree, by a program the project cannot put another in the place of', () => {
    const [program, args] = ['D:\\WINNT\\System32\\taskkill.exe', ['/pid', '42', '/t', '/f']]
    expect(ending(42, 'win32', 'D:\\WINNT')).toEqual({ program, args })
    expect(ending(42, 'darwin')).toEqual({ group: -42 })
    expect(ending(42, 'linux')).toEqual({ group: -42 })
  })

  it('names of variables are the same in every spelling', () => {
    const env = {
      Path: 'C:\\Ruby\\bin',
      SYSTEMROOT: 'C:\\Windows',
      windir: 'C:\\Windows',
      Actions_Runtime_Token: 'secret',
    }
    const kept = { PATH: 'C:\\Ruby\\bin', SYSTEMROOT: 'C:\\Windows', WINDIR: 'C:\\Windows' }
    expect(buildEnvironment(env, {}, 'win32')).toEqual(kept)
    expect(releaseTaskEnvironment(env, {}, 'win32')).toEqual(kept)
    expect(buildEnvironment(env, {}, 'linux')).toEqual({ windir: 'C:\\Windows' })
  })
})
