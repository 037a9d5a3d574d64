import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { monorepo } from './projects.ts'
import { fileName, prebuilt } from './prebuilt.ts'
import { commandsOf, expectError } from './refusal.ts'
import { expectGreen, newWorld, PUBLISHER, REPOSITORY } from './scenario.ts'

const NAMES = ['lens-api', 'lens-core', 'lens-web']

/** lens-api needs lens-web, which needs lens-core. */
const CHAIN = [
  { name: 'lens-api', number: '1.0.0', dependencies: { 'lens-web': '>= 2.0.0' } },
  { name: 'lens-core', number: '3.0.0' },
  { name: 'lens-web', number: '2.0.0', dependencies: { 'lens-core': '>= 3' } },
]

describe('three gems of one repository', () => {
  it('of one version are built and published together under one tag', async () => {
    await using world = await newWorld()
    const sha = await world.repository(monorepo(...NAMES.map((name) => ({ name, version: '2.0.0' }))), { gems: NAMES })
    const ran = await world.run()
    expectGreen(ran)
    const { step, gems } = ran
    expect(gems.map(({ name, version, status }) => `${name} ${version} ${status}`)).toEqual(
      NAMES.map((name) => `${name} 2.0.0 pushed`),
    )
    for (const { name, sha256 } of gems) expect(world.published(`${name}-2.0.0`)).toBe(sha256)
    expect(commandsOf(ran)).toEqual(NAMES.map((name) => `gem build ${name}.gemspec --output pkg/${name}-2.0.0.gem`))
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main', 'refs/tags/v2.0.0'])
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v2.0.0')).toMatchObject({ commit: sha })
    expect(step.outputs).toMatchObject({ name: 'lens-api', version: '2.0.0', tag: 'v2.0.0', published: 'true' })
    expect(step.outputs['checksums']).toBe(gems.map(({ name, sha256 }) => `${sha256}  ${name}-2.0.0.gem`).join('\n'))
    for (const { sha256 } of gems) expect(step.summary).toContain(sha256)
    expect(world.exchanges).toHaveLength(1)
  })

  it('of different versions get a tag each, and go out after those they depend on', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: NAMES })
    const { error, gems } = await world.run(prebuilt(CHAIN))
    expect(error).toBe('')
    expect(Object.keys((await world.public()).refs)).toEqual([
      'refs/heads/main',
      'refs/tags/lens-api-v1.0.0',
      'refs/tags/lens-core-v3.0.0',
      'refs/tags/lens-web-v2.0.0',
    ])
    const nameOf = (digest: string): string | undefined => gems.find(({ sha256 }) => sha256 === digest)?.name
    expect(world.uploads.map(({ sha256 }) => nameOf(sha256))).toEqual(['lens-core', 'lens-web', 'lens-api'])
    const [core, web, api] = world.uploads
    expect(web?.startedAt).toBeGreaterThanOrEqual(core?.endedAt ?? Number.NaN)
    expect(api?.startedAt).toBeGreaterThanOrEqual(web?.endedAt ?? Number.NaN)
  })

  it('stops at the first that is refused, says what is out, and a re-run finishes', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { gems: ['lens-core'] })
    for (const gem of ['lens-api', 'lens-web']) world.sandbox.registry.addVersion({ name: gem, number: '0.0.0' })

    const failed = await world.run(prebuilt(CHAIN))
    expectError(failed, 'push-refused', [
      'lens-web 2.0.0',
      'does not trust this workflow',
      `${world.sandbox.registry.url}/gems/lens-web`,
      'Published: lens-core 3.0.0. Not published: lens-api 1.0.0 (not-tried), lens-web 2.0.0 (failed).',
    ])
    expect(failed.gems.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'lens-api not-tried',
      'lens-core pushed',
      'lens-web failed',
    ])
    expect(failed.step.outputs).toMatchObject({ published: 'false', tag: '' })
    expect(failed.step.outputs['checksums']?.split('\n')).toHaveLength(3)
    for (const status of ['not-tried', 'pushed', 'failed']) expect(failed.step.summary).toContain(`\`${status}\``)
    expect(world.live).toEqual(['lens-core-3.0.0'])
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main'])

    for (const gem of ['lens-api', 'lens-web']) world.sandbox.registry.addTrustedPublisher({ gem, ...PUBLISHER })
    const first = world.uploads.length
    const again = await world.run(prebuilt(CHAIN, { runAttempt: 2 }))
    expect(again.error).toBe('')
    expect(again.gems.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'lens-api pushed',
      'lens-core already-published',
      'lens-web pushed',
    ])
    expect(again.step.outputs).toMatchObject({ published: 'true', tag: 'lens-api-v1.0.0' })
    expect(world.uploads.slice(first)).toHaveLength(2)
    expect(world.live).toEqual(['lens-api-1.0.0', 'lens-core-3.0.0', 'lens-web-2.0.0'])
  })
})

describe('several platforms of one name', () => {
  const PLATFORMS = ['arm64-darwin', undefined, 'x86_64-linux', 'java'].map((platform) => ({
    name: 'rack-lens',
    number: '1.2.3',
    ...(platform === undefined ? {} : { platform }),
  }))

  it('go out one after another, natives first and ruby last', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step, error, gems } = await world.run(prebuilt(PLATFORMS))
    expect(error).toBe('')
    expect(world.live).toEqual(PLATFORMS.map((gem) => fileName(gem).replace(/\.gem$/, '')).toSorted())
    const platforms = world.uploads.map((upload) => gems.find(({ sha256 }) => sha256 === upload.sha256)?.platform)
    expect(platforms.at(-1)).toBe('ruby')
    expect(new Set(platforms)).toEqual(new Set(['arm64-darwin', 'java', 'ruby', 'x86_64-linux']))
    for (const [index, upload] of world.uploads.entries()) {
      expect(upload.startedAt).toBeGreaterThanOrEqual(world.uploads[index - 1]?.endedAt ?? 0)
    }
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main', 'refs/tags/v1.2.3'])
    expect(step.outputs['published']).toBe('true')
    const files = gems.map(({ file, sha256 }) => `${sha256}  ${path.basename(file)}`)
    expect(step.outputs['checksums']?.split('\n')).toEqual(files)
    expect(new Set(files.map((line) => line.slice(66)))).toEqual(new Set(PLATFORMS.map(fileName)))
    for (const { file } of gems) expect(file).toMatch(/\/rack-lens\/pkg\/rack-lens-1\.2\.3/)
  })

  it('can be spread over several patterns, which may overlap', async () => {
    await using world = await newWorld()
    await world.repository()
    const gems = 'pkg/*-java.gem\n  pkg/rack-lens-1.2.3*.gem\n\npkg/rack-lens-1.2.3.gem'
    const { error, gems: released } = await world.run(prebuilt(PLATFORMS, { with: { gems } }))
    expect(error).toBe('')
    expect(released).toHaveLength(4)
    expect(world.uploads).toHaveLength(4)
  })
})
