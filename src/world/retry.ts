import type { Problem } from '../errors.ts'
import { ReleaseError } from '../errors.ts'
import { type Clock, duration } from './clock.ts'

/**
 * How long each conversation with another machine may take and how often it is tried again. Durations in
 * milliseconds, sizes in bytes. Waits grow from `firstDelay` by a factor of two up to `maxDelay`, with full jitter.
 */
export interface Policy {
  /** Longest time for one attempt, from connecting to the last byte of the answer. */
  attempt: number
  /** For uploads: `attempt` is the time without progress, this the time for the answer after the last byte. */
  answer?: number
  /** How many may fail. As many more may end with a wait the server asks for: held back is not failed. */
  attempts: number
  firstDelay: number
  maxDelay: number
  /** No attempt starts later than this after the first; waits the server asked for are not counted. */
  budget: number
  /** The wait after a 429 that names none; the usual ones when absent. */
  limited?: number
  /** The longest wait a server may ask for, in all; `budget` when absent. */
  longestWait?: number
  /** Largest answer that is read. */
  answerBytes: number
  /** Only asks: unusable answers are asked for again as well. */
  readOnly?: boolean
}

const KiB = 1024
const MiB = 1024 * KiB
const seconds = (count: number): number => count * 1000

/** A conversation with a policy of its own. */
export type Edge =
  | 'id-token'
  | 'exchange'
  | 'preflight'
  | 'push'
  | 'verify'
  | 'github'
  | 'index'
  | 'sigstore'
  | 'download'

const READS = { attempt: seconds(10), firstDelay: 500, maxDelay: seconds(8), readOnly: true }

export const POLICIES: Readonly<Record<Edge, Policy>> = {
  'id-token': { ...READS, readOnly: false, attempts: 5, budget: seconds(60), answerBytes: 64 * KiB },
  exchange: {
    attempt: seconds(15),
    attempts: 4,
    firstDelay: seconds(1),
    maxDelay: seconds(10),
    budget: seconds(60),
    answerBytes: 64 * KiB,
  },
  preflight: { ...READS, attempts: 5, budget: seconds(60), answerBytes: 32 * MiB },
  push: {
    attempt: seconds(60),
    answer: seconds(180),
    // The registry may refuse a push for good with a 500: more tries would only use up its limits.
    attempts: 3,
    firstDelay: seconds(5),
    maxDelay: seconds(20),
    budget: seconds(480),
    limited: seconds(20),
    // The registry counts 400 pushes an hour and address: a large release may have to wait for the next hour.
    longestWait: seconds(3900),
    answerBytes: 256 * KiB,
  },
  verify: { ...READS, attempts: 5, budget: seconds(60), answerBytes: 4 * MiB },
  github: {
    attempt: seconds(15),
    attempts: 4,
    firstDelay: seconds(1),
    maxDelay: seconds(10),
    budget: seconds(60),
    // docs.github.com, "Rate limits for the REST API": "wait for at least one minute before retrying".
    limited: seconds(60),
    longestWait: seconds(300),
    // A list of releases comes with all their assets.
    answerBytes: 32 * MiB,
  },
  sigstore: {
    attempt: seconds(20),
    attempts: 3,
    firstDelay: seconds(1),
    maxDelay: seconds(10),
    budget: seconds(90),
    answerBytes: 256 * KiB,
  },
  // The step repeats it; its time is the longest without progress.
  download: { ...READS, attempts: 1, budget: seconds(10), answerBytes: 64 * KiB },
  index: { ...READS, attempts: 1, budget: seconds(10), answerBytes: 16 * MiB },
}

/** What one attempt came to. */
export type Attempt<T> =
  | { done: T }
  /** Worth trying again: why, in words, and the wait the server asked for in ms. */
  | { again: string; after?: number }

export interface Retrying {
  clock: Clock
  signal: AbortSignal
  /** Told of each failed attempt that will be repeated. */
  log: (line: string) => void
  /** Injected in tests; `Math.random` otherwise. */
  random?: () => number
}

/** What is being tried: completes "could not …" in the log, and gives the problem to report when it is given up. */
export interface Undertaking {
  edge: Edge
  /** For the log, such as `ask rubygems.org for a key`. */
  purpose: string
  /** The problem to report after the last attempt; `reason` is the last failure in words. */
  failure: (reason: string) => Problem
}

/** Repeats `attempt` by the edge's policy until it is done, it throws, or attempts or budget are used up. */
export async function persist<T>(
  { edge, purpose, failure }: Undertaking,
  { clock, signal, log, random = Math.random }: Retrying,
  attempt: (number: number) => Promise<Attempt<T>>,
): Promise<T> {
  const policy = POLICIES[edge]
  const started = clock.now()
  const times = { failed: 0, 'held back': 0 }
  let asked = 0
  for (let number = 1; ; number++) {
    signal.throwIfAborted()
    const outcome = await attempt(number)
    if ('done' in outcome) return outcome.done
    signal.throwIfAborted()
    const cameTo = outcome.after === undefined ? 'failed' : 'held back'
    const count = ++times[cameTo]
    const wait = delayBefore(policy, count, outcome.after, random)
    if (cameTo === 'held back') asked += wait
    const left = started + policy.budget + asked - clock.now()
    if (asked > (policy.longestWait ?? policy.budget)) {
      throw new ReleaseError(failure(waitTooLong(outcome.again, wait, clock)))
    }
    if (count >= policy.attempts || wait > left) {
      throw new ReleaseError(failure(number === 1 ? outcome.again : `${outcome.again} (${String(number)} attempts)`))
    }
    log(
      `Could not ${purpose} (${cameTo} ${String(count)} of ${String(policy.attempts)} times): ${outcome.again}. Trying again in ${duration(wait)}.`,
    )
    await clock.sleep(wait, signal)
  }
}

/** Full jitter under an exponential ceiling; a wait the server asked for is kept, never shortened. */
export function delayBefore(policy: Policy, number: number, asked: number | undefined, random: () => number): number {
  const ceiling = Math.min(policy.maxDelay, policy.firstDelay * 2 ** (number - 1))
  const jittered = Math.round(random() * ceiling)
  return asked === undefined ? jittered : Math.max(asked, jittered)
}

function waitTooLong(because: string, wait: number, clock: Clock): string {
  const at = new Date(clock.date().getTime() + wait).toISOString().slice(0, 16).replace('T', ' ')
  return `${because}; the server asks to wait until ${at} UTC, longer than this run can: re-run the job then`
}

/**
 * `Retry-After` in milliseconds: seconds, or a date, which is read against the answer's own `Date` so that a wrong
 * clock on this machine does not matter (RFC 9110, 10.2.3). Undefined for anything else.
 */
export function retryAfter(headers: { get(name: string): string | undefined }, now: Date): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  if (Number.isNaN(at)) return undefined
  const sent = Date.parse(headers.get('date') ?? '')
  return Math.max(0, at - (Number.isNaN(sent) ? now.getTime() : sent))
}
