import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boundaries, MOMENTS } from './boundaries.ts'
import { casesAt, endingsOf, killAndConverge } from './kill-cases.ts'
import { Lanes } from './lane.ts'

/** Every boundary × moment × ending for a release of one or three gems, each followed by a re-run that must end true. */
export function killSuite(gems: 1 | 3): void {
  let lanes: Lanes | undefined
  beforeAll(async () => {
    lanes = await Lanes.start(1, 'quick')
  })
  afterAll(async () => {
    await lanes?.[Symbol.asyncDispose]()
  })

  describe(`a release of ${gems === 1 ? 'one gem' : 'three gems'}, stopped and run again`, () => {
    it.each(boundaries(gems))('at $name', { timeout: 300_000 }, async (boundary) => {
      const found = await lanes?.deal(casesAt(boundary, gems), killAndConverge)
      expect(found).toHaveLength(MOMENTS.length * endingsOf(gems).length)
      expect(found?.flat()).toEqual([])
    })

    it('was in fact stopped, nearly always', () => {
      const cases = boundaries(gems).length * MOMENTS.length * endingsOf(gems).length
      const struck = lanes?.struck ?? 0
      process.stdout.write(`kill and converge: ${String(cases)} cases, ${String(struck)} stopped\n`)
      expect(struck).toBeGreaterThan(0.85 * cases)
    })
  })
}
