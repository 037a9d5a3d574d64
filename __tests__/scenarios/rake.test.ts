import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { CUSTOM_RELEASES, ownRelease, rakeProject } from './rake-projects.ts'
import { forgetCheckoutCredentials, secretsOnDisk } from './rake-world.ts'
import { expectGreen, newWorld, REPOSITORY } from './scenario.ts'

const PLAIN = 'require "bundler/gem_tasks"\n'
const EXTRA = `${PLAIN}task(:check) { puts "checked" }\ntask release: :check\n`

describe('a release task that commits before it pushes', () => {
  const COMMIT = 'sh "git -c user.name=a -c user.email=a@example.com commit --quiet --allow-empty -m changelog"'

  it('publishes without attestation, as that would name another commit, and it is said', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository(rakeProject(ownRelease(COMMIT, 'stand_in "push", GEM')))
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ status: 'pushed', attested: false }])
    expect(ran.step.annotations).toMatchObject([{ level: 'warning', title: 'Published without attestations' }])
    expect(world.requests('fulcio')).toEqual([])
  })

  it('is refused with `attestations: required`', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository(rakeProject(ownRelease(COMMIT, 'stand_in "push", GEM')))
    const { step, error } = await world.run({ with: { attestations: 'required' } })
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^attestation-failed: Attestations are required, but the gems are of commit/)
    expect(world.uploads).toEqual([])
  })
})

describe('a customised release task under strategy auto', () => {
  it.each(CUSTOM_RELEASES)('$name: runs as it is, and its gem is ours to push', async ({ rakefile, prints, tag }) => {
    await using world = await newWorld()
    const sha = await world.repository(rakeProject(rakefile))
    const ran = await world.run()
    expectGreen(ran)
    const { step, gems, log } = ran
    expect(log).toContain('Strategy rake (`rake release`): the project defines or extends the `release` task itself.')
    expect(log).toContain(`| ${prints}`)
    expect(gems).toMatchObject([{ name: 'rack-lens', version: '1.2.3', status: 'pushed' }])
    expect(world.published('rack-lens-1.2.3')).toBe(gems[0]?.sha256)
    expect(await world.sandbox.github.repository(REPOSITORY).tag(tag)).toMatchObject({ type: 'tag', commit: sha })
    expect(step.outputs).toMatchObject({ tag, published: 'true', version: '1.2.3' })
  })

  it('may change, commit and push a file before it tags', async () => {
    await using world = await newWorld()
    const sha = await world.repository(
      rakeProject(
        [
          PLAIN,
          'task :stamp do',
          '  File.write("README.md", "# rack-lens 1.2.3\\n")',
          '  sh "git commit --quiet -am Stamp"',
          'end',
          'task build: :stamp',
          'task release: :stamp',
          '',
        ].join('\n'),
      ),
    )
    const ran = await world.run()
    expectGreen(ran)
    const repository = world.sandbox.github.repository(REPOSITORY)
    const main = (await repository.refs())['refs/heads/main']
    expect(main).not.toBe(sha)
    expect(await repository.tag('v1.2.3')).toMatchObject({ commit: main })
    expect(ran.step.outputs['tag']).toBe('v1.2.3')
  })
})

describe('the release task of Bundler under strategy rake', () => {
  it.each([
    { gemfile: true, persistCredentials: false, command: 'bundle exec rake release' },
    { gemfile: true, persistCredentials: true, command: 'bundle exec rake release' },
    { gemfile: false, persistCredentials: true, command: 'rake release' },
  ])(
    'gemfile: $gemfile, credentials of the checkout: $persistCredentials',
    async ({ gemfile, persistCredentials, command }) => {
      await using world = await newWorld()
      const sha = await world.repository(rakeProject(PLAIN, { gemfile }))
      let found: string[] = []
      let config = ''
      const ran = await world.run({
        with: { strategy: 'rake' },
        persistCredentials,
        meanwhile: async (job) => {
          config = await readFile(path.join(job.runner.workspace, '.git/config'), 'utf8')
          found = secretsOnDisk(job)
          await forgetCheckoutCredentials(job)
        },
      })
      expectGreen(ran)
      const { gems, log } = ran
      expect(log).toContain(`Strategy rake (\`${command}\`): input \`strategy\`.`)
      expect(config).not.toMatch(/extraheader|x-access-token|@/i)
      expect(found.filter((file) => !/git-credentials-/.test(file))).toEqual([])
      expect(world.published('rack-lens-1.2.3')).toBe(gems[0]?.sha256)
      const tag = await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')
      expect(tag).toMatchObject({ type: 'tag', commit: sha, message: 'Version 1.2.3\n' })
      expect(tag?.tagger).toMatchObject({ name: 'Octo Cat', email: 'octocat@example.com' })
    },
  )

  it('keeps the tokens and the command files of the job from the task, but not what the workflow set', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(PLAIN))
    const { step } = await world.run({
      with: { strategy: 'rake' },
      env: { NOTIFY_CHANNEL: 'releases', BUNDLE_GEM__PUSH_KEY: 'secret-in-disguise' },
    })
    const rake = step.processes.find(
      ({ argv }) => argv.includes('release') && argv.some((word) => word.endsWith('rake')),
    )
    expect(rake?.environ).toMatchObject({ NOTIFY_CHANNEL: 'releases', GITHUB_REPOSITORY: REPOSITORY })
    const names = Object.keys(rake?.environ ?? {})
    const never =
      /^(ACTIONS_|INPUT_|STATE_|GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY|TOKEN)$|GEM_HOST_API_KEY|BUNDLE_GEM)/
    expect(names.filter((name) => never.test(name))).toEqual([])
    expect(step.processes.some(({ argv }) => argv[0] === 'git' && argv.includes('push'))).toBe(true)
  })

  it('has the settings of git and the tokens that the workflow gives it by name', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(PLAIN))
    const ran = await world.run({
      with: { strategy: 'rake' },
      step: { env: { GITHUB_TOKEN: '${{ github.token }}' } },
      env: {
        GIT_CONFIG_COUNT: '2',
        GIT_CONFIG_KEY_0: 'user.name',
        GIT_CONFIG_VALUE_0: 'Release Bot',
        GIT_CONFIG_KEY_1: 'user.email',
        GIT_CONFIG_VALUE_1: 'bot@example.com',
      },
    })
    expectGreen(ran)
    const tag = await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')
    expect(tag?.tagger).toMatchObject({ name: 'Release Bot', email: 'bot@example.com' })
    const rake = ran.step.processes.find(({ argv }) => argv.includes('release'))
    expect(rake?.environ?.['GITHUB_TOKEN']).toMatch(/^gh/)
  })

  it('pushes with the token it is given, not with the one that the checkout left', async () => {
    await using world = await newWorld()
    const sha = await world.repository(rakeProject(PLAIN))
    const permissions = { contents: 'write', metadata: 'read' } as const
    const token = world.sandbox.github.addToken({ repository: REPOSITORY, permissions })
    const ran = await world.run({
      with: { strategy: 'rake', token },
      permissions: { 'id-token': 'write', contents: 'read' },
      persistCredentials: true,
      meanwhile: forgetCheckoutCredentials,
    })
    expectGreen(ran)
    expect(await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')).toMatchObject({ commit: sha })
  })

  it('answers a push whose answer was lost by asking the registry, not by sending it again', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(EXTRA))
    world.sandbox.registry.inject(aim('503-after', { method: 'POST', path: /^\/api\/v1\/gems/ }, 1))
    const ran = await world.run()
    expectGreen(ran)
    const { step, gems } = ran
    expect(world.uploads).toHaveLength(1)
    expect(world.published('rack-lens-1.2.3')).toBe(gems[0]?.sha256)
    expect(step.outputs['published']).toBe('true')
  })

  it('pushes nothing in a second run, and is green', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(EXTRA))
    const first = await world.run()
    const second = await world.run()
    expectGreen(first)
    expectGreen(second)
    expect(world.uploads).toHaveLength(1)
    expect(second.gems).toMatchObject([{ status: 'already-published', sha256: first.gems[0]?.sha256 }])
    expect(second.step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
    expect(second.log).toContain('Tag v1.2.3 has already been created.')
  })

  it('works on the detached HEAD of a run that a tag started', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(EXTRA), { tag: 'v1.2.3' })
    const ran = await world.run({ on: { tag: 'v1.2.3' } })
    expectGreen(ran)
    expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
  })

  it('pushes the branch of a commit that GitHub does not have yet', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(PLAIN))
    let head = ''
    const ran = await world.run({
      before: async (job) => {
        const script = 'echo more >> README.md && git -c user.name=A -c user.email=a@example.com commit -qam More'
        await job.runner.run(script)
        head = (await job.runner.run('git rev-parse HEAD')).rawStdout.trim()
      },
    })
    expectGreen(ran)
    expect(ran.log).toContain('is not on GitHub yet, and the release task pushes it')
    const repository = world.sandbox.github.repository(REPOSITORY)
    expect((await repository.refs())['refs/heads/main']).toBe(head)
    expect(await repository.tag('v1.2.3')).toMatchObject({ commit: head })
  })
})
