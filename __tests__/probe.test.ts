import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ReleaseError } from '../src/errors.ts'
import { readProject } from '../src/rubygems/probe.ts'
import type { Project } from '../src/rubygems/project.ts'
import { systemClock } from '../src/world/clock.ts'
import { createProcesses } from '../src/world/processes.ts'

const SCRIPT = path.resolve(import.meta.dirname, '../src/rubygems/probe.rb')
const TASKS = 'require "bundler/gem_tasks"\n'

const directories: string[] = []

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

async function temporary(): Promise<string> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), 'probe-')))
  directories.push(directory)
  return directory
}

function gemspec(name: string = 'lens', lines: readonly string[] = []): string {
  const block = [`s.name = "${name}"`, 's.version = "1.2.3"', 's.summary = "x"', 's.authors = ["x"]', ...lines]
  return `Gem::Specification.new do |s|\n${block.join('\n')}\nend\n`
}

/** Reads a project made of these files with the machine's own Ruby. */
async function probe(files: Record<string, string>, below: string = '.'): Promise<Project & { printed: string[] }> {
  const root = await temporary()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true })
    await writeFile(path.join(root, name), text)
  }
  const printed: string[] = []
  const { signal } = new AbortController()
  const project = await readProject({
    processes: createProcesses({ clock: systemClock, signal, lastSignal: signal, mark: randomUUID() }),
    script: SCRIPT,
    workingDirectory: path.join(root, below),
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: root, LANG: 'C.UTF-8' },
    privateDirectory: await temporary(),
    onLine: (line) => printed.push(line),
  })
  return { ...project, printed }
}

describe('tasks', () => {
  it.each<[string, Record<string, string>, Partial<Project['rake']> & Record<string, unknown>]>([
    ['no Rakefile', {}, { state: 'none' }],
    ['Bundler’s', { Rakefile: TASKS }, { build: 'bundler', release: 'bundler', gem: 'lens', tag: 'v1.2.3' }],
    ['Bundler’s, in rakefile.rb', { 'rakefile.rb': TASKS }, { build: 'bundler', release: 'bundler' }],
    ['none', { Rakefile: 'task(:spec) { }\n' }, { build: 'absent', release: 'absent', gem: undefined, tag: undefined }],
    ['its own only', { Rakefile: 'task(:release) { }\n' }, { build: 'absent', release: 'project' }],
    [
      'a step more in release',
      { Rakefile: `${TASKS}Rake::Task["release"].enhance { sh "curl" }\n` },
      { build: 'bundler', release: 'project' },
    ],
    [
      'a prerequisite more of release',
      { Rakefile: `${TASKS}task(:spec) { }\ntask release: :spec\n` },
      { build: 'bundler', release: 'project' },
    ],
    [
      'a prerequisite more of build',
      { Rakefile: `${TASKS}task(:compile) { }\ntask build: :compile\n` },
      { build: 'project' },
    ],
    [
      'a step more in a part of release',
      { Rakefile: `${TASKS}Rake::Task["release:rubygem_push"].enhance { sh "curl" }\n` },
      { build: 'bundler', release: 'project' },
    ],
    [
      'a release without its guard',
      { Rakefile: `${TASKS}Rake::Task["release:guard_clean"].clear\n` },
      { build: 'bundler', release: 'project' },
    ],
    [
      'a helper whose methods the project replaces',
      { Rakefile: `${TASKS}class Bundler::GemHelper\n  def rubygem_push(path) = sh("true")\nend\n` },
      { build: 'bundler', release: 'project' },
    ],
    [
      'a tag prefix',
      { Rakefile: `${TASKS}Bundler::GemHelper.tag_prefix = "lens-"\n` },
      { build: 'bundler', release: 'bundler', tag: 'lens-v1.2.3' },
    ],
    [
      'one of two gems',
      {
        'core.gemspec': gemspec('core'),
        Rakefile: 'require "bundler/gem_helper"\nBundler::GemHelper.install_tasks(name: "core")\n',
      },
      { build: 'bundler', release: 'bundler', gem: 'core' },
    ],
    [
      'Bundler’s in a namespace',
      { Rakefile: 'require "bundler/gem_helper"\nnamespace(:gem) { Bundler::GemHelper.install_tasks }\n' },
      { build: 'absent', release: 'absent' },
    ],
  ])('%s', async (_, files, expected) => {
    const { rake, gemspecs } = await probe({ 'lens.gemspec': gemspec(), ...files })
    expect(rake).toMatchObject(expected)
    expect(gemspecs.map(({ name }) => name)).toContain('lens')
  })

  it('of a Rakefile in a parent directory do not speak for this gem', async () => {
    const { rake } = await probe({ 'gems/lens/lens.gemspec': gemspec(), Rakefile: TASKS }, 'gems/lens')
    expect(rake).toEqual({ state: 'none' })
  })

  it.each([
    ['raise "boom"', /RuntimeError: boom \(Rakefile:1/],
    ['def broken(', /SyntaxError/],
    ['require "not_installed_anywhere"', /LoadError.*not_installed_anywhere/],
    ['abort "no"', /SystemExit/],
    [TASKS, /Unable to determine name from existing gemspec/],
  ])('of a broken Rakefile (%s) are unknown, and the gemspecs are read all the same', async (text, says) => {
    const { rake, gemspecs } = await probe({
      'lens.gemspec': gemspec(),
      'core.gemspec': gemspec('core'),
      Rakefile: text,
    })
    expect(rake).toMatchObject({ state: 'failed', message: expect.stringMatching(says) })
    expect(gemspecs.map(({ name }) => name)).toEqual(['core', 'lens'])
  })
})

describe('gemspecs', () => {
  it('are read with all that the plan needs', async () => {
    const lines = [
      's.platform = "x86_64-linux"',
      's.metadata["allowed_push_host"] = "https://gems.example.com"',
      's.metadata["émoji"] = "💎"',
      's.add_dependency "rack", "~> 3.0", ">= 3.0.1"',
      's.add_development_dependency "rspec"',
    ]
    const { gemspecs, ruby } = await probe({ 'lens.gemspec': gemspec('lens', lines) })
    expect(gemspecs).toEqual([
      {
        file: 'lens.gemspec',
        name: 'lens',
        version: '1.2.3',
        platform: 'x86_64-linux',
        metadata: new Map([
          ['allowed_push_host', 'https://gems.example.com'],
          ['émoji', '💎'],
        ]),
        dependencies: [
          { name: 'rack', requirement: expect.stringMatching(/^(~> 3\.0, >= 3\.0\.1|>= 3\.0\.1, ~> 3\.0)$/) },
        ],
      },
    ])
    expect(ruby.version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  it.each([
    ['require_relative "lib/version"', 'lib/version.rb', 'VERSION_OF_LENS = "1.2.3"'],
    ['$LOAD_PATH.unshift File.expand_path("lib", __dir__); require "version_of_lens"', 'lib/version_of_lens.rb', ''],
    ['VERSION_OF_LENS ||= File.read("VERSION").strip', 'VERSION', '1.2.3\n'],
  ])('may start with %s', async (first, file, text) => {
    const { gemspecs } = await probe({ 'lens.gemspec': `${first}\n${gemspec()}`, [file]: text })
    expect(gemspecs).toMatchObject([{ name: 'lens', version: '1.2.3' }])
  })

  it('may print and start programs without disturbing the answer', async () => {
    const noisy = 'puts "::error::not ours"\n$stderr.puts "{}"\nsystem("echo from a program")\n'
    const { gemspecs, printed } = await probe({ 'lens.gemspec': `${noisy}${gemspec()}` })
    expect(gemspecs).toHaveLength(1)
    expect(printed.toSorted()).toEqual(['::error::not ours', 'from a program', '{}'])
  })

  it('whose name is only an extension are read as well, once; hidden ones are not', async () => {
    const { gemspecs } = await probe({ '.gemspec': gemspec(), '.old.gemspec': gemspec('old') })
    expect(gemspecs).toHaveLength(1)
    expect(gemspecs).toMatchObject([{ file: '.gemspec', name: 'lens' }])
  })

  it('that cannot be read are all reported, each with its reason and line', async () => {
    const failure = await probe({
      'a.gemspec': 'raise ArgumentError, "no a"\n',
      'b.gemspec': gemspec('b'),
      'c.gemspec': '"not a specification"\n',
      'd.gemspec': 'exit 1\n',
      'e.gemspec': 'def broken(\n',
    }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ReleaseError)
    const problems = failure instanceof ReleaseError ? failure.problems : []
    expect(problems.map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'gemspec-failed'))
    expect(problems[0].what).toContain('`a.gemspec` cannot be evaluated: ArgumentError: no a (a.gemspec:1')
    expect(problems[1]?.what).toContain('does not evaluate to a Gem::Specification but to String')
    expect(problems[2]?.what).toContain('SystemExit')
    expect(problems[3]?.what).toContain('SyntaxError')
  })

  it('that end Ruby itself are refused with what it printed', async () => {
    const failure = probe({ 'lens.gemspec': 'warn "cannot go on"\nexit!(3)\n' })
    await expect(failure).rejects.toMatchObject({
      problems: [{ code: 'ruby-unavailable', what: expect.stringContaining('exit code 3'), why: 'cannot go on' }],
    })
  })
})

describe('Bundler', () => {
  it('is set up where the project has a Gemfile', async () => {
    const { bundler, rake } = await probe({ 'lens.gemspec': gemspec(), Gemfile: 'gem "rake"\n', Rakefile: TASKS })
    expect(bundler).toMatchObject({ state: 'ready' })
    expect(rake).toMatchObject({ build: 'bundler', release: 'bundler' })
  })

  it('is set up for a Gemfile at the root of the repository, and for none above it', async () => {
    const files = { 'gems/lens/lens.gemspec': gemspec(), 'gems/lens/Rakefile': TASKS }
    const inside = await probe({ ...files, Gemfile: 'gem "rake"\n', '.git/HEAD': '' }, 'gems/lens')
    expect(inside.bundler).toMatchObject({ state: 'ready' })
    const above = await probe({ ...files, Gemfile: 'gem "rake"\n', 'gems/.git': 'gitdir: elsewhere\n' }, 'gems/lens')
    expect(above.bundler).toEqual({ state: 'none' })
  })

  it('chooses every version itself: nothing is loaded before it that a bundle may have', async () => {
    const files = { 'lens.gemspec': gemspec(), Rakefile: TASKS, Gemfile: 'gem "rake"\ngem "json", path: "json"\n' }
    const json = gemspec('json', ['s.version = "99.0.0"', 's.files = ["lib/json.rb"]'])
    const library = 'load File.join(RbConfig::CONFIG["rubylibdir"], "json.rb")\n'
    const { bundler, rake } = await probe({ ...files, 'json/json.gemspec': json, 'json/lib/json.rb': library })
    expect(bundler).toMatchObject({ state: 'ready' })
    expect(rake).toMatchObject({ build: 'bundler' })
  })

  it('that cannot be set up makes the tasks unknown, but not the gemspecs', async () => {
    const files = { 'lens.gemspec': gemspec(), Gemfile: 'gem "not-installed-anywhere"\n', Rakefile: TASKS }
    const { bundler, rake, gemspecs } = await probe(files)
    expect(bundler).toMatchObject({ state: 'failed', message: expect.stringContaining('not-installed-anywhere') })
    expect(rake).toMatchObject({ state: 'failed' })
    expect(gemspecs).toHaveLength(1)
  })

  it('without Rake in the bundle means that there are no tasks', async () => {
    const { rake } = await probe({ 'lens.gemspec': gemspec(), Gemfile: '# nothing\n', Rakefile: TASKS })
    expect(rake).toEqual({ state: 'none' })
  })
})
