import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readStat } from '../../sandbox/runner/proc.ts'
import { systemClock } from '../../src/world/clock.ts'
import { createProcesses, type Finished, ProgramNotFound } from '../../src/world/processes.ts'

const PATH = process.env['PATH'] ?? ''

interface Running {
  lines: string[]
  finished: Promise<Finished>
  stop: AbortController
  abandon: AbortController
}

function start(program: string, args: readonly string[], env: Record<string, string> = { PATH }): Running {
  const [stop, abandon] = [new AbortController(), new AbortController()]
  const processes = createProcesses({
    clock: systemClock,
    signal: stop.signal,
    lastSignal: abandon.signal,
    mark: randomUUID(),
  })
  const lines: string[] = []
  const onLine = (line: string): void => {
    lines.push(line)
  }
  return { lines, finished: processes.run({ program, args, cwd: '/', env, onLine }), stop, abandon }
}

const shell = (script: string): Running => start('sh', ['-c', script])

async function printed(running: Running, line: string): Promise<void> {
  while (!running.lines.includes(line)) await sleep(5)
}

/** A process that has ended may be there for seconds: it is up to the machine's first process to take note of it. */
function isAlive(pid: string | undefined): boolean {
  try {
    process.kill(Number(pid), 0)
    return readStat(Number(pid))?.state !== 'Z'
  } catch {
    return false
  }
}

/** Why a run was rejected. */
async function reasonOf(finished: Promise<Finished>): Promise<string> {
  try {
    await finished
    return 'it was not rejected'
  } catch (error) {
    return error instanceof Error ? error.message : 'something else'
  }
}

describe('a program that is run', () => {
  it.each([
    { script: 'exit 0', code: 0 },
    { script: 'exit 7', code: 7 },
    { script: 'kill -TERM $$', code: 143 },
    { script: 'kill -KILL $$', code: 137 },
  ])('`$script` ends with $code', async ({ script, code }) => {
    expect((await shell(script).finished).code).toBe(code)
  })

  it('shows its lines, whatever ends them, and the last one without an end', async () => {
    const running = shell(String.raw`printf 'one\ntwo\r\nthree\rfour\n\n'; printf 'five'`)
    await running.finished
    expect(running.lines).toEqual(['one', 'two', 'three', 'four', '', 'five'])
  })

  it('puts characters together that arrive in pieces', async () => {
    const running = shell(String.raw`printf '\303'; sleep 0.1; printf '\251t\303\251\n'`)
    await running.finished
    expect(running.lines).toEqual(['été'])
  })

  it('shows stderr as well, and keeps the last 40 lines', async () => {
    const running = shell('for i in $(seq 50); do echo $i >&2; done')
    const { tail } = await running.finished
    expect(running.lines).toHaveLength(50)
    expect(tail).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 11)))
  })

  it('cuts a line without an end, and stops showing at 50,000', async () => {
    const long = shell(`head -c 100000 /dev/zero | tr '\\0' x`)
    await long.finished
    expect(long.lines.length).toBeGreaterThan(1)
    expect(long.lines.join('')).toHaveLength(100_000)
    const many = shell('seq 60000')
    const { tail } = await many.finished
    expect(many.lines).toHaveLength(50_001)
    expect(many.lines.at(-1)).toBe('[further output is not shown]')
    expect(tail.at(-1)).toBe('60000')
  })

  it('has the environment it was given and no other, and nothing to read', async () => {
    const running = start('/usr/bin/env', [], { ONLY: 'this' })
    await running.finished
    expect(running.lines).toEqual(['ONLY=this', expect.stringMatching(/^RELEASE_GEM_CHILD=[0-9a-f-]{36}\.1$/)])
    expect((await shell('read line').finished).code).not.toBe(0)
  })

  it('is named where it is not there', async () => {
    await expect(start('no-such-program-here', []).finished).rejects.toThrow(ProgramNotFound)
  })

  it('does not leave children behind, nor wait for them', async () => {
    const running = shell('sleep 60 & echo $!')
    const before = Date.now()
    await running.finished
    expect(Date.now() - before).toBeLessThan(2000)
    await expect.poll(() => isAlive(running.lines[0]), { timeout: 2000 }).toBe(false)
  })

  it('does not leave those behind that have left its process group either', async () => {
    const daemon = 'setsid sh -c "trap \'\' INT TERM HUP; echo \\$\\$; while :; do sleep 1; done"'
    const running = shell(`${daemon} & sleep 0.3`)
    await running.finished
    expect(running.lines).toEqual([expect.stringMatching(/^\d+$/)])
    await expect.poll(() => isAlive(running.lines[0]), { timeout: 2000 }).toBe(false)
  })

  it('does not end what others have started', async () => {
    const other = spawn('sleep', ['30'], { env: { PATH, RELEASE_GEM_CHILD: `${randomUUID()}.1` } })
    try {
      await shell('exit 0').finished
      expect(isAlive(String(other.pid))).toBe(true)
      expect(other.exitCode).toBeNull()
    } finally {
      other.kill('SIGKILL')
    }
  })

  it('stops being shown at 16 MiB', async () => {
    const running = shell(`head -c 40000000 /dev/zero | tr '\\0' x`)
    const { tail } = await running.finished
    expect(running.lines.at(-1)).toBe('[further output is not shown]')
    expect(running.lines.join('').length).toBeLessThan(18 * 1024 * 1024)
    expect(tail.every((line) => line.length <= 1000)).toBe(true)
  })
})

describe('a program whose run is cancelled', () => {
  it('is asked to end, may clean up, and its caller learns the reason', async () => {
    const running = shell(`trap 'echo cleaned; exit 0' INT; echo ready; while :; do sleep 0.05; done`)
    const reason = reasonOf(running.finished)
    await printed(running, 'ready')
    running.stop.abort(new Error('because'))
    expect(await reason).toBe('because')
    expect(running.lines).toContain('cleaned')
  })

  it('is killed with all it has started where it does not listen', async () => {
    const running = shell(`trap '' INT; sleep 60 & echo $!; echo ready; while :; do sleep 0.05; done`)
    const reason = reasonOf(running.finished)
    await printed(running, 'ready')
    const before = Date.now()
    running.stop.abort(new Error('because'))
    expect(await reason).toBe('because')
    expect(Date.now() - before).toBeGreaterThan(1000)
    expect(Date.now() - before).toBeLessThan(4000)
    await expect.poll(() => isAlive(running.lines[0]), { timeout: 2000 }).toBe(false)
  })

  it('is killed at once at the second signal', async () => {
    const running = shell(`trap '' INT; echo ready; while :; do sleep 0.05; done`)
    const reason = reasonOf(running.finished)
    await printed(running, 'ready')
    running.stop.abort(new Error('because'))
    const before = Date.now()
    running.abandon.abort()
    expect(await reason).toBe('because')
    expect(Date.now() - before).toBeLessThan(1000)
  })

  it('is not started any more', async () => {
    const stop = new AbortController()
    stop.abort(new Error('because'))
    const lines: string[] = []
    const processes = createProcesses({
      clock: systemClock,
      signal: stop.signal,
      lastSignal: stop.signal,
      mark: randomUUID(),
    })
    const onLine = (line: string): void => {
      lines.push(line)
    }
    const finished = processes.run({ program: 'echo', args: ['no'], cwd: '/', env: { PATH }, onLine })
    await expect(finished).rejects.toThrow('because')
    expect(lines).toEqual([])
  })
})
