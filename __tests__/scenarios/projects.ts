/** Gem projects as lists of files, as a repository would hold them. */

export interface ProjectOptions {
  name?: string
  version?: string
  rakefile?: string | false
  gemfile?: boolean
  /** Ruby lines inside the gemspec's block. */
  gemspecLines?: string[]
  /** Lines before the gemspec's block. */
  before?: string[]
}

export type Files = Record<string, string>

export function gemspec(
  name: string,
  version: string,
  lines: readonly string[] = [],
  before: readonly string[] = [],
): string {
  return [
    ...before,
    'Gem::Specification.new do |spec|',
    `  spec.name = ${JSON.stringify(name)}`,
    `  spec.version = ${JSON.stringify(version)}`,
    '  spec.summary = "A gem for a scenario"',
    '  spec.authors = ["Ada Gemwright"]',
    '  spec.homepage = "https://example.com/gem"',
    '  spec.license = "MIT"',
    `  spec.files = Dir.chdir(__dir__) { \`git ls-files -- lib README.md\`.split("\\n") }`,
    ...lines.map((line) => `  ${line}`),
    'end',
    '',
  ].join('\n')
}

/** A gem as `bundle gem` lays it out, small. */
export function project(options: ProjectOptions = {}): Files {
  const { name = 'rack-lens', version = '1.2.3', rakefile = 'require "bundler/gem_tasks"\n', gemfile = false } = options
  return {
    [`${name}.gemspec`]: gemspec(name, version, options.gemspecLines, options.before),
    [`lib/${name}.rb`]: `module ScenarioGem\n  VERSION = ${JSON.stringify(version)}\nend\n`,
    'README.md': `# ${name}\n`,
    '.gitignore': 'pkg/\n*.gem\n',
    ...(rakefile === false ? {} : { Rakefile: rakefile }),
    ...(gemfile ? { Gemfile: 'gemspec\n' } : {}),
  }
}

/** Several gems side by side at the root, without a Rakefile. */
export function monorepo(...gems: { name: string; version: string; lines?: readonly string[] }[]): Files {
  return {
    ...Object.fromEntries(gems.map(({ name, version, lines }) => [`${name}.gemspec`, gemspec(name, version, lines)])),
    'lib/shared.rb': '# What they share\n',
    'README.md': '# Gems\n',
    '.gitignore': 'pkg/\n*.gem\n',
  }
}

/** The files of a project in a directory of the repository. */
export function below(directory: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text]))
}
