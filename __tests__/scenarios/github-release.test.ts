import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { LENS, prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { ownRelease, rakeProject } from './rake-projects.ts'
import { newWorld, REPOSITORY, type ScenarioWorld } from './scenario.ts'

const CHANGELOG = '# Changelog\n\n## [1.2.3] - 2026-11-23\n\n- Sharper lenses.\n\n## [1.2.2]\n\n- Older.\n'

function assets(world: ScenarioWorld): Record<string, string> {
  const [release] = world.sandbox.github.releases(REPOSITORY)
  return Object.fromEntries(
    (release?.assets ?? []).map(({ name, id }) => [
      name,
      readFileSync(world.sandbox.github.assetFile(id)).toString('latin1'),
    ]),
  )
}

describe('the GitHub Release', () => {
  it('is published last, with the gem, its checksum and the changelog’s section', async () => {
    await using world = await newWorld()
    await world.repository({ ...project(), 'CHANGELOG.md': CHANGELOG })
    const { step, log, gems } = await world.run({ with: { 'github-release': 'true' } })
    expect(step.exitCode, log).toBe(0)
    const [release] = world.sandbox.github.releases(REPOSITORY)
    expect(release).toMatchObject({
      tag: 'v1.2.3',
      name: 'v1.2.3',
      draft: false,
      prerelease: false,
      body: '- Sharper lenses.',
    })
    const files = assets(world)
    expect(Object.keys(files).toSorted()).toEqual(['SHA256SUMS', 'rack-lens-1.2.3.gem'])
    const sha256 = createHash('sha256')
      .update(Buffer.from(files['rack-lens-1.2.3.gem'] ?? '', 'latin1'))
      .digest('hex')
    expect(sha256).toBe(gems[0]?.sha256)
    expect(files['SHA256SUMS']).toBe(`${sha256}  rack-lens-1.2.3.gem\n`)
    expect(step.outputs['release-url']).toContain('/releases/tag/v1.2.3')
    const order = world.sandbox.requests.map(({ method, path }) => `${method} ${path.split('?')[0] ?? ''}`)
    expect(order.indexOf('POST /api/v1/gems')).toBeLessThan(order.findIndex((line) => line.endsWith('/releases')))
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ type: 'tag' })
  })

  it('is not made where the release task has made no tag for it, and neither is the tag', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('stand_in "push", GEM')))
    const { step, error } = await world.run({ with: { 'github-release': 'true' } })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('github-release-failed: The release task made no tag v1.2.3')
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(world.sandbox.github.releases(REPOSITORY)).toEqual([])
    expect(await world.sandbox.github.repository(REPOSITORY).refs()).not.toHaveProperty('refs/tags/v1.2.3')
  })

  it('stays a draft when asked to, is marked as a pre-release for one, and has generated notes without a changelog', async () => {
    await using world = await newWorld()
    await world.repository(project({ version: '2.0.0.rc1' }))
    const { step, log } = await world.run({ with: { 'github-release': 'draft' } })
    expect(step.exitCode, log).toBe(0)
    const [release] = world.sandbox.github.releases(REPOSITORY)
    expect(release).toMatchObject({ draft: true, prerelease: true })
    expect(release?.body).toContain('Full Changelog')
  })

  it('has the notes of the tag where the changelog says nothing, and the gem’s Sigstore bundle', async () => {
    await using world = await newWorld({ sigstore: true })
    const sha = await world.repository()
    const message = 'Lenses 1.2.3\n\nSharper lenses:\n\n- in all sizes\n- for all eyes'
    await world.sandbox.github.repository(REPOSITORY).createTag('v1.2.3', sha, { message })
    const on = { tag: 'v1.2.3' }
    const { step, log } = await world.run({ on, with: { 'github-release': 'true', attestations: 'required' } })
    expect(step.exitCode, log).toBe(0)
    const [release] = world.sandbox.github.releases(REPOSITORY)
    expect(release?.body).toBe('Sharper lenses:\n\n- in all sizes\n- for all eyes')
    const files = assets(world)
    expect(Object.keys(files).toSorted()).toEqual([
      'SHA256SUMS',
      'rack-lens-1.2.3.gem',
      'rack-lens-1.2.3.gem.sigstore.json',
    ])
    const answer = await fetch(`${world.sandbox.registry.url}/api/v1/attestations/rack-lens-1.2.3.json`)
    const bundle = Buffer.from(files['rack-lens-1.2.3.gem.sigstore.json'] ?? '', 'latin1').toString('utf8')
    expect([JSON.parse(bundle)]).toEqual(await answer.json())
  })

  it.each([
    ['a tag that says only its title', {}],
    ['a lightweight tag', { lightweight: true }],
    [
      'a title and a signature',
      { message: 'Lenses\n\n-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----' },
    ],
  ])('has generated notes for %s', async (_, tag) => {
    await using world = await newWorld()
    const sha = await world.repository()
    await world.sandbox.github.repository(REPOSITORY).createTag('v1.2.3', sha, tag)
    const { step, log } = await world.run(
      prebuilt(undefined, { on: { tag: 'v1.2.3' }, with: { 'github-release': 'true' } }),
    )
    expect(step.exitCode, log).toBe(0)
    expect(world.sandbox.github.releases(REPOSITORY)[0]?.body).toContain('Full Changelog')
  })

  it('replaces what has an asset’s name and other bytes, and says so', async () => {
    await using world = await newWorld()
    await world.repository(project(), { tag: 'v1.2.3' })
    const options = prebuilt(undefined, { on: { tag: 'v1.2.3' }, with: { 'github-release': 'draft' } })
    expect((await world.run(options)).step.exitCode).toBe(0)
    const gem = world.sandbox.github.releases(REPOSITORY)[0]?.assets.find(({ name }) => name.endsWith('.gem'))
    world.sandbox.github.alterAsset(gem?.id ?? 0, Buffer.from('something else'))
    const { step, log } = await world.run(options)
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('Replacing rack-lens-1.2.3.gem: the release had it with other bytes.')
    expect(assets(world)['rack-lens-1.2.3.gem']).toBe(seedGem(LENS).toString('latin1'))
  })

  it('is found among many that came later, though a draft has no address', async () => {
    await using world = await newWorld()
    await world.repository(project(), { tag: 'v1.2.3' })
    const options = prebuilt(undefined, { on: { tag: 'v1.2.3' }, with: { 'github-release': 'draft' } })
    expect((await world.run(options)).step.exitCode).toBe(0)
    const { github } = world.sandbox
    const token = github.addToken({ repository: REPOSITORY, permissions: { contents: 'write' } })
    for (let other = 1; other <= 25; other++) {
      const made = await fetch(`${github.apiUrl}/repos/${REPOSITORY}/releases`, {
        method: 'POST',
        headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ tag_name: `other-${String(other)}`, draft: true }),
      })
      expect(made.status).toBe(201)
    }
    const again = await world.run(options)
    expect(again.step.exitCode, again.log).toBe(0)
    expect(again.log).toContain('Completing the release of v1.2.3 that is there.')
    expect(github.releases(REPOSITORY)).toHaveLength(26)
  })

  it('is completed by a second run, whatever is there already', async () => {
    await using world = await newWorld()
    await world.repository({ ...project(), 'CHANGELOG.md': CHANGELOG }, { tag: 'v1.2.3' })
    world.sandbox.github.inject(aim('403-html', { method: 'POST', path: /\/assets\?name=SHA256SUMS/ }))
    const on = { tag: 'v1.2.3' }
    const first = await world.run({ on, with: { 'github-release': 'true' } })
    expect(first.step.exitCode).toBe(1)
    expect(first.error).toContain('github-release-failed')
    expect(first.error).toContain('rack-lens 1.2.3 is published')
    expect(first.step.outputs['published']).toBe('true')
    world.sandbox.github.faults.clear()
    const second = await world.run({ on, with: { 'github-release': 'true' } })
    expect(second.step.exitCode, second.log).toBe(0)
    expect(world.sandbox.github.releases(REPOSITORY)).toHaveLength(1)
    expect(world.sandbox.github.releases(REPOSITORY)[0]?.draft).toBe(false)
    expect(Object.keys(assets(world)).toSorted()).toEqual(['SHA256SUMS', 'rack-lens-1.2.3.gem'])
  })

  it('is made once although the answer to its creation got lost', async () => {
    await using world = await newWorld()
    await world.repository({ ...project(), 'CHANGELOG.md': CHANGELOG })
    world.sandbox.github.inject(aim('reset-after', { method: 'POST', path: /\/releases$/ }, 1))
    const { step, log } = await world.run({ with: { 'github-release': 'true' } })
    expect(step.exitCode, log).toBe(0)
    expect(world.sandbox.github.releases(REPOSITORY)).toHaveLength(1)
  })

  it('adds the gem to the release that started the run', async () => {
    await using world = await newWorld()
    await world.repository(project(), { tag: 'v1.2.3' })
    const { step, log } = await world.run({
      on: { tag: 'v1.2.3', event: 'release' },
      with: { 'github-release': 'true' },
    })
    expect(step.exitCode, log).toBe(0)
    expect(Object.keys(assets(world))).toContain('rack-lens-1.2.3.gem')
  })

  it('is refused without a tag to belong to', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step, error } = await world.run({ with: { 'github-release': 'true', tag: 'false' } })
    expect(step.exitCode).toBe(1)
    expect(error).toContain('Input `github-release`')
    expect(world.requests('registry').filter((line) => line.startsWith('POST'))).toEqual([])
  })
})
