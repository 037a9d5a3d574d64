import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApiKey } from '../../src/rubygems/api-key.ts'
import { KeyRing } from '../../src/rubygems/key-ring.ts'
import { Secret } from '../../src/world/secret.ts'
import { VirtualClock } from './clock.ts'

const MINUTE = 60_000

/** A ring whose keys live a while, and how many were made. */
function ringOf(
  clock: VirtualClock,
  lifetime: number | undefined,
): { ring: KeyRing; made: ApiKey[]; most: () => number } {
  const made: ApiKey[] = []
  let making = 0
  let most = 0
  const ring = new KeyRing(async () => {
    making += 1
    most = Math.max(most, making)
    const started = clock.now()
    await clock.sleep(100, new AbortController().signal)
    const expiry = lifetime === undefined ? {} : { expiresAt: started + lifetime }
    const key = { value: new Secret(`key ${String(made.length)}`), source: 'trusted publisher', ...expiry }
    made.push(key)
    making -= 1
    return key
  }, clock)
  return { ring, made, most: () => most }
}

describe('KeyRing', () => {
  it('gives everybody the same key, made once', async () => {
    const { ring, made } = ringOf(new VirtualClock(), 15 * MINUTE)
    const keys = await Promise.all(Array.from({ length: 20 }, () => ring.current()))
    expect(new Set(keys).size).toBe(1)
    expect(made).toHaveLength(1)
  })

  it.each([
    [12.9, 1],
    [13.1, 2],
    [60, 2],
  ])('after %d of 15 minutes has made %i keys', async (minutes, count) => {
    const clock = new VirtualClock()
    const { ring, made } = ringOf(clock, 15 * MINUTE)
    await ring.current()
    clock.advance(minutes * MINUTE)
    const keys = await Promise.all(Array.from({ length: 8 }, () => ring.current()))
    expect(made).toHaveLength(count)
    expect(new Set(keys)).toEqual(new Set([made.at(-1)]))
  })

  it('never makes two at a time, and never gives one with less than two minutes left', async () => {
    const moves = fc.array(fc.record({ wait: fc.nat(20 * MINUTE), users: fc.integer({ min: 1, max: 10 }) }))
    await fc.assert(
      fc.asyncProperty(moves, async (all) => {
        const clock = new VirtualClock()
        const { ring, most } = ringOf(clock, 15 * MINUTE)
        for (const { wait, users } of all) {
          clock.advance(wait)
          const keys = await Promise.all(Array.from({ length: users }, () => ring.current()))
          expect(new Set(keys).size).toBe(1)
          for (const { expiresAt = 0 } of keys) expect(expiresAt - clock.now()).toBeGreaterThan(2 * MINUTE - 1)
        }
        expect(most()).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('replaces a refused key once, whoever complains', async () => {
    const { ring, made } = ringOf(new VirtualClock(), 15 * MINUTE)
    const old = await ring.current()
    const next = await Promise.all(Array.from({ length: 8 }, () => ring.replace(old)))
    expect(new Set(next)).toEqual(new Set([made[1]]))
    expect(await ring.replace(old)).toBe(made[1])
    expect(await ring.current()).toBe(made[1])
    expect(made).toHaveLength(2)
  })

  it('keeps a key that does not expire', async () => {
    const clock = new VirtualClock()
    const { ring, made } = ringOf(clock, undefined)
    const key = await ring.current()
    clock.advance(1000 * MINUTE)
    expect(await ring.current()).toBe(key)
    expect(ring.isTemporary(key)).toBe(false)
    expect(made).toHaveLength(1)
  })
})
