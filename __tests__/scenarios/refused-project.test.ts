import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Files, monorepo, project } from './projects.ts'
import { expectRefused, expectRefusedEarly } from './refusal.ts'
import { expectGreen, newWorld, type RunOptions } from './scenario.ts'

const AMBIGUOUS = {
  ...monorepo({ name: 'lens-api', version: '1.0.0' }, { name: 'lens-core', version: '1.0.0' }),
  Rakefile: 'require "bundler/gem_tasks"\n',
}

const BROKEN: [what: string, files: Files, options: RunOptions, code: string, says: (string | RegExp)[]][] = [
  ['without a gemspec', { 'README.md': '' }, {}, 'no-gemspec', ['no gemspec', '`working-directory:`', '`gems:`']],
  [
    'whose working-directory is not there',
    project(),
    { with: { 'working-directory': 'gems/none' } },
    'no-gemspec',
    ['`working-directory`', 'gems/none', 'relative to the workspace'],
  ],
  [
    'whose gemspec raises',
    project({ before: ['raise "no VERSION file"'] }),
    {},
    'gemspec-failed',
    ['`rack-lens.gemspec`', 'RuntimeError: no VERSION file', 'rack-lens.gemspec:1', '`gem build`'],
  ],
  [
    'whose gemspec requires what is not installed',
    project({ before: ['require "not_installed_anywhere"'] }),
    {},
    'gemspec-failed',
    ['`rack-lens.gemspec`', 'LoadError', 'not_installed_anywhere'],
  ],
  ['whose gemspec exits', project({ before: ['exit 0'] }), {}, 'gemspec-failed', ['`rack-lens.gemspec`', 'SystemExit']],
  [
    'with two gemspecs and Bundler’s tasks for neither',
    AMBIGUOUS,
    {},
    'ambiguous-gemspecs',
    ['lens-api.gemspec, lens-core.gemspec', 'install_tasks(name: "lens-api")', '`strategy: direct`'],
  ],
  [
    'whose Rakefile raises',
    project({ rakefile: 'raise "no such task library"\n' }),
    {},
    'rakefile-failed',
    ['The Rakefile cannot be loaded', 'no such task library', 'Rakefile:1', '`rake -T`'],
  ],
  [
    'whose Gemfile cannot be satisfied',
    { ...project(), Gemfile: 'gemspec\ngem "not-installed-anywhere"\n' },
    {},
    'bundle-failed',
    ['Gemfile cannot be used', 'not-installed-anywhere', '`bundle install`', '`strategy: direct`'],
  ],
  [
    'without a release task for `strategy: rake`',
    project({ rakefile: 'task(:spec) { }\n' }),
    { with: { strategy: 'rake' } },
    'no-release-task',
    ['`strategy` is "rake"', 'bundler/gem_tasks'],
  ],
  [
    'whose gemspec allows another server only',
    project({ gemspecLines: ['spec.metadata["allowed_push_host"] = "https://gems.example.com"'] }),
    {},
    'push-host-mismatch',
    ['"https://gems.example.com"', '`allowed_push_host`', '`gem-server` is http://127.0.0.1:'],
  ],
  [
    'whose version is not the expected one',
    project(),
    { with: { 'expected-version': '2.0.0' } },
    'version-mismatch',
    ['`expected-version` is "2.0.0"', 'rack-lens.gemspec says rack-lens 1.2.3'],
  ],
]

describe('a project', () => {
  it.each(BROKEN)('%s is refused before the build', async (_, files, options, code, says) => {
    await using world = await newWorld()
    await world.repository(files)
    await expectRefusedEarly(world, { ...options, code, says: [...says, `docs/troubleshooting.md#${code}`] })
    expect(world.uploads).toEqual([])
  })

  it('with a changed file in its checkout is refused, and the file named', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      before: ({ runner }) => writeFile(path.join(runner.workspace, 'README.md'), '# Changed\n'),
      code: 'dirty-checkout',
      says: ['1 tracked file: "README.md"', '`git checkout -- FILE`'],
    })
    expect(world.uploads).toEqual([])
  })

  it('with files that git does not know is fine', async () => {
    await using world = await newWorld()
    await world.repository()
    const { error } = await world.run({
      before: ({ runner }) => writeFile(path.join(runner.workspace, 'coverage.txt'), '100 %'),
    })
    expect(error).toBe('')
  })

  it('in no git checkout is refused', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      checkout: false,
      before: async ({ runner }) => {
        for (const [name, text] of Object.entries(project())) {
          await mkdir(path.dirname(path.join(runner.workspace, name)), { recursive: true })
          await writeFile(path.join(runner.workspace, name), text)
        }
      },
      code: 'no-checkout',
      says: ['no git checkout', '`actions/checkout`'],
    })
    expect(world.uploads).toEqual([])
  })

  it('on a machine without Ruby is refused', async () => {
    await using world = await newWorld()
    await world.repository()
    const programs = path.join(world.directory, 'programs')
    await mkdir(programs)
    await symlink('/usr/bin/git', path.join(programs, 'git'))
    await expectRefusedEarly(world, {
      path: programs,
      code: 'ruby-unavailable',
      says: ['no `ruby` on PATH', '`ruby/setup-ruby`', '`gems:`'],
    })
    expect(world.uploads).toEqual([])
  })

  it('whose build fails is refused, with the last lines of it', async () => {
    await using world = await newWorld()
    await world.repository(project({ rakefile: 'task(:build) { abort "the compiler is missing" }\n' }))
    await expectRefused(world, {
      code: 'build-failed',
      says: ['`rake build` failed with exit code 1', 'the compiler is missing', 'Nothing was published'],
    })
    expect(world.exchanges).toEqual([])
  })

  it('whose gem has no file is refused, unless it is there to depend on others', async () => {
    await using world = await newWorld()
    await world.repository(project({ gemspecLines: ['spec.files = []'] }))
    await expectRefused(world, {
      code: 'gem-unexpected',
      says: ['rack-lens 1.2.3 without a single file', '`files` of rack-lens.gemspec was empty'],
    })
    expect(world.exchanges).toEqual([])
    await using another = await newWorld()
    await another.repository(project({ gemspecLines: ['spec.files = []', 'spec.add_dependency "rack"'] }))
    expectGreen(await another.run())
  })

  it('whose build gives another gem than its gemspec said is refused', async () => {
    await using world = await newWorld()
    const moving = 'spec.platform = "x86_64-linux" if File.exist?("lib/built.so")'
    const rakefile =
      'task(:build) { touch "lib/built.so"; sh "gem build rack-lens.gemspec"; mv Dir["*.gem"].first, "rack-lens-1.2.3.gem" }\n'
    await world.repository(project({ rakefile, gemspecLines: [moving] }))
    await expectRefused(world, {
      code: 'gem-unexpected',
      says: ['rack-lens 1.2.3 (x86_64-linux)', 'rack-lens.gemspec said rack-lens 1.2.3'],
    })
    expect(world.uploads).toEqual([])
  })
})
