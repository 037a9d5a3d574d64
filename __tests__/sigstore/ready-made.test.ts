import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { readBundles } from '../../src/sigstore/ready-made.ts'
import { attest } from '../../src/steps/attest.ts'
import { JOB, TestWorld } from './world.ts'

const file = (...bundles: unknown[]): { name: string; text: string } => ({
  name: 'bundles.jsonl',
  text: bundles.map((bundle) => JSON.stringify(bundle)).join('\n'),
})

describe('bundles made elsewhere', () => {
  it('are sent as they are, each with the gem it is about', async () => {
    await using world = await TestWorld.start()
    const [boat, hat] = [world.gem('paper-boat'), world.gem('paper-hat')]
    const bundles = [await world.signedElsewhere(boat), await world.signedAsFile(hat)]
    const files = [file(...bundles), { name: 'more.json', text: JSON.stringify([await world.signedElsewhere(hat)]) }]
    const made = await attest([boat, hat], {
      input: 'required',
      files,
      run: world.run(),
      services: undefined,
      world: world.signing,
    })
    expect(made.bundles.get(boat.sha256)).toEqual([bundles[0]])
    expect(made.bundles.get(hat.sha256)).toHaveLength(2)
    for (const gem of [boat, hat]) {
      expect(await world.push(gem, made.bundles.get(gem.sha256) ?? [])).toMatchObject({ status: 200 })
    }
    // Nothing was signed for them.
    expect(world.requests.filter(({ service }) => service === 'rekor')).toHaveLength(3)
  })

  it('about many gems go with each of them', async () => {
    await using world = await TestWorld.start()
    const [boat, hat] = [world.gem('paper-boat'), world.gem('paper-hat')]
    const bundle = await world.signedElsewhere(boat, JOB, [boat, hat])
    const read = readBundles([file(bundle)], [boat, hat], {})
    expect([...read.keys()].toSorted()).toEqual([boat.sha256, hat.sha256].toSorted())
    for (const gem of [boat, hat]) expect(await world.push(gem, [bundle])).toMatchObject({ status: 200 })
  })

  it('are all looked at, and everything wrong with them is said at once', async () => {
    await using world = await TestWorld.start()
    const [boat, hat, plane] = ['paper-boat', 'paper-hat', 'paper-plane'].map((name) => world.gem(name))
    if (!boat || !hat || !plane) throw new Error('three gems')
    const good = await world.signedElsewhere(boat)
    const files = [
      file(good),
      { name: 'absent.json', text: undefined },
      { name: 'broken.json', text: '{"mediaType":' },
      { name: 'empty.json', text: '' },
      { name: 'huge.json', text: ' '.repeat(5 * 1024 * 1024) },
      { name: 'plane.json', text: JSON.stringify(await world.signedElsewhere(plane)) },
      { name: 'new.json', text: JSON.stringify({ ...good, extra: 1 }) },
      {
        name: 'build.json',
        text: JSON.stringify(await world.signedElsewhere(hat, { ...JOB, workflowFile: 'build.yml' })),
      },
    ]
    const jobWorkflowRef = `${JOB.repository}/.github/workflows/release.yml@${JOB.ref}`
    const failure = await attempt(() => readBundles(files, [boat, hat], { jobWorkflowRef }))
    expect(failure.problems.map(({ code, what }) => `${code}: ${what}`)).toEqual([
      expect.stringMatching(/^invalid-input: .*no file absent\.json/),
      expect.stringMatching(/^invalid-input: .*broken\.json is not JSON/),
      expect.stringMatching(/^invalid-input: .*empty\.json/),
      expect.stringMatching(/^invalid-input: .*huge\.json/),
      expect.stringMatching(/^attestation-failed: .*plane\.json is about no gem of this release/),
      expect.stringMatching(/^attestation-failed: .*new\.json.*`extra`/),
      expect.stringMatching(/^attestation-failed: .*build\.json.*signed by the workflow build\.yml/),
    ])
  })

  it('that leave a gem out are reported, or an error where attestations are required', async () => {
    await using world = await TestWorld.start()
    const [boat, hat] = [world.gem('paper-boat'), world.gem('paper-hat')]
    const common = { files: [file(await world.signedElsewhere(boat))], services: world.services, world: world.signing }
    const run = { ...world.run(), idToken: undefined }
    const { bundles, problems } = await attest([boat, hat], { ...common, input: 'true', run })
    expect([bundles.size, problems.map(({ what }) => what)]).toEqual([
      1,
      ['None of the bundles in `attestation-bundles` is about paper-hat-1.0.0.'],
    ])
    await expect(attest([boat, hat], { ...common, input: 'required', run })).rejects.toThrow('paper-hat-1.0.0')
  })

  it('that the registry would refuse are an error also where attestations are not required', async () => {
    await using world = await TestWorld.start()
    const boat = world.gem('paper-boat')
    const bundle = await world.signedElsewhere(boat, { ...JOB, workflowFile: 'build.yml' })
    const options = { files: [file(bundle)], services: undefined, world: world.signing, run: world.run() }
    await expect(attest([boat], { ...options, input: 'true' })).rejects.toThrow(/build\.yml/)
  })
})

async function attempt(action: () => unknown): Promise<ReleaseError> {
  try {
    action()
  } catch (error) {
    if (error instanceof ReleaseError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}
