import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { project } from './projects.ts'
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

  it('stays a draft when asked to, is marked as a pre-release for one, and has generated notes without a changelog', async () => {
    await using world = await newWorld()
    await world.repository(project({ version: '2.0.0.rc1' }))
    const { step, log } = await world.run({ with: { 'github-release': 'draft' } })
    expect(step.exitCode, log).toBe(0)
    const [release] = world.sandbox.github.releases(REPOSITORY)
    expect(release).toMatchObject({ draft: true, prerelease: true })
    expect(release?.body).toContain('Full Changelog')
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
