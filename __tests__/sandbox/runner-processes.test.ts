import { describe, expect, test } from 'vitest'
import type { ProcessRecord } from '../../sandbox/runner/processes.ts'
import { World } from './runner-fixture.ts'

function argvs(records: readonly ProcessRecord[]): string[] {
  return records.map(({ argv }) => argv.join(' '))
}

describe.runIf(process.platform === 'linux')('the process watcher', () => {
  // It samples, so on a busy machine it may miss one of them; a watcher that does not work misses all.
  test('sees argv and environment of children that live for 60 ms, and of their children', async () => {
    await using world = await World.create()
    const step = await world.main(`
      import { execFileSync } from 'node:child_process'
      const env = { CANARY: 'tweet', PATH: process.env.PATH }
      for (let turn = 0; turn < 8; turn += 1) execFileSync('sh', ['-c', 'sleep 0.06; true', 'an argument'], { env })`)
    const shell = step.processes.find(({ argv }) => argv.at(-1) === 'an argument')
    expect(shell?.argv).toEqual(['sh', '-c', 'sleep 0.06; true', 'an argument'])
    expect(shell?.environ).toMatchObject({ CANARY: 'tweet' })
    expect(shell?.environ).not.toHaveProperty('GITHUB_SHA')
    expect(argvs(step.processes)).toContain('sleep 0.06')
    expect(step.processes.map(({ pid }) => pid)).not.toContain(step.pids[0])
    expect(step.survivors()).toEqual([])
  })

  test('sees each program of a process that runs exec', async () => {
    await using world = await World.create()
    const step = await world.runner.run(`(exec bash -c 'read -t 0.5 < <(sleep 0.6); exec sleep 0.5')`)
    const first = step.processes.find(({ argv }) => argv[0] === 'bash' && argv[1] === '-c')
    const second = step.processes.find(({ argv }) => argv[1] === '0.5')
    expect(first).toBeDefined()
    expect(second?.pid).toBe(first?.pid)
  })

  test('finds a daemon that has left session and parent, and only what this step has started', async () => {
    await using world = await World.create()
    const daemon = 'setsid sh -c "sleep 300.5 >/dev/null 2>&1 & sleep 0.5" >/dev/null 2>&1 < /dev/null; sleep 0.5'
    const step = await world.runner.run(daemon)
    expect(argvs(step.survivors())).toEqual(['sleep 300.5'])
    const next = await world.runner.run('sleep 0.5')
    expect(argvs(next.processes)).toContain('sleep 0.5')
    expect(argvs(next.processes)).not.toContain('sleep 300.5')
    const { orphans } = await world.runner.finish()
    expect(argvs(orphans)).toEqual(['sleep 300.5'])
  })

  test('finds a child left behind at once, without the environment of the job', async () => {
    await using world = await World.create()
    const step = await world.runner.run('env -i sleep 300.6 >/dev/null 2>&1 </dev/null &')
    await expect.poll(() => argvs(step.survivors())).toEqual(['sleep 300.6'])
  })

  test("a child without the job's environment outlives the job, as on a real runner, but not the sandbox", async () => {
    const world = await World.create()
    const step = await world.runner.run('env -i setsid sleep 300.75 >/dev/null 2>&1 </dev/null & sleep 0.5')
    expect(argvs((await world.runner.finish()).orphans)).toEqual([])
    const [escaped] = step.survivors()
    expect(escaped?.argv).toEqual(['sleep', '300.75'])
    await world[Symbol.asyncDispose]()
    await expect.poll(() => step.survivors()).toEqual([])
  })

  test('reports nothing for an action that starts nothing', async () => {
    await using world = await World.create()
    const step = await world.main('setTimeout(() => {}, 300)')
    expect(step.processes).toEqual([])
  })
})
