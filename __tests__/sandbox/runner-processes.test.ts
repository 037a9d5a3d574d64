import { describe, expect, test } from 'vitest'
import type { ProcessRecord } from '../../sandbox/runner/processes.ts'
import { World } from './runner-fixture.ts'

function argvs(records: readonly ProcessRecord[]): string[] {
  return records.map(({ argv }) => argv.join(' '))
}

describe.runIf(process.platform === 'linux')('the process watcher', () => {
  test('sees argv and environment of a short-lived child and of its child', async () => {
    await using world = await World.create()
    const step = await world.main(`
      import { execFileSync } from 'node:child_process'
      execFileSync('sh', ['-c', 'sleep 0.06; true', 'first argument'], { env: { CANARY: 'tweet', PATH: process.env.PATH } })`)
    const shell = step.processes.find(({ argv }) => argv.at(-1) === 'first argument')
    expect(shell?.argv).toEqual(['sh', '-c', 'sleep 0.06; true', 'first argument'])
    expect(shell?.environ).toMatchObject({ CANARY: 'tweet' })
    expect(shell?.environ).not.toHaveProperty('GITHUB_SHA')
    expect(argvs(step.processes)).toContain('sleep 0.06')
    expect(step.processes.map(({ pid }) => pid)).not.toContain(step.pids[0])
    expect(step.survivors()).toEqual([])
  })

  test('sees each program of a process that runs exec', async () => {
    await using world = await World.create()
    const step = await world.runner.run('(sleep 0.06; exec sleep 0.07)')
    const seen = argvs(step.processes)
    expect(seen).toContain('sleep 0.06')
    expect(seen).toContain('sleep 0.07')
  })

  test('finds a daemon that has left session and parent, and only what this step has started', async () => {
    await using world = await World.create()
    const daemon = 'setsid sh -c "sleep 300.5 >/dev/null 2>&1 & sleep 0.15" >/dev/null 2>&1 < /dev/null; sleep 0.1'
    const step = await world.runner.run(daemon)
    expect(argvs(step.survivors())).toEqual(['sleep 300.5'])
    const next = await world.runner.run('sleep 0.15')
    expect(argvs(next.processes)).toContain('sleep 0.15')
    expect(argvs(next.processes)).not.toContain('sleep 300.5')
    const { orphans } = await world.runner.finish()
    expect(argvs(orphans)).toEqual(['sleep 300.5'])
  })

  test('reports nothing for an action that starts nothing', async () => {
    await using world = await World.create()
    const step = await world.main('setTimeout(() => {}, 100)')
    expect(step.processes).toEqual([])
  })
})
