import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Problem } from '../../src/errors.ts'
import { type Attempt, delayBefore, type Edge, persist, POLICIES, retryAfter } from '../../src/world/retry.ts'
import { VirtualClock } from '../faults/clock.ts'

const NOW = new Date('2026-03-01T12:00:00Z')

function headers(fields: Record<string, string>): { get(name: string): string | undefined } {
  return { get: (name) => fields[name] }
}

describe('retryAfter', () => {
  it('reads seconds', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (seconds) => {
        expect(retryAfter(headers({ 'retry-after': String(seconds) }), NOW)).toBe(seconds * 1000)
      }),
    )
  })

  it('reads a date against the answer’s own, whatever this machine’s clock says', () => {
    const moment = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(moment, fc.integer({ min: -86_400, max: 90_000 }), moment, (sent, seconds, here) => {
        const date = new Date(Math.floor(sent.getTime() / 1000) * 1000)
        const at = new Date(date.getTime() + seconds * 1000)
        const fields = { 'retry-after': at.toUTCString(), date: date.toUTCString() }
        expect(retryAfter(headers(fields), here)).toBe(Math.max(0, seconds * 1000))
      }),
    )
  })

  it('takes this machine’s clock where the answer has no date', () => {
    expect(retryAfter(headers({ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }), NOW)).toBe(30_000)
  })

  it('is a wait of at least nothing, or none, for every text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, date) => {
        const wait = retryAfter(headers({ 'retry-after': value, date }), NOW)
        expect(wait === undefined || (Number.isFinite(wait) && wait >= 0)).toBe(true)
      }),
    )
  })

  it.each(['', ' ', '-1', '1.5', '1e3', '9999999999', 'soon', '0x10'])('does not take %j for seconds', (value) => {
    const wait = retryAfter(headers({ 'retry-after': value }), NOW)
    expect([undefined, 0]).toContain(wait)
  })
})

const EDGES: readonly Edge[] = ['id-token', 'exchange', 'preflight', 'push', 'verify', 'github', 'index']
const edges = fc.constantFrom(...EDGES)

describe('delayBefore', () => {
  it('is anything up to the ceiling, which doubles up to its own', () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(edges, fc.integer({ min: 1, max: 60 }), fraction, (edge, number, random) => {
        const policy = POLICIES[edge]
        const ceiling = Math.min(policy.maxDelay, policy.firstDelay * 2 ** (number - 1))
        const wait = delayBefore(policy, number, undefined, () => random)
        expect(wait).toBe(Math.round(random * ceiling))
        expect(wait).toBeLessThanOrEqual(policy.maxDelay)
      }),
    )
  })

  it('is never shorter than what the server asks for', () => {
    fc.assert(
      fc.property(edges, fc.nat(100), fc.nat(100_000_000), (edge, number, asked) => {
        expect(delayBefore(POLICIES[edge], number + 1, asked, Math.random)).toBeGreaterThanOrEqual(asked)
      }),
    )
  })
})

function failure(reason: string): Problem {
  return { code: 'push-failed', what: reason, fix: '' }
}

/** What an attempt takes and comes to. */
const step = fc.record({
  took: fc.nat(70_000),
  after: fc.option(fc.oneof(fc.nat(30_000), fc.constant(90_000_000)), { nil: undefined }),
  done: fc.boolean(),
})

interface Tried {
  starts: number[]
  waits: number[]
  asked: number
  outcome: unknown
}

async function tryOut(
  edge: Edge,
  steps: readonly { took: number; after: number | undefined; done: boolean }[],
): Promise<Tried> {
  const clock = new VirtualClock()
  const tried: Tried = { starts: [], waits: clock.slept, asked: 0, outcome: undefined }
  const retrying = { clock, signal: new AbortController().signal, log: () => undefined }
  const attempt = async (number: number): Promise<Attempt<string>> => {
    tried.starts.push(clock.now())
    const now = steps[(number - 1) % steps.length]
    clock.advance(now?.took ?? 0)
    if (now?.done) return { done: 'done' }
    return { again: 'no', ...(now?.after === undefined ? {} : { after: now.after }) }
  }
  tried.outcome = await persist({ edge, purpose: 'try', failure }, retrying, attempt).catch((error: unknown) => error)
  for (const [index, wait] of tried.waits.entries()) {
    if (steps[index % steps.length]?.after !== undefined) tried.asked += wait
  }
  return tried
}

describe('persist', () => {
  it('keeps to attempts, budget and the longest wait, and ends with what the last attempt came to', async () => {
    await fc.assert(
      fc.asyncProperty(edges, fc.array(step, { minLength: 1, maxLength: 6 }), async (edge, steps) => {
        const policy = POLICIES[edge]
        const { starts, waits, asked, outcome } = await tryOut(edge, steps)
        const last = steps[(starts.length - 1) % steps.length]
        const ended = starts.map((_, index) => steps[index % steps.length]?.after === undefined)
        expect(ended.filter((failed) => failed).length).toBeLessThanOrEqual(policy.attempts)
        expect(ended.filter((failed) => !failed).length).toBeLessThanOrEqual(policy.attempts)
        expect(starts.at(-1)).toBeLessThanOrEqual(policy.budget + asked)
        expect(asked).toBeLessThanOrEqual(policy.longestWait ?? policy.budget)
        expect(waits).toHaveLength(starts.length - 1)
        expect(outcome === 'done').toBe(last?.done)
        // Nothing is tried again after a success.
        expect(steps.slice(0, starts.length - 1).some(({ done }) => done)).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('says when to come again where a server wants a longer wait than a run can give', async () => {
    const { outcome, starts } = await tryOut('push', [{ took: 0, after: 90_000_000, done: false }])
    expect(starts).toHaveLength(1)
    expect(String(outcome)).toContain('until 2026-03-02 13:00 UTC')
  })

  it('waits for the next hour where the registry counts by the hour', async () => {
    const steps = [
      { took: 0, after: 3_500_000, done: false },
      { took: 0, after: undefined, done: true },
    ]
    expect(await tryOut('push', steps)).toMatchObject({ outcome: 'done', waits: [3_500_000] })
  })

  it('does not count a wait the server asked for as a failure', async () => {
    const failed = { took: 0, after: undefined, done: false }
    const heldBack = { took: 0, after: 1000, done: false }
    const all = [failed, heldBack, heldBack, failed]
    expect(await tryOut('push', [...all, { ...failed, done: true }])).toMatchObject({ outcome: 'done' })
    expect((await tryOut('push', [...all, failed])).outcome).toMatchObject({
      message: expect.stringContaining('5 attempts'),
    })
    expect((await tryOut('push', [heldBack])).starts).toHaveLength(POLICIES.push.attempts)
  })

  it('stops waiting when the run is cancelled, for that reason', async () => {
    const stop = new AbortController()
    const reason = new Error('cancelled')
    const log = (): void => stop.abort(reason)
    const trying = persist(
      { edge: 'push', purpose: 'try', failure },
      { clock: new VirtualClock(), signal: stop.signal, log },
      async () => ({ again: 'no' }),
    )
    await expect(trying).rejects.toBe(reason)
  })

  it('never repeats what was thrown', async () => {
    const thrown = new Error('final')
    let times = 0
    const trying = persist(
      { edge: 'push', purpose: 'try', failure },
      { clock: new VirtualClock(), signal: new AbortController().signal, log: () => undefined },
      async () => {
        times += 1
        throw thrown
      },
    )
    await expect(trying).rejects.toBe(thrown)
    expect(times).toBe(1)
  })
})
