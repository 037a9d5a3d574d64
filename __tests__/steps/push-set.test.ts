import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReleaseGem } from '../../src/steps/inspect.ts'
import { pushSet } from '../../src/steps/push-set.ts'

interface Sketch {
  name: string
  platform: string
  needs: readonly string[]
  /** Turns of the event loop that its push takes. */
  takes: number
}

/** As much of a gem as the order depends on. */
function gem({ name, platform, needs }: Sketch): ReleaseGem {
  const full = platform === 'ruby' ? `${name}-1.0.0` : `${name}-1.0.0-${platform}`
  const given = { path: '', givenPath: '', fileName: `${full}.gem`, builtPath: '', size: 1, sha256: '' }
  const named = { name, version: '1.0.0', platform, originalPlatform: platform, fullName: full, prerelease: false }
  const dependencies = needs.map((other) => ({ name: other, requirement: '>= 0', type: 'runtime' as const }))
  return { ...given, ...named, metadata: new Map(), dependencies, fileCount: 1, alreadyPublished: false }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't']
const LANES = 16
const platforms = fc.uniqueArray(fc.constantFrom('ruby', 'java', 'x86_64-linux', 'arm64-darwin'), { minLength: 1 })

/** Sets of gems with dependencies among them; `cycles` for any graph, otherwise only on names further down. */
function sets(cycles: boolean): fc.Arbitrary<Sketch[]> {
  const one = (name: string, index: number): fc.Arbitrary<Sketch[]> =>
    fc
      .tuple(platforms, fc.subarray(cycles ? NAMES : NAMES.slice(index + 1)), fc.nat(6))
      .map(([all, needs, takes]) => all.map((platform) => ({ name, platform, needs, takes })))
  return fc
    .tuple(...NAMES.map(one))
    .chain((all) => fc.subarray(all, { minLength: 1 }))
    .chain((some) => fc.shuffledSubarray(some.flat(), { minLength: some.flat().length }))
}

interface Event {
  kind: 'start' | 'end' | 'failure'
  gem: Sketch
  /** Turns of the event loop since the beginning. */
  at: number
}

async function pushAll(
  sketches: readonly Sketch[],
  failing: (sketch: Sketch) => boolean,
): Promise<{ events: Event[]; error: unknown }> {
  const events: Event[] = []
  let at = 0
  const over = new AbortController()
  const count = async (): Promise<void> => {
    for (; !over.signal.aborted; at++) await turn()
  }
  const counting = count()
  const by = new Map(sketches.map((sketch) => [gem(sketch).fullName, sketch]))
  const pushing = pushSet(sketches.map(gem), async ({ fullName }) => {
    const sketch = by.get(fullName)
    if (!sketch) throw new Error(`${fullName} is not of this set`)
    events.push({ kind: 'start', gem: sketch, at })
    for (let turns = 0; turns < sketch.takes; turns++) await turn()
    events.push({ kind: failing(sketch) ? 'failure' : 'end', gem: sketch, at })
    if (failing(sketch)) throw new Error(fullName)
  })
  const error: unknown = await pushing.catch((caught: unknown) => caught)
  over.abort()
  await counting
  return { events, error }
}

/** Gems under way at each moment. */
function underWay(events: readonly Event[]): Sketch[][] {
  const now = new Set<Sketch>()
  return events.map((event) => {
    if (event.kind === 'start') now.add(event.gem)
    else now.delete(event.gem)
    return [...now]
  })
}

const never = (): boolean => false

describe('pushSet', () => {
  it('pushes every gem once, whatever depends on what', async () => {
    await fc.assert(
      fc.asyncProperty(sets(true), async (sketches) => {
        const { events, error } = await pushAll(sketches, never)
        expect(error).toBeUndefined()
        const done = events.flatMap((event) => (event.kind === 'end' ? [event.gem] : []))
        expect(done).toHaveLength(sketches.length)
        expect(new Set(done)).toEqual(new Set(sketches))
      }),
    )
  })

  it('has one of a name under way at a time, and eight in all', async () => {
    await fc.assert(
      fc.asyncProperty(sets(true), async (sketches) => {
        const { events } = await pushAll(sketches, never)
        for (const now of underWay(events)) {
          expect(new Set(now.map(({ name }) => name)).size).toBe(now.length)
          expect(now.length).toBeLessThanOrEqual(LANES)
        }
      }),
    )
  })

  it('uses the lanes there are for names that do not depend on each other', async () => {
    const sketches = NAMES.map((name) => ({ name, platform: 'ruby', needs: [], takes: 3 }))
    const { events } = await pushAll(sketches, never)
    expect(Math.max(...underWay(events).map((now) => now.length))).toBe(LANES)
  })

  it('starts no gem before those it needs are there', async () => {
    await fc.assert(
      fc.asyncProperty(sets(false), async (sketches) => {
        const { events } = await pushAll(sketches, never)
        const released = new Set(sketches.map(({ name }) => name))
        for (const [index, { kind, gem: started }] of events.entries()) {
          if (kind !== 'start') continue
          const later = new Set(events.slice(index).flatMap((event) => (event.kind === 'end' ? [event.gem.name] : [])))
          const needed = sketches.filter(({ name }) => name === started.name).flatMap(({ needs }) => needs)
          expect(needed.filter((name) => released.has(name) && later.has(name))).toEqual([])
        }
      }),
    )
  })

  it('pushes the source gem after the native ones', async () => {
    await fc.assert(
      fc.asyncProperty(sets(true), async (sketches) => {
        const { events } = await pushAll(sketches, never)
        const started = events.flatMap((event) => (event.kind === 'start' ? [event.gem] : []))
        for (const name of NAMES) {
          const order = started.filter((sketch) => sketch.name === name).map(({ platform }) => platform)
          expect(order.indexOf('ruby')).toBe(order.includes('ruby') ? order.length - 1 : -1)
        }
      }),
    )
  })

  it('starts none of those that wait for a lane when one has failed', async () => {
    const sketches = NAMES.map((name) => ({ name, platform: 'ruby', needs: [], takes: name === 'a' ? 2 : 4 }))
    const { events } = await pushAll(sketches, ({ name }) => name === 'a')
    expect(events.filter(({ kind }) => kind === 'start')).toHaveLength(LANES)
  })

  it('starts nothing after a failure that is found once a gem is there, and tells those that wait', async () => {
    const gems = NAMES.map((name) => gem({ name, platform: 'ruby', needs: [], takes: 0 }))
    const told: boolean[] = []
    const pushing = pushSet(gems, async ({ name }, { signal, because }) => {
      if (name === 'a') because(new Error('a is another gem'))
      for (let turns = 0; turns < 3; turns++) await turn()
      told.push(signal.aborted)
    })
    await expect(pushing).rejects.toThrow('a is another gem')
    expect(told).toEqual([true])
  })

  it('starts nothing after the first failure, lets the rest end, and throws what failed first', async () => {
    await fc.assert(
      fc.asyncProperty(sets(true), fc.nat(3), async (sketches, unlucky) => {
        const failing = ({ name }: Sketch): boolean => NAMES.indexOf(name) % 4 === unlucky
        const { events, error } = await pushAll(sketches, failing)
        const first = events.find(({ kind }) => kind === 'failure')
        expect(events.filter(({ kind, at }) => kind === 'start' && first && at > first.at)).toEqual([])
        expect(underWay(events).at(-1)).toEqual([])
        const failed = first?.gem
        expect(error instanceof Error ? error.message : undefined).toBe(failed && gem(failed).fullName)
      }),
    )
  })
})
