import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Authentication } from '../../src/inputs.ts'
import { IdTokens } from '../../src/github/id-tokens.ts'
import { exchange } from '../../src/steps/exchange.ts'
import { ReleaseError } from '../../src/errors.ts'
import type { Case, CaseOptions } from '../faults/case.ts'
import { endOf, type StepWorld, stepWorld } from '../faults/step-world.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const PUBLISHER: Authentication = { kind: 'trusted-publisher', audience: 'rubygems.org' }

function exchanged({ inputs, run, world: outside }: StepWorld, authentication: Authentication = PUBLISHER) {
  return exchange(authentication, inputs.server, run, new IdTokens(run, outside), outside)
}

/** ID tokens as they were sent, in order. */
function tokensOf(made: Case): string[] {
  return made.requestsTo('exchange').map(({ body }) => /"jwt":"([^"]+)"/.exec(body.toString())?.[1] ?? '')
}

async function problemOf(options: CaseOptions, authentication?: Authentication): Promise<ReleaseError> {
  await using made = await world.case(options)
  const error: unknown = await exchanged(await stepWorld(made), authentication).catch((caught: unknown) => caught)
  if (error instanceof ReleaseError) return error
  throw new Error('the exchange succeeded')
}

describe('a key', () => {
  it('is masked in every form before it is used, and says who it is for and how long it lives', async () => {
    await using made = await world.case({})
    const step = await stepWorld(made)
    const key = await exchanged(step)
    expect(step.recorder.masks).toContain(key.value.reveal())
    expect(tokensOf(made).every((token) => step.recorder.masks.has(token))).toBe(true)
    expect(key).toMatchObject({ source: 'trusted publisher', name: expect.stringContaining('octo/faults @') })
    expect(key.expiresAt).toBe(15 * 60_000)
  })

  it('lives from before it was asked for, however long that took', async () => {
    await using made = await world.case({ strikes: [{ trouble: 'stall', on: 'exchange', times: 2 }] })
    const key = await exchanged(await stepWorld(made))
    expect(made.clock.now()).toBeGreaterThanOrEqual(30_000)
    // The server's clock is read to the second.
    expect(key.expiresAt).toBeLessThanOrEqual(15 * 60_000 + 1000)
  })

  it('of a role is asked for with a new token each time, since a role takes each once', async () => {
    await using made = await world.case({ strikes: [{ trouble: 'reset-after', on: 'exchange', times: 2 }] })
    const role = made.registry.addApiKeyRole({ conditions: [] })
    const key = await exchanged(await stepWorld(made), { kind: 'api-key-role', role, audience: 'rubygems.org' })
    expect(key.source).toBe('API key role')
    expect(new Set(tokensOf(made)).size).toBe(3)
  })

  it('of a trusted publisher is asked for with the same token while that is young', async () => {
    await using made = await world.case({ strikes: [{ trouble: '503-html', on: 'exchange', times: 3 }] })
    await exchanged(await stepWorld(made))
    expect(tokensOf(made)).toHaveLength(4)
    expect(new Set(tokensOf(made)).size).toBe(1)
  })
})

describe('a refusal', () => {
  it('names what the form must hold, from the token’s own claims, and never the token', async () => {
    await using made = await world.case({ strikes: [{ trouble: '404', on: 'exchange', times: 1 }] })
    const error = await exchanged(await stepWorld(made)).catch(String)
    expect(error).toContain('knows no trusted publisher')
    const [problem] = (await problemOf({ strikes: [{ trouble: '404', on: 'exchange', times: 1 }] })).problems
    expect(problem.fix).toContain('Repository owner: octo\n')
    expect(problem.fix).toContain('Repository name: faults\n')
    expect(problem.fix).toContain('Workflow filename: release.yml\n')
    expect(problem.fix).toContain('Environment: (leave empty)')
    expect(JSON.stringify(problem)).not.toContain('eyJ')
  })

  it('of a role names its conditions', async () => {
    const role = `rg_oidc_akr_${'1'.repeat(20)}`
    const { problems, code } = await problemOf({}, { kind: 'api-key-role', role, audience: 'elsewhere' })
    expect(code).toBe('exchange-refused')
    expect(problems[0].why).toContain('audience "elsewhere"')
    expect(problems[0].why).toContain('repository octo/faults')
  })

  it.each([
    ['key-of-another', 'its key is for evil/twin'],
    ['from-cache', 'served from a cache'],
    ['key-without-scope', 'may not push'],
    ['key-malformed', 'shape'],
    ['key-expired', 'expired already'],
  ] as const)('of our own, after %s, says %j', async (trouble, words) => {
    const error = await problemOf({ strikes: [{ trouble, on: 'exchange', times: 1 }] })
    expect(error.code).toBe('exchange-untrusted')
    expect(error.problems[0].what).toContain(words)
  })
})

describe('waiting', () => {
  it('takes a new token where the old one has become too old meanwhile', async () => {
    await using made = await world.case({ strikes: [{ trouble: '500', on: 'exchange', times: 1 }] })
    const step = await stepWorld(made)
    step.recorder.onInfo = (text) => {
      if (text.startsWith('Could not exchange')) made.clock.advance(4 * 60_000 + 1)
    }
    // Nothing is left of the budget by then; but no wait is due where the server has asked for none.
    expect(await endOf(exchanged(step))).not.toBe('internal-error')
    const tokens = tokensOf(made)
    expect(new Set(tokens).size).toBe(tokens.length)
  })

  it('ends when the run is cancelled', async () => {
    await using made = await world.case({ strikes: [{ trouble: '500', on: 'exchange', times: 9 }] })
    const step = await stepWorld(made)
    step.recorder.onInfo = () => {
      step.stop.abort(new ReleaseError({ code: 'cancelled', what: 'Cancelled.', fix: '' }))
    }
    expect(await endOf(exchanged(step))).toBe('cancelled')
    expect(made.attemptsAt('exchange')).toHaveLength(1)
  })
})
