import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { ReleaseError } from '../../src/errors.ts'
import { Attester } from '../../src/sigstore/attester.ts'
import { Secret } from '../../src/world/secret.ts'
import { JOB, TestWorld } from './world.ts'

describe('signing', () => {
  it('that was cancelled ends at once, and is no reason to publish without', async () => {
    await using world = await TestWorld.start()
    world.sigstore.inject(aim('stall', { method: 'POST', path: /^\/api\/v1\/log\/entries/ }))
    const outcome = world.attested([world.gem('paper-boat')], 'true')
    setTimeout(() => {
      world.cancel.abort(new ReleaseError({ code: 'cancelled', what: 'The run was cancelled.', fix: 'Re-run.' }))
    }, 300)
    await expect(outcome).rejects.toThrow('The run was cancelled.')
  })

  it('without the right to ask for ID tokens is refused as the exchange would be', async () => {
    await using world = await TestWorld.start()
    const run = { ...world.run(), idToken: undefined }
    await expect(world.attested([world.gem('paper-boat')], 'true', run)).rejects.toMatchObject({
      problems: [{ code: 'id-token-unavailable' }],
    })
  })

  it('with an ID token that cannot be had is a failure like any other', async () => {
    await using world = await TestWorld.start()
    const run = { ...world.run(), idToken: { url: `${world.oidc.url}/token?x=1`, token: new Secret('wrong-token') } }
    const { bundles, problems } = await world.attested([world.gem('paper-boat')], 'true', run)
    expect(bundles.size).toBe(0)
    expect(problems).toMatchObject([{ code: 'id-token-failed' }])
  })

  it('uses one token and one certificate for many gems, and masks the token', async () => {
    await using world = await TestWorld.start()
    const gems = Array.from({ length: 20 }, (_, number) => world.gem(`paper-${String(number)}`))
    const { bundles } = await world.attested(gems, 'required')
    expect(bundles.size).toBe(20)
    const count = (service: string): number => world.requests.filter((request) => request.service === service).length
    expect([count('fulcio'), count('rekor')]).toEqual([1, 20])
    expect(world.runner.masks.filter((mask) => mask.startsWith('eyJ'))).toHaveLength(1)
  })

  it('of a private repository stops before Fulcio is asked', async () => {
    await using world = await TestWorld.start()
    const job = { ...JOB, visibility: 'private' }
    const outcome = world.attested([world.gem('paper-boat', job)], 'required', world.run(job))
    await expect(outcome).rejects.toMatchObject({
      problems: [{ code: 'attestation-failed', what: expect.stringMatching(/is private/) }],
    })
    expect(world.requests.map(({ service }) => service)).not.toContain('fulcio')
  })

  it('gets a new certificate for gems that are signed long after the first', async () => {
    await using world = await TestWorld.start()
    let now = 0
    const signing = { ...world.signing, clock: { ...world.signing.clock, now: () => now } }
    const attester = new Attester(world.run(), world.services, signing)
    await attester.attest(world.gem('paper-boat'))
    now = 6 * 60 * 1000
    await attester.attest(world.gem('paper-hat'))
    expect(world.requests.filter(({ service }) => service === 'fulcio')).toHaveLength(2)
  })
})
