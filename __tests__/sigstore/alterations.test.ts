import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SigstoreVerifier } from '../../sandbox/registry/attestation-sigstore.ts'
import { objectAt, stringAt } from '../../src/json.ts'
import type { Bundle } from '../../src/sigstore/attester.ts'
import { examine } from '../../src/sigstore/examine.ts'
import { altered } from './alteration.ts'
import { ALTERATIONS } from './alterations.ts'
import { JOB, type TestGem, TestWorld } from './world.ts'

let world: TestWorld
let gem: TestGem
let bundle: Bundle
let other: Bundle

beforeAll(async () => {
  world = await TestWorld.start()
  gem = world.gem('paper-boat')
  // Of another gem and another run, and the first in the log.
  other = await world.attester({ ...JOB, ref: 'refs/heads/main' }).attest(world.gem('paper-hat'))
  bundle = await world.attester().attest(gem)
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

describe('a bundle that', () => {
  it('is as it was made has nothing wrong with it', () => {
    expect(examine(bundle, {}).problems).toEqual([])
    expect(examine(bundle, {}).digests).toEqual([gem.sha256])
  })

  it.each(ALTERATIONS)('$name is refused', async (alteration) => {
    const spoilt = altered(bundle, other, alteration)
    const answer = await world.push(gem, [spoilt])
    expect(answer.status).toBe(alteration.status)
    expect(answer.text).toContain(alteration.text ?? '')
    const { problems } = examine(spoilt, {})
    expect(problems.join('; ')).toMatch(alteration.seen ?? /^$/)
    expect(world.registry.versions(gem.name).map(({ number }) => number)).not.toContain('1.0.0')
  })

  it.each<[string, (bundle: Bundle) => unknown]>([
    ['is spelt with underscores', underscored],
    ['has an empty list of timestamps', (good) => withMaterial(good, { timestampVerificationData: {} })],
    ['has the other base64', otherBase64],
    ['has its certificate in a chain of one', inChain],
  ])('%s is as good', async (_, change) => {
    const changed = change(bundle)
    expect(examine(changed, {}).problems).toEqual([])
    const publisher = {
      id: 1,
      repositoryOwner: 'boats',
      repositoryName: 'paper',
      repositoryOwnerId: '1',
      workflowFilename: 'release.yml',
      environment: null,
      workflowRepositoryOwner: null,
      workflowRepositoryName: null,
    }
    const verifier = new SigstoreVerifier(world.sigstore.trustedRoot)
    const file = { path: '', size: gem.bytes.length, sha256: gem.sha256 }
    expect(await verifier.verify(changed, file, publisher)).toEqual({ accepted: true })
  })

  it('is about another gem is refused with both digests', async () => {
    const hat = world.gem('paper-plane')
    const answer = await world.push(hat, [bundle])
    expect(answer).toEqual({
      status: 422,
      text: `Attestation verification failed:\nNone of in-toto subjects matches artifact for sha256: ${hat.sha256}`,
    })
  })

  it('was signed by another Sigstore is refused', async () => {
    await using elsewhere = await TestWorld.start()
    const foreign = await elsewhere.attester().attest(gem)
    expect(examine(foreign, {}).problems).toEqual([])
    // The log is unknown before the certificate is looked at.
    expect((await world.push(gem, [foreign])).status).toBe(500)
  })
})

function withMaterial(good: Bundle, more: object): unknown {
  const material = { ...objectAt(good, 'verificationMaterial'), ...more }
  // As it would come off the wire, where nothing is undefined.
  return JSON.parse(JSON.stringify({ ...good, verificationMaterial: material }))
}

function underscored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(underscored)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace('payload_type', 'payloadType'),
      underscored(inner),
    ]),
  )
}

function certificateOf(good: Bundle): string {
  return stringAt(good, 'verificationMaterial', 'certificate', 'rawBytes') ?? ''
}

function otherBase64(good: Bundle): unknown {
  const rawBytes = Buffer.from(certificateOf(good), 'base64').toString('base64url')
  return withMaterial(good, { certificate: { rawBytes } })
}

function inChain(good: Bundle): unknown {
  const certificates = [{ rawBytes: certificateOf(good) }]
  return withMaterial(good, { certificate: undefined, x509CertificateChain: { certificates } })
}
