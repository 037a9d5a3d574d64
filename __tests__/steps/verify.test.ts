import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { gemServer } from '../../src/server.ts'
import { verify } from '../../src/steps/verify.ts'
import { endOf, firstGem, type StepWorld, stepWorld } from '../faults/step-world.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

/** The same server, as one that is not known to show digests. */
function asOther({ registry }: StepWorld): StepWorld['registry'] {
  return { ...registry, server: { ...gemServer(new URL(registry.server.origin)), kind: 'other' } }
}

describe('verify', () => {
  it('is satisfied by our digest', async () => {
    await using made = await world.case({})
    await made.release()
    const step = await stepWorld(made)
    expect(await endOf(verify(firstGem(step), step.registry, step.world))).toBe('verified')
  })

  it('looks for a minute and a half, and then says that the version is not shown', async () => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    const failure = await verify(firstGem(step), step.registry, step.world).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'verification-failed', message: expect.stringContaining('does not show it') })
    expect(made.clock.slept).toEqual([1, 2, 4, 8, 15, 15, 15, 15, 15].map((seconds) => seconds * 1000))
  })

  it('names both digests where the registry has another', async () => {
    await using made = await world.case({})
    const there = made.registry.addVersion({ name: made.label, number: '1.0.0', yaml: { summary: 'Another' } })
    const step = await stepWorld(made)
    const failure = await verify(firstGem(step), step.registry, step.world).catch(String)
    expect(failure).toContain(there.sha256)
    expect(failure).toContain(firstGem(step).sha256)
  })

  it('asks for the platform, and takes no other’s digest', async () => {
    await using made = await world.case({ gems: [{ platform: 'java' }] })
    made.registry.addVersion({ name: made.label, number: '1.0.0' })
    const step = await stepWorld(made)
    expect(await endOf(verify(firstGem(step), step.registry, step.world))).toBe('verification-failed')
    await made.release()
    expect(await endOf(verify(firstGem(step), step.registry, step.world))).toBe('verified')
  })

  it('warns where another server shows no digests, after two looks', async () => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    expect(await endOf(verify(firstGem(step), asOther(step), step.world))).toBe('unverifiable')
    expect(step.recorder.warnings).toHaveLength(1)
    expect(made.attemptsAt('verify')).toHaveLength(2)
  })

  it('does not take another server’s silence for a digest of its own', async () => {
    await using made = await world.case({})
    made.registry.addVersion({ name: made.label, number: '1.0.0', yaml: { summary: 'Another' } })
    const step = await stepWorld(made)
    expect(await endOf(verify(firstGem(step), asOther(step), step.world))).toBe('verification-failed')
  })

  it('ends when the run is cancelled', async () => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    step.recorder.onInfo = () => {
      step.stop.abort(new ReleaseError({ code: 'cancelled', what: 'Cancelled.', fix: '' }))
    }
    expect(await endOf(verify(firstGem(step), step.registry, step.world))).toBe('cancelled')
    expect(made.attemptsAt('verify')).toHaveLength(1)
  })
})
