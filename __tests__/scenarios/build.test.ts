import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { type Files, project, type ProjectOptions } from './projects.ts'
import { commandsOf } from './refusal.ts'
import { expectGreen, newWorld, type Ran, REPOSITORY, type RunOptions, type ScenarioWorld } from './scenario.ts'

async function released(world: ScenarioWorld, files: Files, options: RunOptions = {}): Promise<Ran> {
  await world.repository(files)
  const ran = await world.run(options)
  expectGreen(ran)
  expect(ran.gems).toMatchObject([{ name: 'rack-lens', version: '1.2.3', status: 'pushed' }])
  return ran
}

/** The gem was built with this very line in its gemspec. */
function metadataOf(world: ScenarioWorld): Record<string, string> {
  const found = world.sandbox.registry.versions('rack-lens').find(({ number }) => number === '1.2.3')
  return found?.spec.metadata ?? {}
}

describe('the build', () => {
  it.each<[string, ProjectOptions, RunOptions, string]>([
    ['a Rakefile with Bundler’s tasks', {}, {}, 'rake build'],
    ['no Rakefile', { rakefile: false }, {}, 'gem build rack-lens.gemspec --output pkg/rack-lens-1.2.3.gem'],
    [
      'a Rakefile without a build task',
      { rakefile: 'task(:spec) { }\n' },
      {},
      'gem build rack-lens.gemspec --output pkg/rack-lens-1.2.3.gem',
    ],
    [
      'a broken Rakefile, which `strategy: direct` does without',
      { rakefile: 'raise "boom"\n' },
      { with: { strategy: 'direct' } },
      'gem build rack-lens.gemspec --output pkg/rack-lens-1.2.3.gem',
    ],
  ])('of a project with %s runs its command', async (_, options, run, command) => {
    await using world = await newWorld()
    const ran = await released(world, project(options), run)
    expect(commandsOf(ran)).toEqual([command])
    expect(ran.gems[0]?.file).toMatch(/\/pkg\/rack-lens-1\.2\.3\.gem$/)
    expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
  })

  it('of a project with a Gemfile runs under Bundler', async () => {
    await using world = await newWorld()
    const files = { ...project(), Gemfile: 'gemspec\ngem "rake"\n', '.gitignore': 'pkg/\nGemfile.lock\n' }
    const ran = await released(world, files)
    expect(commandsOf(ran)).toEqual(['bundle exec rake build'])
  })

  it('runs a build task of the project’s own, with what it puts before Bundler’s', async () => {
    await using world = await newWorld()
    const rakefile = [
      'require "bundler/gem_tasks"',
      'task(:generate) { File.write("lib/generated.rb", "# made by the build\\n") }',
      'task build: :generate',
      '',
    ].join('\n')
    const files = project({ rakefile, gemspecLines: ['spec.files += ["lib/generated.rb"]'] })
    const { log } = await released(world, files)
    expect(log).toContain('Built by `rake build`: the project defines or extends it.')
  })

  it('runs a build task that is nobody’s but the project’s', async () => {
    await using world = await newWorld()
    const rakefile = 'task(:build) { sh "gem build rack-lens.gemspec" }\n'
    const ran = await released(world, project({ rakefile }))
    expect(commandsOf(ran)).toEqual(['rake build'])
    expect(ran.gems[0]?.file).toMatch(/rack-lens\/rack-lens-1\.2\.3\.gem$/)
  })

  it('makes a platform gem where the gemspec says so', async () => {
    await using world = await newWorld()
    await world.repository(project({ gemspecLines: ['spec.platform = "x86_64-linux"'] }))
    const { error, gems } = await world.run()
    expect(error).toBe('')
    expect(gems).toMatchObject([{ name: 'rack-lens', version: '1.2.3', platform: 'x86_64-linux', status: 'pushed' }])
    expect(world.live).toEqual(['rack-lens-1.2.3-x86_64-linux'])
    expect(Object.keys((await world.public()).refs)).toContain('refs/tags/v1.2.3')
  })

  it('knows the time of the commit, so that the same commit gives the same bytes', async () => {
    await using world = await newWorld()
    const files = project({ gemspecLines: ['spec.metadata["built_at"] = ENV.fetch("SOURCE_DATE_EPOCH")'] })
    const date = new Date('2024-02-29T12:34:56Z')
    const repository = await world.sandbox.github.createRepository(REPOSITORY)
    await repository.commit(files, { date })
    world.sandbox.registry.addTrustedPublisher({ gem: 'rack-lens', repository: REPOSITORY, workflow: 'release.yml' })
    const { error } = await world.run()
    expect(error).toBe('')
    expect(metadataOf(world)['built_at']).toBe(String(date.getTime() / 1000))
  })

  it('sees no credential and no means to get one', async () => {
    await using world = await newWorld()
    const dump =
      'File.write(File.join(Dir.home, "env-#{$$}.txt"), ENV.map { |name, value| "#{name}=#{value}" }.join("\\0"))'
    const secrets = {
      GITHUB_TOKEN: 'ghs_0123456789abcdefghijklmnopqrstuvwxyz',
      GH_TOKEN: 'ghs_1123456789abcdefghijklmnopqrstuvwxyz',
      GEM_HOST_API_KEY: 'rubygems_00112233445566778899aabbccddeeff0011223344556677',
      BUNDLE_RUBYGEMS__PKG__GITHUB__COM: 'octocat:ghp_abcdefghijklmnopqrstuvwxyz0123456789',
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY',
      MY_OWN: 'anything',
      BUNDLE_WITHOUT: 'development',
      LC_ALL: 'C.UTF-8',
    }
    let texts: string[] = []
    await released(world, project({ before: [dump] }), {
      env: secrets,
      meanwhile: async ({ runner }) => {
        const names = (await readdir(runner.home)).filter((name) => name.startsWith('env-'))
        texts = await Promise.all(names.map((name) => readFile(path.join(runner.home, name), 'utf8')))
      },
    })
    // The probe, `rake build` and the `gem build` it starts.
    expect(texts).toHaveLength(3)
    const given = texts.map((text) => text.split('\0').map((entry) => entry.slice(0, entry.indexOf('='))))
    const forbidden =
      /^(ACTIONS_|INPUT_|STATE_|GITHUB_(TOKEN|ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$|GH_TOKEN|GEM_HOST|AWS_|MY_OWN)/
    expect(given.flat().filter((name) => forbidden.test(name) || /KEY|SECRET|TOKEN|PASSWORD|PKG/.test(name))).toEqual(
      [],
    )
    for (const names of given) {
      expect(names).toEqual(
        expect.arrayContaining(['PATH', 'HOME', 'SOURCE_DATE_EPOCH', 'GITHUB_SHA', 'BUNDLE_WITHOUT', 'LC_ALL', 'CI']),
      )
    }
    for (const value of Object.values(secrets).slice(0, 6)) expect(texts.join('\n')).not.toContain(value)
  })

  it('takes no leftover of an earlier build for what it has made', async () => {
    await using world = await newWorld()
    await world.repository(project({ rakefile: 'task(:build) { puts "nothing to do" }\n' }))
    const leftover = prebuilt().before
    const { error, step } = await world.run({
      before: async (job) => {
        await leftover?.(job)
        await job.runner.run('touch -d "2 hours ago" pkg/*.gem')
      },
    })
    expect(error).toMatch(/^build-failed: The build ended well, but left no new file rack-lens-1\.2\.3\.gem/)
    expect(step.exitCode).toBe(1)
    expect(world.uploads).toEqual([])
  })
})
