import { size } from '../nightly.ts'
import type { CancelPlan } from '../../sandbox/runner/step.ts'
import { Barrier, type Boundary, mayComeTooLate, type Moment, MOMENTS } from './boundaries.ts'
import { indecent, unfinished } from './lane-checks.ts'
import type { GemSketch } from './gems.ts'
import type { Cut, Lane } from './lane.ts'

/** How a run ends: the first two are a cancellation, the last a machine that goes away with everything on it. */
export const ENDINGS = ['SIGINT', 'SIGINT, SIGTERM, SIGKILL', 'SIGKILL', 'SIGKILL and no post step'] as const
export type Ending = (typeof ENDINGS)[number]

export interface KillCase {
  boundary: Boundary
  moment: Moment
  ending: Ending
  gems: 1 | 3
}

/** A set is struck in every way; of one gem a cancellation that ends in peace tells nothing that the longer one does not. */
export function endingsOf(gems: 1 | 3): readonly Ending[] {
  return gems === 3 ? ENDINGS : ENDINGS.filter((ending) => ending !== size('SIGINT', ''))
}

export function casesAt(boundary: Boundary, gems: 1 | 3): KillCase[] {
  return MOMENTS.flatMap((moment) => endingsOf(gems).map((ending) => ({ boundary, moment, ending, gems })))
}

export function nameOf({ boundary, moment, ending, gems }: KillCase): string {
  return `${ending} ${moment} ${boundary.name}, ${String(gems)} ${gems === 1 ? 'gem' : 'gems'}`
}

/** The runner's sequence with waits that a test can afford; its order is what matters. */
const SEQUENCES: Readonly<Record<Ending, Omit<CancelPlan, 'after'>>> = {
  SIGINT: { sequence: 'int' },
  'SIGINT, SIGTERM, SIGKILL': { sequence: 'runner', intMs: 100, termMs: 1000 },
  SIGKILL: { sequence: 'kill' },
  'SIGKILL and no post step': { sequence: 'kill' },
}

export function cutAt(after: CancelPlan['after'], ending: Ending): Cut {
  return { plan: { after, ...SEQUENCES[ending] }, lost: ending === 'SIGKILL and no post step' }
}

/** Runs a release that is struck, then runs it again; gives what is wrong. */
export async function killAndConverge(one: KillCase, lane: Lane): Promise<string[]> {
  const { version, gems } = lane.sketches(one.gems)
  const { boundary, moment, ending } = one
  const first = await struckJob(lane, { version, gems, attempt: 1, boundary, moment, ending })
  const second = await lane.job(gems, 2)
  const problems = [...first, ...(await unfinished(lane, version, second))]
  return problems.map((problem) => `${nameOf(one)}: ${problem}`)
}

export interface Struck {
  version: string
  gems: readonly GemSketch[]
  attempt: number
  boundary: Boundary
  moment: Moment
  ending: Ending
}

/** One job that is ended at a boundary; gives what is wrong with its end. */
export async function struckJob(lane: Lane, struck: Struck): Promise<string[]> {
  const { gems, attempt, boundary, moment, ending } = struck
  const barrier = new Barrier()
  const { after, disarm } = arm(struck, lane, barrier)
  // A cancelled run may need its answer to end; a killed one must not be waited for, as no server would.
  const released = ending === 'SIGINT' ? barrier.releaseWhenReached() : Promise.resolve()
  const end = await lane.job(gems, attempt, cutAt(after, ending))
  barrier.release()
  disarm()
  await released
  const isStruck = end.main.conclusion !== 'success'
  if (isStruck) lane.struck += 1
  const reached = isStruck || mayComeTooLate(boundary, moment)
  return [
    ...(reached ? [] : ['the run was over before it was struck']),
    ...indecent(lane, end, ending === 'SIGKILL and no post step'),
  ]
}

interface Armed {
  after: CancelPlan['after']
  /** A barrier that was never reached must not hold up the next run. */
  disarm: () => void
}

function arm({ boundary, moment, version }: Struck, lane: Lane, barrier: Barrier): Armed {
  if ('lines' in boundary) {
    const line = boundary.lines[MOMENTS.indexOf(moment)] ?? boundary.lines[0]
    return {
      after: line instanceof RegExp ? (event) => event.type === 'line' && line.test(event.line.text) : line,
      disarm: () => undefined,
    }
  }
  const isStored = (): boolean => lane.sandbox.registry.versions().some(({ number }) => number === version)
  const [edge, nth] = 'anywhere' in boundary ? [undefined, boundary.anywhere] : [boundary.edge, boundary.nth]
  const fault = barrier.fault(edge, nth, moment, isStored)
  lane.inject(fault)
  return {
    after: barrier.reached,
    disarm: () => {
      fault.times = 0
    },
  }
}
