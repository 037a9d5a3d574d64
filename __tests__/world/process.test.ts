import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { node24 } from '../../sandbox/runner/execution.ts'

const MODULE = path.resolve(import.meta.dirname, '../../src/world/process.ts')

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
  /** Milliseconds from the signal, or from the start without one. */
  took: number
}

/** Runs a script that has the module's functions, and sends it a signal once it says `ready`. */
async function play(script: string, signal?: NodeJS.Signals): Promise<Ended> {
  const text = `import { guardExit, watchSignals } from ${JSON.stringify(MODULE)}\n${script}`
  const child = spawn(node24(), ['--input-type=module', '--eval', text], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  let since = Date.now()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (signal && output.startsWith('ready')) {
      since = Date.now()
      child.kill(signal)
      signal = undefined
    }
  })
  const closed = once(child, 'close')
  await closed
  return { code: child.exitCode, signal: child.signalCode, output, took: Date.now() - since }
}

const GUARD = `const exit = guardExit(() => console.log('complaint'))\n`
const WATCH = `${GUARD}const { stop, abandon } = watchSignals()
const since = Date.now()
const alive = setInterval(() => {}, 50)
`

describe('the exit code of a step', () => {
  it.each([
    { ending: 'succeed', script: 'exit.succeed()', code: 0, output: '' },
    { ending: 'fail', script: 'exit.fail()', code: 1, output: '' },
    { ending: 'nothing at all', script: '', code: 1, output: 'complaint\n' },
    { ending: 'a promise that never settles', script: 'await new Promise(() => {})', code: 1, output: 'complaint\n' },
    { ending: 'process.exit', script: 'process.exit()', code: 1, output: '' },
  ])('is $code after $ending', async ({ script, code, output }) => {
    expect(await play(`${GUARD}${script}`)).toMatchObject({ code, output })
  })

  it('is not zero where a bundle waits for a promise that never settles', async () => {
    const { code, output } =
      await play(`${GUARD}const main = async () => { await new Promise(() => {}); exit.succeed() }
void main()`)
    expect({ code, output }).toEqual({ code: 1, output: 'complaint\n' })
  })
})

describe('signals of the runner', () => {
  it('SIGINT stops at once, and abandons 5 s later', async () => {
    const { code, output, took } = await play(
      `${WATCH}stop.addEventListener('abort', () => console.log(stop.reason.code, abandon.aborted))
abandon.addEventListener('abort', () => { console.log('abandoned'); clearInterval(alive); exit.fail() })
console.log('ready')`,
      'SIGINT',
    )
    expect(output).toBe('ready\ncancelled false\nabandoned\n')
    expect(code).toBe(1)
    expect(took).toBeGreaterThan(4900)
    expect(took).toBeLessThan(6500)
  })

  it('SIGTERM abandons at once and makes the exit code 143, whatever is set afterwards', async () => {
    const { code, signal, output } = await play(
      `${WATCH}abandon.addEventListener('abort', () => { console.log(stop.aborted); clearInterval(alive); exit.succeed() })
console.log('ready')`,
      'SIGTERM',
    )
    expect({ code, signal, output }).toEqual({ code: 143, signal: null, output: 'ready\ntrue\n' })
  })

  it('SIGTERM ends a step that does not end by itself, before the runner would kill it', async () => {
    const { code, took } = await play(`${WATCH}console.log('ready')`, 'SIGTERM')
    expect(code).toBe(143)
    expect(took).toBeLessThan(2500)
  })
})
