import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { objectAt, parseJson, stringAt } from '../src/json.ts'
import { VERSION } from '../src/version.ts'

const ROOT = path.resolve(import.meta.dirname, '..')

function json(name: string): unknown {
  return parseJson(readFileSync(path.join(ROOT, name), 'utf8'))
}

/** Files under version control, with those that are about to be; without what is deleted. */
function trackedFiles(): string[] {
  const names = git('ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0')
  return [...new Set(names)].filter((name) => name !== '' && existsSync(path.join(ROOT, name)))
}

/** The checkout may belong to somebody else, as in a container of CI. */
function git(...args: string[]): string {
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 } as const
  return execFileSync('git', ['-c', 'safe.directory=*', ...args], options)
}

function filesWith(pattern: RegExp): string[] {
  return trackedFiles().filter((name) => pattern.test(readFileSync(path.join(ROOT, name), 'latin1')))
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

describe('the repository', () => {
  it('has one version', () => {
    expect(stringAt(json('package.json'), 'version')).toBe(VERSION)
    expect(stringAt(json('package-lock.json'), 'version')).toBe(VERSION)
  })

  it('locks what package.json asks for, in exact versions', () => {
    const manifest = json('package.json')
    const locked = objectAt(json('package-lock.json'), 'packages')
    for (const kind of ['dependencies', 'devDependencies']) {
      const wanted = objectAt(manifest, kind)
      expect(objectAt(locked, '', kind)).toEqual(wanted)
      const versions = Object.keys(wanted).map((name) => [name, stringAt(locked, `node_modules/${name}`, 'version')])
      expect(Object.fromEntries(versions)).toEqual(wanted)
    }
  })

  it('has no hooks in modules that test files share, and mocks none: a worker loads a module once for all files', () => {
    expect(filesWith(/\bvi\s*\.\s*(?:mock|doMock)\(/)).toEqual([])
    const withHooks = filesWith(/^(?:before|after)(?:Each|All)\(/m).filter((name) => !name.endsWith('.test.ts'))
    expect(withHooks).toEqual([])
  })

  it('says nowhere where packages are downloaded from', () => {
    const locked = Object.entries(objectAt(json('package-lock.json'), 'packages'))
    expect(locked.filter(([, entry]) => stringAt(entry, 'resolved') !== undefined)).toEqual([])
    // In pieces, so that this file is none of those it looks for.
    const hosts = [
      ['registry', 'npmjs'],
      ['registry', 'yarnpkg'],
      ['npm', 'pkg'],
      ['pypi', 'org'],
      ['npm', 'mirror'],
    ]
    const pattern = new RegExp(hosts.map((parts) => literally(parts.join('.'))).join('|'))
    expect(filesWith(pattern)).toEqual([])
  })

  it('names no directory of the machine it was written on', () => {
    const homes = new RegExp(`${literally(ROOT)}/|/(?:Users|home)/(?!runner/|user/|app/)[a-z][\\w.-]*/|/root/\\.`)
    expect(filesWith(homes)).toEqual([])
  })

  it('starts its scripts without a build: they are executable', () => {
    const scripts = git('ls-files', '--stage', 'script', '.ci')
      .split('\n')
      .filter((line) => /\t(script|\.ci)\/[a-z-]+$/.test(line))
    expect(scripts.length).toBeGreaterThanOrEqual(5)
    expect(scripts.filter((line) => !line.startsWith('100755'))).toEqual([])
  })
})
