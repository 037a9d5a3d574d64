import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downloadAndCompare, notServedProblem } from '../../src/steps/download.ts'
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

const LARGE = 64 * 1024 * 1024 + 1

interface Options extends CaseOptions {
  everySize?: boolean
  size?: number
  seconds?: number
}

/** Pushes, then downloads; what is late, how often it was asked for, and when that was known. */
async function downloaded({ everySize = false, size, seconds = 60, ...options }: Options) {
  await using made = await world.case({ ...options, with: { 'await-release': 'false' } })
  await made.release()
  const started = made.clock.now()
  const step = await stepWorld(made)
  const gems = step.gems.map((gem) => ({ ...gem, size: size ?? gem.size }))
  const late = await endOf(downloadAndCompare(gems, { seconds, everySize }, step.registry, step.world))
  return {
    late: typeof late === 'string' ? late : late.length,
    looks: made.attemptsAt('file').length,
    after: (made.clock.now() - started) / 1000,
    log: step.recorder.lines.join('\n'),
  }
}

describe('downloadAndCompare', () => {
  it('is done at the first look', async () => {
    expect(await downloaded({})).toMatchObject({ late: 0, looks: 1, after: 0 })
  })

  it('leaves large gems out, and says so, unless every size is wanted', async () => {
    const left = await downloaded({ size: LARGE })
    expect(left).toMatchObject({ late: 0, looks: 0 })
    expect(left.log).toContain('is not downloaded again to compare it')
    expect(await downloaded({ size: LARGE, everySize: true })).toMatchObject({ late: 0, looks: 1 })
  })

  it('reads no further than one byte more than the gem has', async () => {
    expect(await downloaded({ size: 100 })).toMatchObject({ late: 'verification-failed', looks: 2 })
  })

  it('gives up in time', async () => {
    const strikes = [{ trouble: '403', on: 'file', times: 99 }] as const
    for (const seconds of [0, 1, 10, 60]) {
      const { late, after } = await downloaded({ strikes, seconds })
      expect(late).toBe(1)
      expect(after).toBeLessThanOrEqual(seconds)
    }
  })

  it('compares the gems of a set side by side', async () => {
    expect(await downloaded({ gems: [{}, { platform: 'java' }, { platform: 'arm64-darwin' }] })).toMatchObject({
      late: 0,
      looks: 3,
    })
  })
})

describe('the problem', () => {
  it('names what is late and says that nothing has to be done', async () => {
    await using made = await world.case({ gems: [{}, { platform: 'java' }] })
    const { gems } = await stepWorld(made)
    const { code, what, fix } = notServedProblem(gems, 60, 'rubygems.org')
    expect(code).toBe('await-timeout')
    expect(what).toMatch(/ are published, but rubygems\.org did not give out their files within 60 s\.$/)
    expect(fix).toContain('Do not publish it again')
  })
})
