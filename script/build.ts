import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * Builds `dist/`: `tsc` emits `lib/`, ncc makes one bundle of each entry. `--check` builds elsewhere and compares, file
 * by file and in both directions, so that a file nobody committed is noticed as well as a changed one.
 */

const ROOT = path.resolve(import.meta.dirname, '..')
const DIST = path.join(ROOT, 'dist')
const ENTRIES = ['main', 'post', 'credentials', 'gem-command']
/** Ruby that the bundles start; it stays a file of its own. */
const ASSETS = { 'rubygems/probe.rb': 'probe.rb' }

function run(program: string, ...args: string[]): void {
  execFileSync(path.join(ROOT, 'node_modules', '.bin', program), args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
}

function build(target: string): void {
  rmSync(path.join(ROOT, 'lib'), { recursive: true, force: true })
  run('tsc', '--project', 'tsconfig.build.json')
  for (const entry of ENTRIES) {
    run('ncc', 'build', `lib/${entry}.js`, '--out', path.join(target, entry), '--license', 'licenses.txt', '--quiet')
  }
  for (const [source, name] of Object.entries(ASSETS)) cpSync(path.join(ROOT, 'src', source), path.join(target, name))
}

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .toSorted()
}

function differences(fresh: string): string[] {
  const names = new Set([...filesBelow(fresh), ...filesBelow(DIST)])
  return [...names].filter((name) => {
    const [built, committed] = [path.join(fresh, name), path.join(DIST, name)]
    return !existsSync(built) || !existsSync(committed) || !readFileSync(built).equals(readFileSync(committed))
  })
}

if (process.argv.includes('--check')) {
  const fresh = mkdtempSync(path.join(tmpdir(), 'release-gem-dist-'))
  build(fresh)
  const different = differences(fresh)
  rmSync(fresh, { recursive: true })
  for (const name of different) process.stderr.write(`dist/${name} is not what the source builds\n`)
  process.stdout.write(different.length === 0 ? 'dist equals a fresh build\n' : 'Run `npm run build` and commit dist.\n')
  process.exitCode = different.length === 0 ? 0 : 1
} else {
  rmSync(DIST, { recursive: true, force: true })
  mkdirSync(DIST)
  build(DIST)
  const total = filesBelow(DIST).reduce((sum, name) => sum + readFileSync(path.join(DIST, name)).length, 0)
  writeFileSync(1, `dist: ${String(filesBelow(DIST).length)} files, ${String(Math.round(total / 1024))} KiB\n`)
}
