import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FaultPlan } from '../../sandbox/faults.ts'
import { startRegistry } from '../../sandbox/registry/registry.ts'
import { prebuilt } from './prebuilt.ts'
import { below, project } from './projects.ts'
import { expectGreen, newWorld, PUBLISHER, REPOSITORY } from './scenario.ts'

describe('where a release comes from and goes to', () => {
  it('is a directory below the root of the repository', async () => {
    await using world = await newWorld()
    await world.repository({ ...below('gems/lens', project()), 'README.md': '# Root\n' })
    const { error, gems } = await world.run({ with: { 'working-directory': 'gems/lens' } })
    expect(error).toBe('')
    expect(gems[0]?.file).toMatch(/\/gems\/lens\/pkg\/rack-lens-1\.2\.3\.gem$/)
    expect(world.published('rack-lens-1.2.3')).toBe(gems[0]?.sha256)
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main', 'refs/tags/v1.2.3'])
  })

  it('is a server whose address may end in a slash', async () => {
    await using world = await newWorld()
    await world.repository()
    const { error, gems } = await world.run(
      prebuilt(undefined, { with: { 'gem-server': `${world.sandbox.registry.url}/` } }),
    )
    expect(error).toBe('')
    expect(gems).toMatchObject([
      { status: 'pushed', url: `${world.sandbox.registry.url}/gems/rack-lens/versions/1.2.3` },
    ])
  })

  it('may be two servers, one after the other, with the same bytes and one tag', async () => {
    await using world = await newWorld()
    await world.repository()
    await using other = await startRegistry({
      directory: path.join(world.directory, 'other-registry'),
      jwksUrl: world.sandbox.oidc.jwksUrl,
      faults: new FaultPlan(),
    })
    other.addTrustedPublisher({ gem: 'rack-lens', ...PUBLISHER })

    const first = await world.run()
    expect(first.error).toBe('')
    const { refs } = await world.public()
    const second = await world.run({ with: { 'gem-server': other.url } })
    expectGreen(second)
    expect(second.gems).toMatchObject([{ status: 'pushed', sha256: first.gems[0]?.sha256 }])
    expect(other.versions('rack-lens').map(({ sha256 }) => sha256)).toContain(first.gems[0]?.sha256)
    expect((await world.public()).refs).toEqual(refs)
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toBeDefined()
  })

  it('may be the one server that the gemspec allows', async () => {
    await using world = await newWorld()
    const server = world.sandbox.registry.url
    await world.repository(project({ gemspecLines: [`spec.metadata["allowed_push_host"] = "${server}"`] }))
    const { error, gems } = await world.run()
    expect(error).toBe('')
    expect(gems).toMatchObject([{ status: 'pushed' }])
  })
})
