import { assert, asyncModelRun, asyncProperty, boolean, commands, constantFrom, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeGems } from './gems.ts'
import { InnerWorld } from './inner-world.ts'
import { COMMANDS, releaseAndJudge } from './model-commands.ts'
import { conflicts, type Model, observe, type Real, tell } from './model-state.ts'
import { run } from './inner-run.ts'
import { size } from '../nightly.ts'

const NAMES = ['lens-api', 'lens-core']
const SKETCHES = [
  { name: 'lens-api', version: '1.0.0' },
  { name: 'lens-core', version: '1.0.0', platform: 'x86_64-linux' },
  { name: 'lens-core', version: '1.0.0' },
]

/** What the CDN of the registry is like in a sequence. */
const EDGE = record({
  indexLagMs: constantFrom(0, 0, 20_000),
  negativeCacheMs: constantFrom(0, 600_000),
  staleWhileRevalidate: boolean(),
})

/** Each with sequences of its own. */
const BATCHES = size(10, 20)
const SEQUENCES = 100
const LONGEST = size(7, 25)

describe('any sequence of releases, interruptions and changes by others', () => {
  it.each(Array.from({ length: BATCHES }, (_, index) => index + 1))(
    `batch %i: ${String(SEQUENCES)} sequences of up to ${String(LONGEST)} commands end true`,
    { timeout: 180_000 },
    async () => {
      let runs = 0
      await assert(
        asyncProperty(EDGE, commands(COMMANDS, { maxCommands: LONGEST }), async (edge, sequence) => {
          await using world = await InnerWorld.start(NAMES, edge)
          const gems = await writeGems(world.directory, SKETCHES)
          const real: Real = { world, gems, stale: edge.staleWhileRevalidate, runs: 0 }
          const model: Model = { ...observe(real), troubles: new Map(), final: false }
          await asyncModelRun(() => ({ model, real }), sequence)
          await converge(real, model)
          runs += real.runs
        }),
        { numRuns: SEQUENCES },
      )
      expect(runs).toBeGreaterThan(SEQUENCES)
      process.stdout.write(`model: ${String(SEQUENCES)} sequences, ${String(runs)} runs\n`)
    },
  )
})

/**
 * The last word of every sequence: without a conflict one more run finishes the release, and the next, which is made
 * after one sequence in four, has nothing to do.
 */
async function converge(real: Real, model: Model): Promise<void> {
  real.world.clearFaults()
  model.troubles.clear()
  model.final = false
  await releaseAndJudge(real, model)
  if (conflicts(observe(real)).length > 0) return
  if (real.runs % size(4, 1) !== 0) return
  const posted = real.world.pushes.length
  const again = await run(real.world, real.gems)
  const idle = real.stale || real.world.pushes.length === posted
  if (again.end !== 'green' || !idle) throw new Error(`not at rest\n${tell(again)}`)
}
