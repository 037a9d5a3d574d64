import { describe, expect, it } from 'vitest'
import { type Contents, contentsOf, type Finding } from './dist-code.ts'
import { read, trackedFiles } from './workflow-texts.ts'

const files = trackedFiles('dist/**')
const bundles = files.filter((name) => name.endsWith('.js'))

/** Bundles share most of their code and some of their chunks: each text is read once. */
const known = new Map<string, Contents>()
function contents(name: string): Contents {
  const source = read(name)
  const found = known.get(source) ?? contentsOf(source)
  known.set(source, found)
  return found
}

/** Who may start programs: ours in one place each, and the toolkit's, with which git is read. */
const STARTS_PROGRAMS = [
  './lib/gem-command.js',
  './lib/world/processes.js',
  './node_modules/@actions/exec/lib/toolrunner.js',
]

/** What neither we nor what we bundle has any business with. */
const NEVER = ['vm', 'module', 'inspector', 'repl', 'cluster', 'v8', 'wasi', 'test', 'sea']

describe('dist', () => {
  it('is bundles, what starts them as ES modules, Ruby, and licences', () => {
    const entries = ['build', 'credentials', 'gem-command', 'main', 'post']
    expect([...new Set(bundles.map((name) => name.split('/')[1]))]).toEqual(entries)
    const others = files.filter((name) => !/^dist\/[a-z-]+\/(\d+\.)?index\.js$/.test(name))
    const starts = entries.map((entry) => `dist/${entry}/package.json`)
    expect(others).toEqual([...starts, 'dist/build.rb', 'dist/licenses.txt', 'dist/probe.rb'].toSorted())
    for (const name of starts) expect(JSON.parse(read(name))).toEqual({ type: 'module' })
  })

  it.each(bundles)('%s runs no text, loads nothing it computes, and knows no machine or time', (name) => {
    expect(contents(name).findings).toEqual([])
  })

  it('starts programs in few places, and loads nothing that debugs or makes code', () => {
    const all = bundles.map((name) => contents(name).builtins)
    const starters = new Set(all.flatMap((used) => [...(used.get('child_process') ?? [])]))
    expect([...starters].toSorted()).toEqual(STARTS_PROGRAMS)
    expect(all.flatMap((used) => NEVER.filter((builtin) => used.has(builtin)))).toEqual([])
    // What the stand-in for `gem` can reach: the action's socket and the real `gem`, no file and no other machine.
    const standIn = [...contents('dist/gem-command/index.js').builtins.keys()]
    expect(standIn.filter((name) => !['child_process', 'net', 'os', 'path'].includes(name))).toEqual([])
  })

  it('is not minified: what changes in it can be read', () => {
    for (const name of bundles) {
      // Parsers in WebAssembly are one long line of base64 each, and there are few.
      const long = read(name)
        .split('\n')
        .filter((line) => line.length > 1000)
      expect(long.length, name).toBeLessThan(12)
      expect(
        long.filter((line) => !/[A-Za-z0-9+/=]{900}|"[^"]{900}/.test(line)),
        name,
      ).toEqual([])
    }
  })
})

describe('what would be found', () => {
  it.each<[Finding['kind'], string]>([
    ['code from text', 'eval(text)'],
    ['code from text', 'globalThis.eval(text)'],
    ['code from text', 'new Function("return 1")'],
    ['code from text', 'Function("return 1")()'],
    ['code from text', 'setTimeout("work()", 1)'],
    ['code from text', 'vm.runInThisContext(text)'],
    ['computed module', 'await import(name)'],
    ['computed module', 'import("./" + name)'],
    ['computed module', 'require(name)'],
    ['computed module', '__WEBPACK_EXTERNAL_createRequire(import.meta.url)(name)'],
    ['native code', 'process.dlopen(module, file)'],
    ['native code', 'process.binding("fs")'],
    ['absolute path', 'read("/home/user/project/lib/a.js")'],
    ['absolute path', 'read("file:///Users/user/a.js")'],
    ['absolute path', String.raw`read("C:\\work\\a.js")`],
    ['time', 'const built = "2026-11-23T08:00:00Z"'],
    ['time', 'const built = "Mon, 23 Nov 2026 08:00:00 GMT"'],
  ])('%s: %s', (kind, code) => {
    expect(contentsOf(code).findings.map((found) => found.kind)).toContain(kind)
  })

  it.each([
    '// eval(text)',
    'log("eval(text), /home/user")',
    'object.eval',
    'import("./413.index.js")',
    '__WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs")',
    'setTimeout(work, 1)',
    'const path = "/api/v1/gems"',
  ])('nothing: %s', (code) => {
    expect(contentsOf(code).findings).toEqual([])
  })

  it('a program started from elsewhere', () => {
    const load = '__WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:child_process")'
    const bundle = `const p = ${load};\n;// CONCATENATED MODULE: ./lib/tags.js\n(0,p.spawn)("ls")\n`
    expect(contentsOf(bundle).builtins.get('child_process')).toEqual(new Set(['./lib/tags.js']))
    expect(contentsOf(`module.exports = ${load};`).builtins.get('child_process')).toEqual(new Set(['anybody']))
  })
})
