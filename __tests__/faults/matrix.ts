import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { size } from '../nightly.ts'
import { brokenInvariants } from './invariants.ts'
import { type Cell, cells, type Outcome, required } from './row.ts'
import { TABLES } from './tables.ts'
import { edgeOf, type Target } from './targets.ts'
import { FaultWorld } from './world.ts'

/** Where a second failure after a retry could do harm; elsewhere it is one more wait. */
const TWICE: ReadonlySet<string> = new Set(['exchange', 'push', 'verify'])
/** What only looks at GitHub: whoever survives a fault for good survives one that passes. */
const ALWAYS_ONLY: ReadonlySet<string> = new Set(['commit', 'rulesets', 'tag-read'])
const EVERYTHING = size(false, true)

function isUsual(target: Target, { times }: Cell): boolean {
  if (ALWAYS_ONLY.has(target)) return times > 2
  return times !== 2 || TWICE.has(target)
}

/** Every fault of these targets' tables, once, twice and always: what the release does, and how it ends. */
export function describeFaults(...targets: readonly Target[]): void {
  let world: FaultWorld
  beforeAll(async () => {
    world = await FaultWorld.start()
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  for (const target of targets) {
    const all = cells(target, TABLES[target])
    const table = all.filter((cell) => EVERYTHING || isUsual(target, cell))
    describe.concurrent(`${target}: ${String(table.length)} cells`, () => {
      it.each(table.map((cell) => [title(cell), cell] as const))('%s', async (_title, cell) => {
        expect(await outcomeOf(world, cell)).toEqual(required(cell))
      })
    })
  }
}

function title({ trouble, times, behaviour }: Cell): string {
  const often = times === 1 ? 'once' : times === 2 ? 'twice' : 'always'
  return `${trouble}, ${often}: ${behaviour}`
}

/** Releases with the fault, and where that was in vain once more without it. */
async function outcomeOf(world: FaultWorld, cell: Cell): Promise<Outcome> {
  const { target, trouble, times } = cell
  await using made = await world.case({
    strikes: [{ trouble, on: target, times }],
    tags: edgeOf(target) === 'github' || (cell.behaviour === 'D' && times === 1),
  })
  const run = await made.release()
  const moments = made.attemptsAt(target).map(({ at }) => at)
  const broken = await brokenInvariants(made, run)
  const outcome = {
    end: run.result,
    attempts: moments.length,
    took: run.took,
    shortestWait: Math.min(...moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0))),
    late: run.recorder.warnings.length > 0,
    broken,
  }
  if (run.result === 'green') return { ...outcome, rerun: 'green' }
  made.clear()
  const again = await made.release()
  return { ...outcome, rerun: again.result, broken: [...broken, ...(await brokenInvariants(made, again))] }
}
