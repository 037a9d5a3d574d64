import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MOMENTS } from './boundaries.ts'
import { ENDINGS, struckJob } from './kill-cases.ts'
import { unfinished } from './lane-checks.ts'
import { type Lane, Lanes } from './lane.ts'
import { size } from '../nightly.ts'
import { seeded } from './seeded.ts'

const SEEDS = Array.from({ length: size(6, 500) }, (_, seed) => seed)
/** Requests of a release; a strike at a later one comes too late, and the run is green. */
const REQUESTS = { 1: 13, 3: 22 }

/** Two runs that are struck at a random request each, then one that must end true. */
async function strikeTwice(seed: number, lane: Lane): Promise<string[]> {
  const random = seeded(seed)
  const count = random.pick([1, 3] as const)
  const { version, gems } = lane.sketches(count)
  const problems: string[] = []
  const told: string[] = []
  for (const attempt of [1, 2]) {
    const anywhere = 1 + random.below(REQUESTS[count])
    const [moment, ending] = [random.pick(MOMENTS), random.pick(ENDINGS)]
    told.push(`${ending} ${moment} request ${String(anywhere)}`)
    const boundary = { name: 'anywhere', anywhere }
    problems.push(...(await struckJob(lane, { version, gems, attempt, boundary, moment, ending })))
  }
  problems.push(...(await unfinished(lane, version, await lane.job(gems, 3))))
  return problems.map((problem) => `seed ${String(seed)}, ${told.join(', ')}: ${problem}`)
}

describe('a release that is stopped twice', () => {
  let lanes: Lanes | undefined
  beforeAll(async () => {
    lanes = await Lanes.start(2, 'git')
  })
  afterAll(async () => {
    await lanes?.[Symbol.asyncDispose]()
  })

  it(`ends true at the third run, for ${String(SEEDS.length)} seeds`, { timeout: 1_800_000 }, async () => {
    const found = await lanes?.deal(SEEDS, strikeTwice)
    expect(found).toHaveLength(SEEDS.length)
    expect(found?.flat()).toEqual([])
    process.stdout.write(`double kills: ${String(SEEDS.length)} seeds\n`)
  })
})
