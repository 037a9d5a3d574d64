import { spawn } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import path from 'node:path'
import { objectsAt, parseJson, stringAt } from '../src/json.ts'

/**
 * Every check, then every test, each to its end whatever failed before. A check counts as one test. The last line is
 * `N passed, N failed`.
 */

interface Count {
  passed: number
  failed: number
  skipped: number
}

const ROOT = path.resolve(import.meta.dirname, '..')
const BIN = path.join(ROOT, 'node_modules', '.bin')
const CHECKS: Record<string, readonly string[]> = {
  'Formatting (oxfmt)': ['oxfmt', '--check'],
  'Types (tsc)': ['tsc', '--noEmit'],
  'Lint (oxlint, type-aware)': ['oxlint', '--type-aware', '--deny-warnings'],
  'dist is what src builds (script/build --check)': ['node', 'script/build.ts', '--check'],
}

/** Set by a signal: what runs then is ended, nothing more is started, and what it has left behind is removed here. */
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())

/** Exit code of a program, which sees the Node.js of the action first on its PATH. */
async function run([program = '', ...args]: readonly string[], more: Record<string, string> = {}): Promise<number> {
  if (stop.signal.aborted) return 1
  const env = { ...process.env, ...more, PATH: [BIN, process.env['PATH'] ?? ''].join(path.delimiter) }
  const child = spawn(path.join(BIN, program), args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] })
  const end = (): boolean => child.kill()
  stop.signal.addEventListener('abort', end)
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (exitCode) => {
      resolve(exitCode ?? 1)
    })
  })
  stop.signal.removeEventListener('abort', end)
  return code
}

async function check(): Promise<Count> {
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const [title, command] of Object.entries(CHECKS)) {
    process.stdout.write(`\n${title}\n`)
    const code = await run(command)
    if (code === 0) count.passed += 1
    else count.failed += 1
    process.stdout.write(code === 0 ? 'passed\n' : `FAILED: ${command.join(' ')}\n`)
  }
  return count
}

async function test(options: readonly string[]): Promise<Count> {
  process.stdout.write('\nTests (vitest)\n')
  const place = memoryPlace() ?? tmpdir()
  const directory = mkdtempSync(path.join(place, 'release-gem-tests-'))
  const file = path.join(directory, 'report.json')
  const files = path.join(directory, 'files')
  try {
    mkdirSync(files)
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const code = await run(['vitest', 'run', ...reporters, ...options], {
      SANDBOX_COMPILE_CACHE: path.join(directory, 'compiled'),
      TMPDIR: files,
    })
    const count = countTests(file)
    const left = readdirSync(files)
    if (left.length > 0 && !stop.signal.aborted) {
      process.stdout.write(`\nFAILED: tests have left files behind: ${left.join(', ')}\n`)
      count.failed += 1
    }
    // A file that could not be read, an unhandled error, or vitest itself failing are in no test's state.
    if (code !== 0 && count.failed === 0) count.failed = 1
    return count
  } finally {
    // Programs that were ended with the tests may still be writing.
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** In bytes; several times what tests that run at a time need. */
const ROOM = 4e9

/**
 * A directory for files that live in memory, where there is one with room whose files may be run: the thousands that
 * tests make and remove keep a disk's file system busy for up to a tenth of the time.
 */
function memoryPlace(): string | undefined {
  const place = '/dev/shm'
  if (process.platform !== 'linux' || !existsSync(place)) return undefined
  const { bsize, bavail } = statfsSync(place)
  if (Math.min(bsize * bavail, freemem()) < ROOM) return undefined
  const probe = path.join(place, `release-gem-${String(process.pid)}`)
  try {
    writeFileSync(probe, '', { mode: 0o700 })
    accessSync(probe, constants.X_OK)
    return place
  } catch {
    return undefined
  } finally {
    rmSync(probe, { force: true })
  }
}

function countTests(file: string): Count {
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const suite of objectsAt(readReport(file), 'testResults')) {
    const states = objectsAt(suite, 'assertionResults').map((one) => stringAt(one, 'status'))
    const failed = states.filter((state) => state === 'failed').length
    const passed = states.filter((state) => state === 'passed').length
    count.passed += passed
    count.failed += failed === 0 && stringAt(suite, 'status') === 'failed' ? 1 : failed
    count.skipped += states.length - passed - failed
  }
  return count
}

function readReport(file: string): unknown {
  try {
    return parseJson(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

const counts = [await check(), await test(process.argv.slice(2))]
const sum = (key: keyof Count): number => counts.reduce((total, count) => total + count[key], 0)
const skipped = sum('skipped') === 0 ? '' : `, ${String(sum('skipped'))} skipped`
process.stdout.write(`\n${String(sum('passed'))} passed, ${String(sum('failed'))} failed${skipped}\n`)
process.exitCode = sum('failed') === 0 ? 0 : 1
