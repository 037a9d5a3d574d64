import { type Files, project, type ProjectOptions } from './projects.ts'

/** Projects whose release task is not Bundler's own, and what shows that it ran. */
export interface CustomRelease {
  /** What is special about it. */
  name: string
  rakefile: string
  /** A line the task prints. */
  prints: string
  /** The tag it makes. */
  tag: string
}

const GEM_TASKS = 'require "bundler/gem_tasks"'

export const CUSTOM_RELEASES: readonly CustomRelease[] = [
  {
    name: 'an extra prerequisite',
    rakefile: `${GEM_TASKS}\ntask(:changelog) { puts "changelog checked" }\ntask release: :changelog\n`,
    prints: 'changelog checked',
    tag: 'v1.2.3',
  },
  {
    name: 'an enhanced task',
    rakefile: `${GEM_TASKS}\nRake::Task["release"].enhance { puts "told the world" }\n`,
    prints: 'told the world',
    tag: 'v1.2.3',
  },
  {
    name: 'a task of its own that calls the steps of Bundler',
    rakefile: [
      GEM_TASKS,
      'Rake::Task["release"].clear',
      'task :release do',
      '  puts "our own way"',
      '  %w[build release:guard_clean release:source_control_push release:rubygem_push].each { |step| Rake::Task[step].invoke }',
      'end',
      '',
    ].join('\n'),
    prints: 'our own way',
    tag: 'v1.2.3',
  },
  {
    name: 'a tag prefix and another prerequisite',
    rakefile: [
      GEM_TASKS,
      'Bundler::GemHelper.tag_prefix = "lens-"',
      'task(:sign_off) { puts "signed off" }',
      'task release: :sign_off',
      '',
    ].join('\n'),
    prints: 'signed off',
    tag: 'lens-v1.2.3',
  },
]

/**
 * A release task of the project's own, made of these lines of Ruby after Bundler's `build`. `GEM` is the built file;
 * `stand_in` runs what GEM_COMMAND names, as Bundler does; `client` is RubyGems' own, loaded by the task, which no
 * stand-in is in the way of.
 */
export function ownRelease(...lines: string[]): string {
  return [
    GEM_TASKS,
    'require "shellwords"',
    'GEM = "pkg/rack-lens-1.2.3.gem"',
    'def stand_in(*args) = sh(*ENV.fetch("GEM_COMMAND").shellsplit, *args)',
    'def client(*args) = sh("ruby", "-rrubygems/gem_runner", "-e", "Gem::GemRunner.new.run(ARGV)", "--", *args)',
    'Rake::Task["release"].clear',
    'task release: :build do',
    ...lines.map((line) => `  ${line}`),
    'end',
    '',
  ].join('\n')
}

/** With a Gemfile, Rake has to be in the bundle, which needs no network where it is installed. */
export function rakeProject(rakefile: string, options: ProjectOptions = {}): Files {
  const lines = options.gemfile ? ['spec.add_development_dependency "rake"'] : []
  return project({ ...options, rakefile, gemspecLines: [...lines, ...(options.gemspecLines ?? [])] })
}
