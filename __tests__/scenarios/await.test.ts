import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { expectError } from './refusal.ts'
import { newWorld, PUBLISHER } from './scenario.ts'

const INFO = 'GET /info/rack-lens'

/** A publish job at a registry whose index follows after `indexLagMs`, and lists an old version of the gem by then. */
async function release(indexLagMs: number, inputs: Record<string, string>, { isNew = false } = {}) {
  let ago = 60 * 60 * 1000
  await using world = await newWorld({ clock: () => new Date(Date.now() - ago), registry: { indexLagMs } })
  await world.repository(undefined, { gems: isNew ? [] : ['rack-lens'] })
  ago = 0
  if (isNew) world.sandbox.registry.addPendingPublisher({ gem: 'rack-lens', ...PUBLISHER })
  const ran = await world.run(prebuilt(undefined, { with: inputs }))
  const looks = world.requests('registry').filter((request) => request === INFO).length
  return { ...ran, looks, published: world.published('rack-lens-1.2.3') }
}

describe('waiting for the index', () => {
  it('goes on as soon as it lists the gem', async () => {
    const { error, warnings, log, looks } = await release(1500, { 'await-timeout': '20' })
    expect(error).toBe('')
    expect(warnings).toBe('')
    expect(looks).toBeGreaterThan(1)
    expect(log).toContain('rack-lens 1.2.3 can be installed')
  })

  it.each([
    ['of another version', {}],
    ['of a new gem', { isNew: true }],
  ])('is green with a warning where the index is late: %s', async (_, options) => {
    const { step, error, warnings, published, gems } = await release(60_000, { 'await-timeout': '1' }, options)
    expect(error).toBe('')
    expect(step.exitCode).toBe(0)
    expect(warnings).toContain('The index is late: rack-lens 1.2.3 is published, but the index of ')
    expect(warnings).toContain('within 1 s')
    expect(published).toBe(gems[0]?.sha256)
    expect(step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
  })

  it('is red there with `strict`, while the outputs tell the truth', async () => {
    const ran = await release(60_000, { 'await-timeout': '1', 'await-release': 'strict' })
    expectError(ran, 'await-timeout', ['did not list it within 1 s', 'Do not publish it again', 'is published on'])
    expect(ran.published).toBe(ran.gems[0]?.sha256)
    expect(ran.step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
  })

  it('is green with `strict` where the index is in time', async () => {
    const { error, looks } = await release(0, { 'await-release': 'strict' })
    expect(error).toBe('')
    expect(looks).toBe(1)
  })

  it('does not look with `false`', async () => {
    const { error, looks, step } = await release(60_000, { 'await-release': 'false' })
    expect(error).toBe('')
    expect(looks).toBe(0)
    expect(step.outputs['published']).toBe('true')
  })
})
