import { afterAll, describe, expect, it } from 'vitest'
import { REPOSITORY, expectGreen, type Ran, type ScenarioWorld } from '../scenarios/scenario.ts'
import { writeGem } from './gems.ts'
import { buildAll, buildJob, type Handover, partOf, PLATFORMS, platformWorld, publishJob } from './platform-jobs.ts'

const FULL_NAMES = ['rack-lens-1.2.3', 'rack-lens-1.2.3-arm64-darwin', 'rack-lens-1.2.3-x86_64-linux']

/** Nobody was asked for a token or a key, and nothing was sent. */
function expectNothingAsked(world: ScenarioWorld): void {
  expect(world.requests('oidc')).toEqual([])
  expect(world.exchanges).toEqual([])
  expect(world.uploads).toEqual([])
  expect(world.live).toEqual([])
}

async function buildTheSet(): Promise<{ world: ScenarioWorld; handover: Handover }> {
  const world = await platformWorld()
  return { world, handover: await buildAll(world, PLATFORMS) }
}

function warningsOf({ warnings }: Ran): string[] {
  return warnings.split('\n').filter((line) => line.startsWith('Build job can publish'))
}

describe('a set of platforms, built by a matrix and published by one job', { timeout: 180_000 }, () => {
  let made: Promise<{ world: ScenarioWorld; handover: Handover }> | undefined
  /** Built once, by whichever test comes first; only the last one publishes anything. */
  const built = (): Promise<{ world: ScenarioWorld; handover: Handover }> => (made ??= buildTheSet())
  afterAll(async () => {
    await (await made)?.world[Symbol.asyncDispose]()
  })

  it('is told by each build job in outputs of its own', async () => {
    const { world, handover } = await built()
    expectNothingAsked(world)
    const told = handover.jobs.map(({ gems }) => gems.map(({ platform, status }) => `${platform} ${status}`).join())
    expect(told).toEqual(PLATFORMS.map((platform) => `${platform} not-tried`))
    for (const [index, { step, gems }] of handover.jobs.entries()) {
      const [gem] = gems
      const fileName = FULL_NAMES.find((name) => gem?.file.endsWith(`/${name}.gem`))
      expect(step.outputs['files']).toBe(gem?.file)
      expect(step.outputs['checksums']).toBe(`${gem?.sha256 ?? ''}  ${fileName ?? ''}.gem`)
      expect(step.outputs[`checksums-${String(index)}`]).toBe(step.outputs['checksums'])
      expect(step.outputs[`commit-${String(index)}`]).toBe(step.outputs['commit'])
      expect(step.outputs['commit']).toMatch(/^[0-9a-f]{40}$/)
      expect(Object.keys(step.outputs).filter((name) => /-\d+$/.test(name))).toHaveLength(2)
    }
  })

  it('is not published without one of its platforms', async () => {
    const { world, handover } = await built()
    const ran = await publishJob(world, await partOf(handover, ['ruby', 'x86_64-linux']))
    expect(ran.step.exitCode).toBe(1)
    expect(ran.error).toContain('platform-mismatch')
    expect(ran.error).toContain('lacks arm64-darwin')
    expectNothingAsked(world)
  })

  it('is not published when a file changed on the way', async () => {
    const { world, handover } = await built()
    const changed = await partOf(handover, PLATFORMS)
    const other = await writeGem(changed.directory, { name: 'rack-lens', version: '1.2.3', platform: 'x86_64-linux' })
    const ran = await publishJob(world, changed)
    expect(ran.step.exitCode).toBe(1)
    expect(ran.error).toContain('checksum-mismatch')
    expect(ran.error).toContain(`rack-lens-1.2.3-x86_64-linux.gem has SHA-256 ${other.sha256}`)
    expectNothingAsked(world)
  })

  it('is not published with a file nobody has named', async () => {
    const { world, handover } = await built()
    const more = await partOf(handover, PLATFORMS)
    await writeGem(more.directory, { name: 'rack-lens', version: '1.2.3', platform: 'java' })
    const ran = await publishJob(world, more)
    expect(ran.step.exitCode).toBe(1)
    expect(ran.error).toContain('checksum-mismatch')
    expect(ran.error).toContain('does not name rack-lens-1.2.3-java.gem')
    expect(ran.error).toContain('has java that nobody asked for')
    expectNothingAsked(world)
  })

  it('is not published when a named file is missing', async () => {
    const { world, handover } = await built()
    const part = await partOf(handover, ['ruby'])
    const ran = await publishJob(world, { ...part, checksums: handover.checksums }, { with: { platforms: '' } })
    expect(ran.step.exitCode).toBe(1)
    expect(ran.error).toContain('names rack-lens-1.2.3-x86_64-linux.gem, but `gems` matches no such file')
    expectNothingAsked(world)
  })

  it('is published as it was built: natives first, ruby last, one tag', async () => {
    const { world, handover } = await built()
    const published = await publishJob(world, handover)
    expectGreen(published)
    expect(world.live).toEqual(FULL_NAMES)
    const gems = handover.jobs.flatMap((job) => job.gems)
    for (const { sha256, platform } of gems) {
      expect(world.published(`rack-lens-1.2.3${platform === 'ruby' ? '' : `-${platform}`}`)).toBe(sha256)
    }
    expect(world.uploads).toHaveLength(3)
    expect(world.uploads.at(-1)?.sha256).toBe(gems.find(({ platform }) => platform === 'ruby')?.sha256)
    expect(published.step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3', version: '1.2.3' })
    expect(published.step.outputs['checksums']?.split('\n').toSorted()).toEqual(
      handover.checksums.split('\n').toSorted(),
    )
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ type: 'tag' })
  })
})

describe('a build job', { timeout: 180_000 }, () => {
  it('is warned where it could publish, and only there', async () => {
    await using world = await platformWorld()
    const without = await buildJob(world)
    expectGreen(without)
    expect(warningsOf(without)).toEqual([])
    const withIdToken = await buildJob(world, { permissions: { contents: 'read', 'id-token': 'write' } })
    expectGreen(withIdToken)
    expect(warningsOf(withIdToken)).toHaveLength(1)
    expectNothingAsked(world)
  })

  it('works for a pull request, which may never publish', async () => {
    await using world = await platformWorld()
    const on = { branch: 'main', event: 'pull_request' }
    const built = await buildJob(world, { on })
    expectGreen(built)
    expect(built.gems).toHaveLength(1)
    const ran = await world.run({ on })
    expect(ran.error).toContain('event-not-allowed')
    expectNothingAsked(world)
  })

  it('has no outputs of a matrix outside of one', async () => {
    await using world = await platformWorld()
    const { step } = await buildJob(world)
    expect(Object.keys(step.outputs).filter((name) => /^(checksums|commit)/.test(name))).toEqual([
      'checksums',
      'commit',
    ])
  })
})
