import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ERROR_CODES } from '../src/errors.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8')

/** What stands for something else in a quoted error, and where two sentences of the source meet. */
const EXAMPLES =
  /…|`[^`]*`|"[^"]*"|, but (?:must be )?|: |\(a\.gemspec, b\.gemspec\)|\bfoo\.gemspec\b|octo\/foo|\bfoo\b|(?:https:\/\/)?rubygems\.org|another\/repository|TypeError|GITHUB_ENV|tracked file|bytes with|create the release|did not list it|\b[\w./-]*\d[\w./-]*\b/

interface Manifest {
  name: string
  description: string
  inputs: Record<string, { description: string; default?: string; required?: boolean }>
  outputs?: Record<string, { description: string }>
  runs: { using: string; main: string; post: string; 'post-if': string }
}

const NAMES = ['root', 'build', 'publish', 'credentials'] as const
const ACTIONS = {
  root: 'action.yml',
  build: 'build/action.yml',
  publish: 'publish/action.yml',
  credentials: 'credentials/action.yml',
}

function manifest(name: keyof typeof ACTIONS): Manifest {
  const value: Manifest = parse(read(ACTIONS[name]))
  return value
}

/** Every input name that `inputs.ts` reads: the first argument of the reader's methods. */
function inputsInSource(): Set<string> {
  const source = read('src/inputs.ts')
  return new Set(
    [...source.matchAll(/read\s*\.(?:text|secret|lines|choice|boolean|whole)\(\s*'([a-z-]+)'/g)].map(
      ([, name]) => name ?? '',
    ),
  )
}

describe('the contract is written once', () => {
  it.each(NAMES)('%s: runs shipped files on Node 24, and cleans up', (name) => {
    const { runs, description } = manifest(name)
    expect(runs).toMatchObject({ using: 'node24', 'post-if': 'always()' })
    for (const script of [runs.main, runs.post]) {
      expect(() => readFileSync(path.join(ROOT, path.dirname(ACTIONS[name]), script))).not.toThrow()
    }
    // The marketplace cuts descriptions at 125 characters.
    expect(description.length).toBeLessThanOrEqual(125)
  })

  it('every input of the four actions is read by inputs.ts, and every one it reads is declared', () => {
    const declared = new Set(NAMES.flatMap((name) => Object.keys(manifest(name).inputs)))
    expect(inputsInSource()).toEqual(declared)
  })

  it('the publish action is the root action for prebuilt gems', () => {
    const [root, publish] = [manifest('root'), manifest('publish')]
    expect(publish.outputs).toEqual(root.outputs)
    const { gems, 'working-directory': directory, ...rest } = publish.inputs
    expect(gems?.required).toBe(true)
    expect(directory?.default).toBe('')
    const { gems: _gems, 'working-directory': _directory, strategy: _strategy, ...expected } = root.inputs
    expect(rest).toEqual(expected)
  })

  it('the tables of the README come from action.yml', () => {
    expect(() => execFileSync(process.execPath, [path.join(ROOT, 'script/readme.ts'), '--check'])).not.toThrow()
  })

  it('every error code has its section in troubleshooting.md, in the same order, with text', () => {
    const sections = read('docs/troubleshooting.md').split(/^## /m).slice(1)
    expect(sections.map((section) => section.split('\n')[0])).toEqual([...ERROR_CODES])
    for (const section of sections) expect(section.length).toBeGreaterThan(80)
  })

  it('what troubleshooting.md quotes is what the action says', () => {
    const source = globSync('src/**/*.ts', { cwd: ROOT })
      .map(read)
      .join('\n')
      .replaceAll(/\\([`'])/g, '$1')
    const sections = read('docs/troubleshooting.md').split(/^## /m).slice(1)
    const quoted = sections.map((section) => [...section.matchAll(/^> (.+)$/gm)].map(([, quote = '']) => quote))
    expect(quoted.filter((quotes) => quotes.length === 0)).toEqual([])
    const words = quoted
      .flat()
      .flatMap((quote) => quote.split(EXAMPLES).map((part) => part.replace(/^[.\s]+/, '').trim()))
    expect(words.filter((part) => part.length >= 8 && !source.includes(part))).toEqual([])
  })

  it('the README quotes the benchmark, and no other number, on performance', () => {
    const [, section = ''] = /\n## Performance\n([^]*?)\n## /.exec(read('README.md')) ?? []
    const quoted = section.match(/\d[\d.]* ?(?:ms|s|×|MB|MiB)(?!\w)/g) ?? []
    const results = read('bench/RESULTS.md')
    expect(quoted.length).toBeGreaterThan(8)
    expect(quoted.filter((number) => !results.includes(number))).toEqual([])
  })

  it('links between documents lead somewhere', () => {
    const documents = [
      'README.md',
      'CONTRIBUTING.md',
      'docs/how-it-works.md',
      'docs/troubleshooting.md',
      'docs/migrating.md',
      'docs/rehearsal.md',
      'docs/rehearsed.md',
      'docs/threat-model.md',
      'docs/compatibility.md',
      'docs/releasing.md',
      'SECURITY.md',
    ]
    const links = documents.flatMap((name) =>
      [...read(name).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) =>
        path.join(path.dirname(name), target),
      ),
    )
    expect(links.length).toBeGreaterThan(5)
    expect(links.filter((target) => !existsSync(path.join(ROOT, target)))).toEqual([])
  })
})
