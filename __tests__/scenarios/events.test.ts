import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { monorepo, project } from './projects.ts'
import { expectGreen, newWorld, type RunOptions, REPOSITORY, type ScenarioWorld } from './scenario.ts'

/** Runs and expects a green release of rack-lens 1.2.3; what it wrote to GitHub. */
async function releases(world: ScenarioWorld, options: RunOptions): Promise<string[]> {
  const ran = await world.run(options)
  expectGreen(ran)
  const { step, gems } = ran
  expect(gems).toMatchObject([{ name: 'rack-lens', version: '1.2.3', status: 'pushed' }])
  expect(world.published('rack-lens-1.2.3')).toBe(gems[0]?.sha256)
  expect(step.outputs).toMatchObject({ name: 'rack-lens', version: '1.2.3', published: 'true' })
  return world.requests('github').filter((request) => !request.startsWith('GET '))
}

describe('a release that a tag starts', () => {
  it.each([
    ['v1.2.3', {}],
    ['1.2.3', {}],
    ['rack-lens-v1.2.3', {}],
    ['rack-lens/v1.2.3', {}],
    ['release-1.2.3', { tag: 'release-{version}' }],
    ['gems/rack-lens@1.2.3', { tag: 'gems/{name}@{version}' }],
    ['v1.2.3', { tag: 'false' }],
  ])('takes the tag %s with inputs %o, and makes none', async (tag, inputs) => {
    await using world = await newWorld()
    const sha = await world.repository(project(), { tag })
    const { refs } = await world.public()
    const written = await releases(world, prebuilt(undefined, { on: { tag }, with: inputs }))
    expect(written).toEqual([])
    expect((await world.public()).refs).toEqual(refs)
    expect(await world.sandbox.github.repository(REPOSITORY).tag(tag)).toMatchObject({ commit: sha })
  })

  it('takes a lightweight tag, and the output names it', async () => {
    await using world = await newWorld()
    const sha = await world.repository()
    await world.sandbox.github.repository(REPOSITORY).createTag('v1.2.3', sha, { lightweight: true })
    const { step, error } = await world.run(prebuilt(undefined, { on: { tag: 'v1.2.3' } }))
    expect(error).toBe('')
    expect(step.outputs['tag']).toBe('v1.2.3')
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ type: 'commit' })
  })

  it('builds what the tag has, from its checkout', async () => {
    await using world = await newWorld()
    await world.repository(project(), { tag: 'v1.2.3' })
    await world.sandbox.github.repository(REPOSITORY).commit(project({ version: '2.0.0' }))
    expect(await releases(world, { on: { tag: 'v1.2.3' } })).toEqual([])
  })

  it('takes the form of the prefix the Rakefile gives Bundler', async () => {
    await using world = await newWorld()
    const rakefile = 'require "bundler/gem_tasks"\nBundler::GemHelper.tag_prefix = "lens-"\n'
    await world.repository(project({ rakefile }), { tag: 'lens-v1.2.3' })
    expect(await releases(world, { on: { tag: 'lens-v1.2.3' } })).toEqual([])
  })

  it('takes the tag of a GitHub Release', async () => {
    await using world = await newWorld()
    await world.repository(project(), { tag: 'v1.2.3' })
    const payload = { action: 'published', release: { tag_name: 'v1.2.3', draft: false } }
    expect(await releases(world, prebuilt(undefined, { on: { tag: 'v1.2.3', event: 'release' }, payload }))).toEqual([])
  })

  it.each([
    ['a token that may only read', { permissions: { 'id-token': 'write', contents: 'read' } as const }],
    ['no token at all', { with: { token: '' } }],
  ])('makes do with %s', async (_, options) => {
    await using world = await newWorld()
    await world.repository(project(), { tag: 'v1.2.3' })
    expect(await releases(world, prebuilt(undefined, { ...options, on: { tag: 'v1.2.3' } }))).toEqual([])
  })
})

describe('a release on a branch', () => {
  it.each(['1.2.3', 'v1.2.3'])('by hand with expected-version %s, which is what comes out', async (expected) => {
    await using world = await newWorld()
    const sha = await world.repository()
    await releases(world, prebuilt(undefined, { with: { 'expected-version': expected } }))
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ commit: sha })
  })

  it.each([
    ['push', {}],
    ['schedule', { schedule: '0 4 * * 1' }],
    ['repository_dispatch', { action: 'release' }],
    ['workflow_run', { workflow_run: { event: 'push', head_repository: { full_name: REPOSITORY } } }],
  ])('is started by %s as well', async (event, payload) => {
    await using world = await newWorld()
    const sha = await world.repository()
    const written = await releases(world, prebuilt(undefined, { on: { branch: 'main', event }, payload }))
    expect(written).toEqual([`POST /repos/${REPOSITORY}/git/tags`, `POST /repos/${REPOSITORY}/git/refs`])
    const tag = await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')
    expect(tag).toMatchObject({ type: 'tag', commit: sha })
  })

  it.each([
    ['release-{version}', 'release-1.2.3'],
    ['{name}/v{version}', 'rack-lens/v1.2.3'],
  ])('makes the tag that the template %s describes', async (template, tag) => {
    await using world = await newWorld()
    const sha = await world.repository()
    await releases(world, prebuilt(undefined, { with: { tag: template } }))
    const { refs } = await world.public()
    expect(Object.keys(refs)).toEqual(['refs/heads/main', `refs/tags/${tag}`])
    expect(await world.sandbox.github.repository(REPOSITORY).tag(tag)).toMatchObject({ commit: sha })
  })

  it('makes the tag that Bundler would, with its prefix', async () => {
    await using world = await newWorld()
    const rakefile = 'require "bundler/gem_tasks"\nBundler::GemHelper.tag_prefix = "lens-"\n'
    await world.repository(project({ rakefile }))
    await releases(world, {})
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main', 'refs/tags/lens-v1.2.3'])
  })

  it('makes no tag with `tag: false`, and asks GitHub nothing', async () => {
    await using world = await newWorld()
    await world.repository()
    expect(await releases(world, prebuilt(undefined, { with: { tag: 'false' } }))).toEqual([])
    expect(world.requests('github')).toEqual([])
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main'])
  })
})

describe('a tag among several gems', () => {
  it('releases only the gem it names', async () => {
    await using world = await newWorld()
    const files = monorepo({ name: 'lens-core', version: '2.0.0' }, { name: 'rack-lens', version: '1.2.3' })
    await world.repository(files, { gems: ['lens-core', 'rack-lens'], tag: 'rack-lens-v1.2.3' })
    await releases(world, { on: { tag: 'rack-lens-v1.2.3' } })
    expect(world.live).toEqual(['rack-lens-1.2.3'])
  })
})
