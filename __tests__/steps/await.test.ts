import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gemServer } from '../../src/server.ts'
import { awaitIndex, lateProblem } from '../../src/steps/await.ts'
import type { CaseOptions } from '../faults/case.ts'
import { endOf, stepWorld } from '../faults/step-world.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const MINUTE = 60

/** Pushes, then waits for the index; the full names of what is late, and when that was known. */
async function late(options: CaseOptions, seconds: number): Promise<{ late: unknown; after: number; looks: number }> {
  await using made = await world.case({ ...options, with: { 'await-release': 'false' } })
  await made.release()
  const started = made.clock.now()
  const step = await stepWorld(made)
  const gems = await endOf(awaitIndex(step.gems, seconds, step.registry, step.world))
  return {
    late: typeof gems === 'string' ? gems : gems.map(({ platform }) => platform),
    after: (made.clock.now() - started) / 1000,
    looks: made.attemptsAt('index').length,
  }
}

describe('awaitIndex', () => {
  it('is done at the first look where the index is up to date', async () => {
    expect(await late({}, MINUTE)).toEqual({ late: [], after: 0, looks: 1 })
  })

  it('looks again, less and less often, until the index has it', async () => {
    expect(await late({ registry: { indexLagMs: 20_000 } }, MINUTE)).toEqual({ late: [], after: 30, looks: 6 })
  })

  it('gives up in time, and says what is late', async () => {
    const outcome = await late({ registry: { indexLagMs: 3_600_000 } }, MINUTE)
    expect(outcome).toEqual({ late: ['ruby'], after: 60, looks: 8 })
  })

  it('never waits past its time, whatever that is', async () => {
    for (const seconds of [0, 1, 2, 3, 10, 300]) {
      const { after } = await late({ registry: { indexLagMs: 3_600_000 } }, seconds)
      expect(after).toBeLessThanOrEqual(seconds)
    }
  })

  it('asks once for all platforms of a name, and knows which are late', async () => {
    const gems = [{ platform: 'java' }, { platform: 'x86_64-linux' }, {}]
    expect(await late({ gems }, MINUTE)).toEqual({ late: [], after: 0, looks: 1 })
    const { late: all } = await late({ gems, registry: { indexLagMs: 3_600_000 } }, MINUTE)
    expect(all).toHaveLength(3)
  })

  it('is satisfied in the end by a cache that shows the old text first', async () => {
    const registry = { negativeCacheMs: 10_000, staleWhileRevalidate: true }
    expect(await late({ registry }, MINUTE)).toMatchObject({ late: [] })
  })

  it('is an alarm where the index has another checksum', async () => {
    const strikes = [{ trouble: 'other-digest', on: 'index', times: 1 }] as const
    expect(await late({ strikes }, MINUTE)).toMatchObject({ late: 'verification-failed', looks: 1 })
  })

  it('asks another server three times for an index it may not have', async () => {
    await using made = await world.case({ strikes: [{ trouble: '404', on: 'index', times: 99 }] })
    const step = await stepWorld(made)
    const server = { ...gemServer(new URL(step.registry.server.origin)), kind: 'other' as const }
    const gems = await awaitIndex(step.gems, MINUTE, { ...step.registry, server }, step.world)
    expect(gems).toHaveLength(1)
    expect(made.attemptsAt('index')).toHaveLength(3)
  })

  it('asks only for what has changed', async () => {
    await using made = await world.case({ registry: { indexLagMs: 20_000 }, with: { 'await-release': 'false' } })
    // By then the index has the version that was there before.
    made.clock.advance(30_000)
    await made.release()
    const step = await stepWorld(made)
    await awaitIndex(step.gems, MINUTE, step.registry, step.world)
    expect(made.requestsTo('index').map(({ status }) => status)).toEqual([200, 304, 304, 304, 304, 200])
  })

  it('says that nothing has to be done about a late index', async () => {
    await using made = await world.case({})
    const { gems } = await stepWorld(made)
    const problem = lateProblem(gems, 60, 'rubygems.org')
    expect(problem).toMatchObject({ code: 'await-timeout', what: expect.stringContaining('within 60 s') })
    expect(problem.fix).toContain('Do not publish it again')
  })
})
