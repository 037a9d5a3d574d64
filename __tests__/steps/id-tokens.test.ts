import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { IdTokens } from '../../src/github/id-tokens.ts'
import { type StepWorld, stepWorld } from '../faults/step-world.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const AUDIENCE = 'rubygems.org'

function tokensOf({ run, world: outside }: StepWorld): IdTokens {
  return new IdTokens(run, outside)
}

describe('an ID token that was asked for ahead', () => {
  it('is the one that is taken, and only once', async () => {
    await using made = await world.case({})
    const tokens = tokensOf(await stepWorld(made))
    tokens.askAhead(AUDIENCE)
    const first = await tokens.take(AUDIENCE)
    expect(made.requestsTo('id-token')).toHaveLength(1)
    const second = await tokens.take(AUDIENCE)
    expect(made.requestsTo('id-token')).toHaveLength(2)
    expect(second.value.reveal()).not.toBe(first.value.reveal())
  })

  it('is left where it is too old by then', async () => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    const tokens = tokensOf(step)
    const masked = step.recorder.masks.size
    tokens.askAhead(AUDIENCE)
    // It is there when it is masked.
    await expect.poll(() => step.recorder.masks.size).toBeGreaterThan(masked)
    made.clock.advance(4 * 60_000 + 1)
    expect((await tokens.take(AUDIENCE)).at).toBe(4 * 60_000 + 1)
    expect(made.requestsTo('id-token')).toHaveLength(2)
  })

  it('is left where another audience is needed', async () => {
    await using made = await world.case({})
    const tokens = tokensOf(await stepWorld(made))
    tokens.askAhead('gems.example.com')
    const { value } = await tokens.take(AUDIENCE)
    const [, payload = ''] = value.reveal().split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ aud: AUDIENCE })
  })

  it('tells what went wrong when it is taken, and not before', async () => {
    await using made = await world.case({ strikes: [{ trouble: '400', on: 'id-token', times: 1 }] })
    const tokens = tokensOf(await stepWorld(made))
    tokens.askAhead(AUDIENCE)
    await expect.poll(() => made.requestsTo('id-token').length).toBe(1)
    const error: unknown = await tokens.take(AUDIENCE).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ReleaseError)
    expect(error).toMatchObject({ code: 'id-token-failed' })
  })
})
