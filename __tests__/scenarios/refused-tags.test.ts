import { describe, expect, it } from 'vitest'
import { aim, altered } from '../../sandbox/faults.ts'
import { prebuilt } from './prebuilt.ts'
import { monorepo, project } from './projects.ts'
import { expectError, expectRefused, expectRefusedEarly } from './refusal.ts'
import { expectGreen, newWorld, REPOSITORY } from './scenario.ts'

describe('a tag that started the run', () => {
  it.each(['v1.2.4', '2.0.0', 'rack-lens-v9.9.9', 'nightly'])(
    '%s, which names another version or none, is refused with the tags that would do',
    async (tag) => {
      await using world = await newWorld()
      await world.repository(undefined, { tag })
      await expectRefusedEarly(world, {
        ...prebuilt(undefined, { on: { tag } }),
        code: 'tag-version-mismatch',
        says: [JSON.stringify(tag), 'says rack-lens 1.2.3', 'v1.2.3, 1.2.3, rack-lens-v1.2.3, rack-lens/v1.2.3'],
      })
      expect(world.uploads).toEqual([])
    },
  )

  it('is refused where it names a version that only one of two gems has', async () => {
    await using world = await newWorld()
    const files = monorepo({ name: 'lens-core', version: '1.2.3' }, { name: 'lens-web', version: '3.0.0' })
    await world.repository(files, { gems: ['lens-core', 'lens-web'], tag: 'v1.2.3' })
    await expectRefusedEarly(world, {
      on: { tag: 'v1.2.3' },
      code: 'tag-version-mismatch',
      says: ['"v1.2.3"', 'lens-web.gemspec says lens-web 3.0.0', 'lens-web-v3.0.0'],
    })
    expect(world.uploads).toEqual([])
  })

  it('is refused where another commit than the tagged one is checked out', async () => {
    await using world = await newWorld()
    const sha = await world.repository(undefined, { tag: 'v1.2.3' })
    await expectRefusedEarly(world, {
      on: { tag: 'v1.2.3' },
      before: async ({ runner }) => {
        await runner.run(
          'git -c user.name=Bot -c user.email=bot@example.com commit --quiet --allow-empty -m "Bump by the workflow"',
        )
      },
      code: 'tag-commit-mismatch',
      says: [`v1.2.3 names commit ${sha.slice(0, 12)}`, 'is checked out', '`actions/checkout` without `ref:`'],
    })
    expect(world.uploads).toEqual([])
  })
})

describe('a tag that is to be created', () => {
  it('is refused where it is on another commit: the version was not bumped', async () => {
    await using world = await newWorld()
    const old = await world.repository(undefined, { tag: 'v1.2.3' })
    const repository = world.sandbox.github.repository(REPOSITORY)
    const sha = await repository.commit({ 'README.md': '# More\n' })
    await expectRefusedEarly(world, {
      ...prebuilt(),
      code: 'tag-commit-mismatch',
      says: [
        `v1.2.3 names commit ${old.slice(0, 12)}`,
        `releases ${sha.slice(0, 12)}`,
        'never moved',
        'Bump the version',
      ],
    })
    expect(world.uploads).toEqual([])
  })

  it('says what is published already, from the commit of the tag', async () => {
    await using world = await newWorld()
    const old = await world.repository()
    expect((await world.run()).step.exitCode).toBe(0)
    await world.sandbox.github.repository(REPOSITORY).commit({ 'README.md': '# More\n' })
    await expectRefusedEarly(world, {
      code: 'tag-commit-mismatch',
      says: [
        `v1.2.3 names commit ${old.slice(0, 12)}`,
        'published already: rack-lens 1.2.3.',
        'nothing is left to do',
        'Nothing was published by this run.',
      ],
    })
    expect(world.uploads).toHaveLength(1)
  })

  it('is refused on a commit that GitHub does not have, where Bundler would not push it', async () => {
    await using world = await newWorld()
    await world.repository(project({ rakefile: false }))
    await expectRefusedEarly(world, {
      before: async ({ runner }) => {
        await runner.run(
          'git -c user.name=Bot -c user.email=bot@example.com commit --quiet --allow-empty -m "Bump by the workflow"',
        )
      },
      code: 'commit-not-on-github',
      says: ['GitHub does not have it', 'Push the commit before this step'],
    })
    expect(world.uploads).toEqual([])
  })

  it('is refused without a token', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { token: '' } }),
      code: 'tag-not-permitted',
      says: ['Input `token` is empty', '`permissions: contents: write`', '`tag: false`'],
    })
    expect(world.uploads).toEqual([])
  })

  it('is refused without the permission, before any key exists', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefused(world, {
      ...prebuilt(undefined, { permissions: { 'id-token': 'write', contents: 'read' } }),
      code: 'tag-not-permitted',
      says: [
        'create the tag v1.2.3',
        '403',
        'Add `contents: write`',
        '`tag: false`',
        'Nothing was published by this run.',
      ],
    })
    expect(world.exchanges).toEqual([])
    expect(world.uploads).toEqual([])
  })

  it('that a ruleset protects is refused before anything else, with the ruleset’s name', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.github.repository(REPOSITORY).protectTags('v*')
    await expectRefusedEarly(world, {
      ...prebuilt(),
      code: 'tag-not-permitted',
      says: ['ruleset "Protect v*" of octo/rack-lens', 'tag v1.2.3', 'refs/tags/v*', 'bypass list', '`tag: false`'],
    })
    expect(world.exchanges).toEqual([])
  })

  it('that a ruleset protects is no matter where the tag started the run, or is not made', async () => {
    await using world = await newWorld()
    await world.repository(undefined, { tag: 'v1.2.3' })
    world.sandbox.github.repository(REPOSITORY).protectTags('v*')
    expectGreen(await world.run(prebuilt(undefined, { on: { tag: 'v1.2.3' } })))
    const next = prebuilt([{ name: 'rack-lens', number: '1.2.4' }], { with: { tag: 'false' } })
    expectGreen(await world.run(next))
    expect(world.requests('github').filter((request) => request.includes('/rulesets'))).toEqual([])
  })

  it('with a name that the ruleset does not match is made', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.github.repository(REPOSITORY).protectTags('release-*')
    const ran = await world.run(prebuilt())
    expectGreen(ran)
    expect(ran.step.outputs).toMatchObject({ tag: 'v1.2.3' })
  })

  it('of which GitHub does not tell whether it may be made: warns, and where it may not, says what is published', async () => {
    await using world = await newWorld()
    await world.repository()
    world.sandbox.github.repository(REPOSITORY).protectTags('v*')
    world.sandbox.github.inject({
      ...aim('500', { path: /\/rulesets\/\d+/ }),
      play: altered((real, body) => ({ ...real, body: body.replace(/"current_user_can_bypass":"never",/, '') })),
    })
    const ran = await world.run(prebuilt())
    expect(ran.warnings).toContain('The tag may be refused: The ruleset "Protect v*" of octo/rack-lens may not let')
    expectError(ran, 'tag-not-permitted', ['v1.2.3', 'ruleset', 'bypass list', 'rack-lens 1.2.3 is published on'])
    expect(ran.step.outputs).toMatchObject({ published: 'true', tag: '' })
    expect(Object.keys((await world.public()).refs)).toEqual(['refs/heads/main'])
  })
})
