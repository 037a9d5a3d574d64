import { appendFile, truncate, unlink, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { ReleaseError } from '../../src/errors.ts'
import { push } from '../../src/steps/push.ts'
import type { Case } from '../faults/case.ts'
import { endOf, firstGem, type StepWorld, stepWorld } from '../faults/step-world.ts'
import type { Target } from '../faults/targets.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

function pushed(step: StepWorld): Promise<string> {
  return endOf(push(firstGem(step), step.keys, step.registry, step.world))
}

function counts(made: Case, ...targets: Target[]): number[] {
  return targets.map((target) => made.attemptsAt(target).length)
}

describe('a version that is there already', () => {
  it('with our bytes, under the key of an earlier run, is a success after one push and one look', async () => {
    await using made = await world.case({})
    expect(await pushed(await stepWorld(made))).toBe('pushed')
    expect(await pushed(await stepWorld(made))).toBe('already-published')
    expect(made.requestsTo('push').map(({ status }) => status)).toEqual([200, 409])
    expect(counts(made, 'verify')).toEqual([1])
  })

  it('with our bytes, under the very same key, is what we pushed', async () => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    expect([await pushed(step), await pushed(step)]).toEqual(['pushed', 'pushed'])
    expect(counts(made, 'push', 'exchange', 'verify')).toEqual([2, 1, 0])
  })

  it('with other bytes is a conflict that names both digests', async () => {
    await using made = await world.case({})
    const there = made.registry.addVersion({ name: made.label, number: '1.0.0', yaml: { summary: 'Another' } })
    const step = await stepWorld(made)
    const failure = await push(firstGem(step), step.keys, step.registry, step.world).catch(String)
    expect(failure).toContain(there.sha256)
    expect(failure).toContain(firstGem(step).sha256)
    expect(counts(made, 'push')).toEqual([1])
  })

  it('with other bytes is a conflict also where our answer was lost', async () => {
    await using made = await world.case({ strikes: [{ trouble: 'reset-unprocessed', on: 'push', times: 1 }] })
    made.registry.addVersion({ name: made.label, number: '1.0.0', yaml: { summary: 'Another' } })
    expect(await pushed(await stepWorld(made))).toBe('version-taken')
    expect(counts(made, 'push', 'verify')).toEqual([1, 1])
  })

  it('and yanked cannot be pushed again', async () => {
    await using made = await world.case({})
    made.registry.addVersion({ name: made.label, number: '1.0.0' })
    made.registry.yank(`${made.label}-1.0.0`)
    expect(await pushed(await stepWorld(made))).toBe('version-yanked')
    expect(counts(made, 'push', 'verify')).toEqual([1, 0])
  })

  it('but was never finished is waited for, a minute and a half each time, and reported', async () => {
    await using made = await world.case({})
    made.registry.beginUnfinishedPush(`${made.label}-1.0.0`)
    const step = await stepWorld(made)
    expect(await pushed(step)).toBe('push-failed')
    expect(made.requestsTo('push').map(({ status }) => status)).toEqual([409, 409, 409])
    expect(counts(made, 'verify')[0]).toBe(3 * 10 + 2 + 1)
    expect(made.clock.now()).toBeGreaterThanOrEqual(270_000)
  })

  it('is seen as soon as the registry shows it', async () => {
    await using made = await world.case({ strikes: [{ trouble: '404', on: 'verify', times: 4 }] })
    await pushed(await stepWorld(made))
    expect(await pushed(await stepWorld(made))).toBe('already-published')
    expect(made.clock.now()).toBe(1_000 + 2_000 + 4_000 + 8_000)
  })
})

describe('two faults in a row', () => {
  const lost = ['reset-after', '503-after', 'stall-after', '200-html-after', 'success-cut'] as const
  const unseen = ['reset-before', '503-html', 'stall', '404', '200-html', 'json-types', 'gzip-bomb'] as const

  it.each(lost.flatMap((first) => unseen.map((second) => ({ first, second }))))(
    'a push with $first, then a look with $second, end with one version and our bytes',
    async ({ first, second }) => {
      await using made = await world.case({
        strikes: [
          { trouble: first, on: 'push', times: 1 },
          { trouble: second, on: 'verify', times: 1 },
        ],
      })
      const step = await stepWorld(made)
      expect(await pushed(step)).toMatch(/^(pushed|already-published)$/)
      const versions = made.registry.versions(made.label).filter(({ number }) => number === '1.0.0')
      expect(versions.map(({ sha256 }) => sha256)).toEqual([firstGem(step).sha256])
    },
  )
})

describe('a key', () => {
  it('that expires while others wait is renewed, and the same bytes go with the new one', async () => {
    await using made = await world.case({ strikes: [{ trouble: '429-retry-after', on: 'push', times: 1 }] })
    const step = await stepWorld(made)
    await step.keys.current()
    made.clock.advance(14 * 60_000)
    expect(await pushed(step)).toBe('pushed')
    expect(counts(made, 'exchange', 'push')).toEqual([2, 2])
    const [first, second] = made.requestsTo('push')
    expect(first?.bodySha256).toBe(second?.bodySha256)
  })

  it('that does not expire is not asked for again', async () => {
    await using made = await world.case({ with: { 'api-token': `rubygems_${'0'.repeat(48)}` } })
    expect(await pushed(await stepWorld(made))).toBe('push-refused')
    expect(counts(made, 'push', 'exchange')).toEqual([1, 0])
  })
})

describe('a gem that changes between inspection and upload', () => {
  it.each<[string, (file: string, made: Case) => Promise<void>]>([
    ['is replaced by another', (file, made) => writeFile(file, seedGem({ name: made.label, number: '9.9.9' }))],
    ['has one byte changed', (file) => writeFile(file, '!', { flag: 'r+' })],
    ['grows', (file) => appendFile(file, 'more')],
    ['shrinks', (file) => truncate(file, 512)],
    ['is emptied', (file) => truncate(file, 0)],
    ['is removed', (file) => unlink(file)],
  ])('because it %s never arrives', async (_how, change) => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    await step.keys.current()
    await change(firstGem(step).path, made)
    expect(await pushed(step)).toBe('tampered-job')
    expect(made.registry.versions(made.label).map(({ number }) => number)).toEqual(['0.0.0'])
    expect(counts(made, 'push')).toEqual([1])
  })
})

describe('a cancelled run', () => {
  it('does not push again, and says so', async () => {
    await using made = await world.case({ strikes: [{ trouble: '500', on: 'push', times: 9 }] })
    const step = await stepWorld(made)
    step.recorder.onInfo = (text) => {
      const cancelled = new ReleaseError({ code: 'cancelled', what: 'Cancelled.', fix: '' })
      if (text.startsWith('Could not push')) step.stop.abort(cancelled)
    }
    expect(await pushed(step)).toBe('cancelled')
    expect(counts(made, 'push')).toEqual([1])
  })
})
