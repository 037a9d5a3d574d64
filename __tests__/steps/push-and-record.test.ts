import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { Ledger, type LedgerRecord } from '../../src/ledger.ts'
import { outcome } from '../../src/report.ts'
import { pushAndRecord } from '../../src/steps/push-and-record.ts'
import { files } from '../../src/world/files.ts'
import type { Strike } from '../faults/case.ts'
import { firstGem, type StepWorld, stepWorld } from '../faults/step-world.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

interface Recorded {
  /** The code it ended with, or `pushed`. */
  end: string
  record: LedgerRecord
  /** What the post step would read of a run that is killed now. */
  journal: LedgerRecord
}

async function recorded(step: StepWorld, stop?: AbortSignal): Promise<Recorded> {
  const journal = path.join(step.world.privateDirectory, 'journal.json')
  const ledger = new Ledger(step.inputs.server, journal)
  const release = { ledger, keys: step.keys, registry: step.registry, world: step.world }
  const end = await pushAndRecord(firstGem(step), release, stop).then(
    () => 'pushed',
    (error: unknown) => ReleaseError.from(error).code,
  )
  return { end, record: ledger.record, journal: JSON.parse((await files.text(journal)) ?? '') }
}

const always = 99

describe('a push that failed is recorded', () => {
  it.each<{ strikes: Strike[]; end: string; status: string; there: boolean }>([
    {
      strikes: [
        { trouble: 'reset-after', on: 'push', times: 1 },
        { trouble: '503-html', on: 'verify', times: always },
      ],
      end: 'registry-unavailable',
      status: 'unknown',
      there: true,
    },
    {
      strikes: [
        { trouble: '503-after', on: 'push', times: always },
        { trouble: '404', on: 'verify', times: always },
      ],
      end: 'push-failed',
      status: 'unknown',
      there: true,
    },
    {
      strikes: [
        { trouble: 'success-cut', on: 'push', times: 1 },
        { trouble: 'refused', on: 'push', times: always },
        { trouble: '404', on: 'verify', times: always },
      ],
      end: 'push-failed',
      status: 'unknown',
      there: true,
    },
    {
      strikes: [{ trouble: '503-html', on: 'push', times: always }],
      end: 'push-failed',
      status: 'unknown',
      there: false,
    },
    {
      strikes: [{ trouble: 'push-exists', on: 'push', times: always }],
      end: 'push-failed',
      status: 'unknown',
      there: false,
    },
    {
      strikes: [{ trouble: 'refused', on: 'push', times: always }],
      end: 'push-failed',
      status: 'failed',
      there: false,
    },
    {
      strikes: [{ trouble: '429-retry-after', on: 'push', times: always }],
      end: 'push-failed',
      status: 'failed',
      there: false,
    },
    { strikes: [{ trouble: '403', on: 'push', times: always }], end: 'push-refused', status: 'failed', there: false },
  ])('as $status where $strikes.0.trouble comes to $end', async ({ strikes, end, status, there }) => {
    await using made = await world.case({ strikes })
    const step = await stepWorld(made)
    const of = await recorded(step)
    expect(of.end).toBe(end)
    expect(of.record.gems).toMatchObject([{ name: made.label, sha256: firstGem(step).sha256, status }])
    expect(of.journal.gems).toEqual(of.record.gems)
    expect(outcome(of.record)).toBe(
      status === 'unknown'
        ? `Nothing is known to be published. Not known: ${made.label} 1.0.0.`
        : 'Nothing was published by this run.',
    )
    expect(made.registry.versions(made.label).some(({ number }) => number === '1.0.0')).toBe(there)
  })
})

/** Aborts as soon as the push waits for its next attempt. */
function stoppedWhileWaiting({ recorder }: StepWorld): AbortSignal {
  const stop = new AbortController()
  recorder.onInfo = (text) => {
    if (text.startsWith('Could not push')) stop.abort()
  }
  return stop.signal
}

describe('a push that waits for its next attempt when another gem fails', () => {
  it('is not made, and recorded as not tried where none was taken', async () => {
    await using made = await world.case({ strikes: [{ trouble: '429-retry-after', on: 'push', times: 1 }] })
    const step = await stepWorld(made)
    const { record } = await recorded(step, stoppedWhileWaiting(step))
    expect(record.gems).toMatchObject([{ status: 'not-tried' }])
    expect(made.attemptsAt('push')).toHaveLength(1)
    expect(made.attemptsAt('verify')).toEqual([])
  })

  it('is not made, and looked for where one may have arrived', async () => {
    await using made = await world.case({ strikes: [{ trouble: 'reset-after', on: 'push', times: 1 }] })
    const step = await stepWorld(made)
    const { end, record } = await recorded(step, stoppedWhileWaiting(step))
    expect(end).toBe('pushed')
    expect(record.gems).toMatchObject([{ status: 'already-published' }])
    expect(made.attemptsAt('push')).toHaveLength(1)
  })
})

describe('a cancelled push is recorded', () => {
  it.each([
    { trouble: '429-retry-after', status: 'not-tried' },
    { trouble: '503-html', status: 'unknown' },
  ] as const)('as $status after $trouble', async ({ trouble, status }) => {
    await using made = await world.case({ strikes: [{ trouble, on: 'push', times: 1 }] })
    const step = await stepWorld(made)
    step.recorder.onInfo = (text) => {
      if (!text.startsWith('Could not push')) return
      step.stop.abort(new ReleaseError({ code: 'cancelled', what: 'Cancelled.', fix: '' }))
    }
    const { end, record, journal } = await recorded(step)
    expect(end).toBe('cancelled')
    expect(record.gems).toMatchObject([{ status }])
    expect(journal.gems).toEqual(record.gems)
  })
})

describe('a gem that the registry shows with other bytes after its push', () => {
  it('is not reported as published', async () => {
    await using made = await world.case({ strikes: [{ trouble: 'other-digest', on: 'verify', times: always }] })
    const { result, record, recorder } = await made.release()
    expect(result).toBe('verification-failed')
    expect(record.gems).toMatchObject([{ status: 'failed' }])
    expect(recorder.outputs['published']).toBe('false')
    expect(recorder.errors[0]).not.toContain('is published on')
  })
})
