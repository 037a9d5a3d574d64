import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { StepEvent } from '../../sandbox/runner/step.ts'
import { shown, World } from './runner-fixture.ts'

/** Says which signals it gets and ends at the named one; never on its own. */
function endingAt(signal: string, status = 0): string {
  return `
    for (const name of ['SIGINT', 'SIGTERM']) {
      process.on(name, () => {
        console.log('got ' + name)
        if (name === '${signal}') process.exit(${String(status)})
      })
    }
    setInterval(() => {}, 1000)
    console.log('ready')`
}

const READY = /^ready$/

describe('cancelling', () => {
  test('an action that heeds SIGINT is not asked again, and is cancelled even when it exits 0', async () => {
    await using world = await World.create()
    const action = await world.action({ main: endingAt('SIGINT'), post: `console.log('cleaned up')` })
    const step = await world.runner.uses(action, { signal: { after: READY } })
    expect(shown(step)).toEqual(['ready', 'got SIGINT', 'The operation was canceled.'].slice(0, 2))
    expect(step).toMatchObject({ exitCode: 0, conclusion: 'cancelled' })
    expect(step.annotations).toEqual([{ level: 'error', message: 'The operation was canceled.' }])
    const { post, conclusion } = await world.runner.finish()
    expect(post.map((result) => shown(result))).toEqual([['cleaned up']])
    expect(conclusion).toBe('cancelled')
  })

  test('then comes SIGTERM, then SIGKILL, at the distances of the plan', async () => {
    await using world = await World.create()
    const signal = { after: READY, intMs: 300, termMs: 200 }
    const second = await world.runner.uses(await world.action({ main: endingAt('SIGTERM', 5) }), { signal })
    expect(shown(second)).toEqual(['ready', 'got SIGINT', 'got SIGTERM'])
    expect(second).toMatchObject({ exitCode: 5, conclusion: 'cancelled' })
    expect(times(second.lines)[1]).toBeGreaterThanOrEqual(280)

    const third = await world.runner.uses(await world.action({ main: endingAt('never') }), { signal })
    expect(third).toMatchObject({ exitCode: 137, exitSignal: 'SIGKILL', conclusion: 'cancelled' })
    expect(third.durationMs).toBeGreaterThanOrEqual(480)
    const { conclusion } = await world.runner.finish()
    expect(conclusion).toBe('cancelled')
  })

  test('without a plan of its own the distances are those of the real runner', async () => {
    await using world = await World.create()
    const step = await world.runner.uses(await world.action({ main: endingAt('SIGTERM') }), {
      signal: { after: READY },
    })
    const [, wait] = times(step.lines)
    expect(wait).toBeGreaterThan(7300)
    expect(wait).toBeLessThan(8500)
  })

  test('SIGINT without a handler ends Node with 130, and a lone SIGINT is not followed up', async () => {
    await using world = await World.create()
    const main = `setInterval(() => {}, 1000)\nconsole.log('ready')`
    const plain = await world.runner.uses(await world.action({ main }), { signal: { after: READY } })
    expect(plain).toMatchObject({ exitCode: 130, exitSignal: 'SIGINT', conclusion: 'cancelled' })

    const slow = `process.on('SIGINT', () => setTimeout(() => process.exit(0), 400))\n${main}`
    const lone = await world.runner.uses(await world.action({ main: slow }), {
      signal: { after: READY, sequence: 'int', intMs: 1, termMs: 1 },
    })
    expect(lone).toMatchObject({ exitCode: 0, exitSignal: undefined, conclusion: 'cancelled' })
  })

  test('only the entry process gets signals: a child lives on until the end of the job', async () => {
    await using world = await World.create({ outputGraceMs: 300 })
    const main = `
      import { spawn } from 'node:child_process'
      spawn('sleep', ['300.25'], { stdio: 'inherit' })
      setInterval(() => {}, 1000)
      setTimeout(() => console.log('ready'), 100)`
    const step = await world.runner.uses(await world.action({ main }), { signal: { after: READY } })
    expect(step.exitCode).toBe(130)
    expect(step.survivors().map(({ argv }) => argv)).toEqual([['sleep', '300.25']])
    // The child has the output open, so the runner waits for it, but not for ever.
    expect(step.durationMs).toBeGreaterThanOrEqual(400)
    const { orphans } = await world.runner.finish()
    expect(orphans.map(({ argv }) => argv)).toEqual([['sleep', '300.25']])
    await sleep(50)
    expect(step.survivors()).toEqual([])
  })
})

describe('a killed action', () => {
  test('has failed, and its post step still gets the state saved so far', async () => {
    await using world = await World.create()
    const action = await world.action({
      main: `
        import { appendFileSync } from 'node:fs'
        appendFileSync(process.env.GITHUB_STATE, 'begun=yes\\n')
        ${endingAt('never')}`,
      post: `console.log('begun ' + process.env.STATE_begun)`,
    })
    const step = await world.runner.uses(action, { signal: { after: READY, sequence: 'kill' } })
    expect(step).toMatchObject({ exitCode: 137, exitSignal: 'SIGKILL', conclusion: 'failure', annotations: [] })
    const { post, conclusion } = await world.runner.finish()
    expect(post.map((result) => shown(result))).toEqual([['begun yes']])
    expect(conclusion).toBe('failure')
  })

  test('runs no post step when the machine is lost', async () => {
    await using world = await World.create()
    const action = await world.action({ main: endingAt('never'), post: `console.log('post')` })
    await world.runner.uses(action, { signal: { after: READY, sequence: 'kill' } })
    const { post, steps } = await world.runner.finish({ skipPost: true })
    expect(post).toEqual([])
    expect(steps).toHaveLength(1)
  })
})

test('disposing of a runner ends a step that is still running', async () => {
  const world = await World.create()
  let pid = 0
  const action = await world.action({ main: endingAt('never') })
  const started = Promise.withResolvers<void>()
  const after = (event: StepEvent): boolean => {
    if (event.type === 'started') pid = event.pid
    if (event.type === 'line' && READY.test(event.line.text)) started.resolve()
    return false
  }
  const step = world.runner.uses(action, { signal: { after } })
  await started.promise
  expect(process.kill(pid, 0)).toBe(true)
  await world[Symbol.asyncDispose]()
  expect(await step).toMatchObject({ exitSignal: 'SIGKILL', conclusion: 'failure' })
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

describe('a plan can wait for', () => {
  const kill = { sequence: 'kill' } as const

  test('a time, a promise, or a decision on events', async () => {
    await using world = await World.create()
    const action = await world.action({ main: endingAt('never') })
    const timed = await world.runner.uses(action, { signal: { ...kill, after: 250 } })
    expect(timed.exitSignal).toBe('SIGKILL')
    expect(timed.durationMs).toBeGreaterThanOrEqual(240)

    const promised = await world.runner.uses(action, { signal: { ...kill, after: sleep(250) } })
    expect(promised.exitSignal).toBe('SIGKILL')
    expect(promised.durationMs).toBeGreaterThanOrEqual(200)

    const events: StepEvent[] = []
    const after = (event: StepEvent): boolean =>
      events.push(event) > 0 && event.type === 'line' && READY.test(event.line.text)
    const decided = await world.runner.uses(action, { signal: { ...kill, after } })
    expect(decided.exitSignal).toBe('SIGKILL')
    expect(events[0]).toEqual({ type: 'started', pid: decided.pids[0] })
  })

  test('what never happens, and then nothing does', async () => {
    await using world = await World.create()
    const action = await world.action({ main: `console.log('done')` })
    for (const after of [60_000, /never printed/, new Promise(() => {}), () => false]) {
      const step = await world.runner.uses(action, { signal: { after } })
      expect(step).toMatchObject({ exitCode: 0, conclusion: 'success' })
    }
  })

  test("a promise that is rejected, which is the test's own mistake", async () => {
    await using world = await World.create()
    const action = await world.action({ main: `console.log('done')` })
    const after = Promise.reject(new Error('the request never came'))
    await expect(world.runner.uses(action, { signal: { after } })).rejects.toThrow('the request never came')
  })
})

/** Milliseconds between the lines the step printed. */
function times(lines: readonly { source: string; at: number }[]): number[] {
  const own = lines.filter((line) => line.source === 'stdout').map((line) => line.at)
  return own.slice(1).map((at, index) => at - (own[index] ?? at))
}
