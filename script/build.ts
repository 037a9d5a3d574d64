import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { licences } from './licenses.ts'

/**
 * Builds `dist/`: `tsc` emits `lib/`, ncc makes one bundle of each entry. `--check` builds elsewhere and compares, file
 * by file and in both directions, so that a file nobody committed is noticed as well as a changed one.
 */

const ROOT = path.resolve(import.meta.dirname, '..')
const DIST = path.join(ROOT, 'dist')
const ENTRIES = ['main', 'post', 'build', 'credentials', 'gem-command']
/** Ruby that the bundles start; it stays a file of its own. */
const ASSETS = { 'rubygems/probe.rb': 'probe.rb', 'rubygems/build.rb': 'build.rb' }
const TOOLS = { tsc: 'typescript/bin/tsc', ncc: '@vercel/ncc/dist/ncc/cli.js' }

const start = promisify(execFile)

async function run(tool: keyof typeof TOOLS, ...args: string[]): Promise<void> {
  const script = path.join(ROOT, 'node_modules', TOOLS[tool])
  try {
    await start(process.execPath, [script, ...args], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error && 'stderr' in error ? [error.stdout, error.stderr] : []
    throw new Error(`${tool} ${args.join(' ')} failed\n${said.join('')}`, { cause: error })
  }
}

async function build(target: string, scratch: string): Promise<void> {
  rmSync(path.join(ROOT, 'lib'), { recursive: true, force: true })
  await run('tsc', '--project', 'tsconfig.build.json')
  await Promise.all(ENTRIES.map((entry) => bundle(entry, target, scratch)))
  for (const [source, name] of Object.entries(ASSETS)) cpSync(path.join(ROOT, 'src', source), path.join(target, name))
  writeFileSync(path.join(target, 'licenses.txt'), licences(ENTRIES.map((entry) => statsFile(entry, scratch))))
  refuseOwnPath(target)
}

async function bundle(entry: string, target: string, scratch: string): Promise<void> {
  // Without the cache, which ncc would share between all checkouts of this machine and never remove.
  const options = ['--out', path.join(target, entry), '--stats-out', statsFile(entry, scratch), '--no-cache', '--quiet']
  await run('ncc', 'build', `lib/${entry}.js`, ...options)
}

function statsFile(entry: string, scratch: string): string {
  return path.join(scratch, `${entry}.json`)
}

/** A bundle that names its directory is another one on every machine, and the check could never pass elsewhere. */
function refuseOwnPath(target: string): void {
  const guilty = filesBelow(target).filter((name) => readFileSync(path.join(target, name)).includes(ROOT))
  if (guilty.length > 0) throw new Error(`${guilty.join(', ')}: the bundle holds the path of this checkout`)
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

const scratch = mkdtempSync(path.join(tmpdir(), 'release-gem-build-'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    rmSync(scratch, { recursive: true, force: true })
    process.exit(1)
  })
}
try {
  const fresh = path.join(scratch, 'dist')
  mkdirSync(fresh)
  await build(fresh, scratch)
  if (process.argv.includes('--check')) {
    const different = differences(fresh)
    for (const name of different) process.stderr.write(`dist/${name} is not what the source builds\n`)
    process.stdout.write(different.length === 0 ? 'dist equals a fresh build\n' : 'Run script/build and commit dist.\n')
    process.exitCode = different.length === 0 ? 0 : 1
  } else {
    rmSync(DIST, { recursive: true, force: true })
    cpSync(fresh, DIST, { recursive: true })
    const sizes = filesBelow(DIST).map((name) => readFileSync(path.join(DIST, name)).length)
    const total = Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1024)
    process.stdout.write(`dist: ${String(sizes.length)} files, ${String(total)} KiB\n`)
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
