import { expect } from 'vitest'
import type { ErrorCode } from '../../src/errors.ts'
import { POLICIES } from '../../src/world/retry.ts'
import { edgeOf, type Target } from './targets.ts'
import type { Trouble } from './troubles.ts'

/**
 * What a release has to do about a fault.
 * R: ask again, by the edge's policy. W: the same, after the wait the server asks for. V: ask the registry for the
 * digest, then send the same bytes again. D: the digest is there, so that nothing is sent again. F: stop at once.
 * A: nothing, it is an answer like any other.
 */
export type Behaviour = 'R' | 'W' | 'V' | 'D' | 'F' | 'A'

export interface Row {
  trouble: Trouble
  behaviour: Behaviour
  /** How the release ends where the fault never does; for F, however often it strikes. */
  end: ErrorCode | 'green'
  /** How often the request is made before it is given up; the policy's number when absent. */
  attempts?: number | undefined
  /** The wait the server asks for, in ms. */
  asked?: number
  /** Waiting that is due besides the policy's, in ms. */
  patience?: number
}

export interface Cell extends Row {
  target: Target
  /** 1, 2 or Infinity. */
  times: number
}

type Details = Pick<Row, 'attempts' | 'asked' | 'patience'>

/** Rows of one behaviour and end; `details` where they differ from the policy. */
export function rows(
  behaviour: Behaviour,
  end: Row['end'],
  troubles: readonly Trouble[],
  details: Details = {},
): Row[] {
  return troubles.map((trouble) => ({ trouble, behaviour, end, ...details }))
}

/** Requests to GitHub, which take real git, and whose policy is that of the last of them. */
const ALIKE: ReadonlySet<Target> = new Set(['commit', 'tag-read', 'tag-object'])

/** Each row with the fault striking once, twice and always; twice is no other case where nothing is repeated. */
export function cells(target: Target, table: readonly Row[]): Cell[] {
  return table.flatMap((row) => {
    const repeated = row.behaviour !== 'F' && row.behaviour !== 'A'
    const often = [
      ...(repeated || !ALIKE.has(target) ? [1] : []),
      ...(repeated && !ALIKE.has(target) ? [2] : []),
      Infinity,
    ]
    return often.map((times) => ({ ...row, target, times }))
  })
}

/** What came of a cell, and what has to. */
export interface Outcome {
  end: string
  /** How often the target was asked. */
  attempts: number
  /** Virtual time in ms. */
  took: number
  /** Between two attempts, in ms; infinite where there was one. */
  shortestWait: number
  /** Whether the index or the file was late, which is a warning. */
  late: boolean
  /** How the release ends when the fault is gone. */
  rerun: string
  broken: readonly string[]
}

/** The outcome as a pattern for `toEqual`. */
export function required(cell: Cell): Record<keyof Outcome, unknown> {
  const { target, behaviour, end, times, asked = 0, patience = 0 } = cell
  const policy = POLICIES[edgeOf(target)]
  const most = cell.attempts ?? policy.attempts
  const overcome = behaviour === 'A' || behaviour === 'D' || (behaviour !== 'F' && times < most)
  const repeated =
    behaviour === 'F' || behaviour === 'A' || behaviour === 'D' ? 0 : Math.min(times, most - (overcome ? 0 : 1))
  const budget = policy.budget + policy.attempt + (policy.answer ?? 0) + asked * most + patience
  return {
    end: overcome ? 'green' : end,
    attempts: repeated + 1,
    took: atMost(budget),
    shortestWait: behaviour === 'W' ? atLeast(asked) : expect.any(Number),
    late: (target === 'index' || target === 'file') && end === 'green' && !overcome,
    rerun: 'green',
    broken: [],
  }
}

const atMost = (limit: number): unknown =>
  expect.toSatisfy((value: number) => value <= limit, `at most ${String(limit)}`)
const atLeast = (limit: number): unknown =>
  expect.toSatisfy((value: number) => value >= limit, `at least ${String(limit)}`)

/** Faults on the way there and back that say nothing about what the server did. */
export const NETWORK = [
  'refused',
  'unresolvable',
  'silent',
  'reset-before',
  'reset-unprocessed',
  'stall',
  'stall-unread',
  'trickle',
] as const satisfies readonly Trouble[]

/** The server has done its work, and its answer is lost. */
export const LOST = [
  'reset-after',
  'close-after',
  'reset-mid-answer',
  'close-mid-answer',
  'stall-after',
  '500-after',
  '503-after',
] as const satisfies readonly Trouble[]

/** Passing trouble of the server, which has done nothing. */
export const TROUBLED = [
  '408',
  '425',
  '429-past',
  '500',
  '502-html',
  '503-html',
  '504-html',
  '507',
  '520-html',
  'echo-500',
] as const satisfies readonly Trouble[]

export const CERTIFICATES = [
  'tls-unknown-issuer',
  'tls-other-host',
  'tls-expired',
] as const satisfies readonly Trouble[]

/** Answers that say how long to wait. */
export function limits(end: Row['end'], bare: number | undefined): Row[] {
  return [
    ...rows('W', end, ['429-retry-after'], { asked: 7_000 }),
    ...rows('W', end, ['429-date'], { asked: 9_000 }),
    ...rows('W', end, ['503-retry-after'], { asked: 11_000 }),
    ...rows(bare === undefined ? 'R' : 'W', end, ['429-bare', '429-nonsense'], { asked: bare ?? 0 }),
  ]
}
