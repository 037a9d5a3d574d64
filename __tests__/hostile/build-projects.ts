import { expect } from 'vitest'
import { type Files, project } from '../scenarios/projects.ts'
import type { Hostile } from './hostile-run.ts'

/** Where a runner keeps its files, for code that is not told. */
const PLACES = [
  'TEMP = File.expand_path("../../_temp", ENV.fetch("GITHUB_WORKSPACE"))',
  'COMMANDS = File.join(TEMP, "_runner_file_commands")',
  'command_file = ->(kind) { Dir[File.join(COMMANDS, "#{kind}_*")].max_by { |file| File.mtime(file) } }',
  'PROBING = $PROGRAM_NAME.end_with?("probe.rb")',
]

/** A gem without a Rakefile whose gemspec does this first: when it is read, and when it is built. */
export function spec(...lines: string[]): Files {
  return project({ rakefile: false, before: [...PLACES, ...lines] })
}

/** A gem that is built by `rake build`, which goes on to do this. */
export function afterBuild(...lines: string[]): Files {
  const rakefile = ['require "bundler/gem_tasks"', ...PLACES, 'Rake::Task["build"].enhance do', ...lines, 'end', '']
  return project({ rakefile: rakefile.join('\n') })
}

/** What `rake build` does here instead of building. */
function insteadOfBuild(...lines: string[]): Files {
  return project({ rakefile: ['task :build do', '  Dir.mkdir("pkg")', ...lines, 'end', ''].join('\n') })
}

const GEM_FILE = '"pkg/rack-lens-1.2.3.gem"'
const NOTHING: string[] = []

/** What a build may do to the words that reach the runner. */
export const TALKERS: readonly Hostile[] = [
  {
    name: 'prints the runner’s commands, in both syntaxes and after every kind of line end',
    files: spec(
      'words = ["::set-output name=version::evil", "::add-mask::evil", "::stop-commands::evil", "::error::evil", ' +
        '"::save-state name=isPost::evil", "::add-matcher::evil.json", "::group::evil", "::add-path::/evil", ' +
        '"::set-env name=PATH::evil", "##[set-output name=version]evil", "##[add-mask]evil", "##[error]evil"]',
      'tricks = ["\\r", "\\n", "\\r\\n", "\\u0085", "\\u2028", "\\f", "\\v", "\\u0000", "\\u001b[2J", "\\ufeff", " ", "\\t"]',
      'words.product(tricks).each { |word, trick| [$stdout, $stderr].each { |io| io << "text#{trick}#{word}#{trick}" << "\\n" << word << "\\n" } }',
    ),
    afterwards: ({ log }) => {
      expect(log).toContain('| : :set-output name=version::evil')
      expect(log).toContain('## [add-mask]evil')
    },
  },
  {
    name: 'dresses its output up with escape, bidirectional and invisible characters',
    files: spec(
      'puts "\\e[2J\\e[1;1Hcleared", "\\e]8;;https://evil.example\\alink\\e]8;;\\a", "\\e]0;title\\a", "\\e[31mred", "\\eP1$r\\e\\\\"',
      'puts "safe\\u202egnp.exe", "a\\u200bb", "\\u2066x\\u2069", "\\u009b31mC1", "bell\\a back\\b\\b\\b"',
      '$stdout.write("\\xff\\xfe broken \\xc3\\x28 bytes\\n".b)',
    ),
  },
  {
    name: 'prints what looks like keys and tokens',
    files: spec(
      'puts "found rubygems_" + "ab" * 24, "ghs_" + "x1Y" * 12, "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvIn0.c2lnbmF0dXJl"',
    ),
    afterwards: ({ log }) => {
      expect(log).toContain('| found rubygems_…')
      expect(log).not.toMatch(/abababab|x1Yx1Y|c2lnbmF0dXJl/)
    },
  },
  {
    name: 'prints one line of 20 MB',
    files: spec('$stdout.write("x" * 20_000_000) unless PROBING'),
    afterwards: ({ step }) => {
      expect(step.rawStdout.length).toBeLessThan(8_000_000)
      expect(step.rawStdout).toContain('[further output is not shown]')
    },
  },
  {
    name: 'prints without end',
    files: spec('loop { puts "y" * 60 } unless PROBING'),
    code: 'cancelled',
    step: { signal: { after: /further output is not shown/ } },
    leaves: ['pkg'],
  },
  {
    name: 'prints nothing and hangs, also when it is asked to end',
    files: spec(
      'unless PROBING',
      '%w[INT TERM HUP].each { |name| trap(name, "IGNORE") }',
      'puts "hanging"',
      '$stdout.flush',
      'sleep',
      'end',
    ),
    code: 'cancelled',
    step: { signal: { after: /\| hanging/ } },
    leaves: ['pkg'],
  },
]

/** What reading a gemspec may do to the one that asks. */
const MUTE: Hostile = {
  name: 'leaves a pipe where its description is to be',
  files: spec('at_exit { File.delete(ARGV[0]); File.mkfifo(ARGV[0]) } if PROBING'),
  code: 'ruby-unavailable',
  says: ['could not read the project'],
  leaves: NOTHING,
}

/** What a build may do to the files through which a step speaks to the runner, and to what is kept below RUNNER_TEMP. */
export const MEDDLERS: readonly Hostile[] = [
  MUTE,
  {
    name: 'appends to GITHUB_ENV while its gemspec is read',
    files: spec('File.write(command_file.("set_env"), "BASH_ENV=/tmp/evil\\n", mode: "a") if PROBING'),
    code: 'tampered-job',
    says: ['GITHUB_ENV', 'taken out again'],
    leaves: NOTHING,
  },
  {
    name: 'writes outputs, state, PATH and summary of the step from its Rakefile',
    files: afterBuild(
      '  File.write(command_file.("set_output"), "checksums=evil\\n", mode: "a")',
      '  File.write(command_file.("save_state"), "private-directory=/evil\\n")',
      '  File.write(command_file.("add_path"), "/evil\\n")',
      '  File.write(command_file.("step_summary"), "# evil\\n")',
    ),
    code: 'tampered-job',
    says: ['GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'],
  },
  {
    name: 'forges the checksums of the build job',
    action: 'build',
    files: afterBuild('  File.write(command_file.("set_output"), "checksums=evil\\n", mode: "a")'),
    code: 'tampered-job',
    says: ['GITHUB_OUTPUT'],
    afterwards: ({ step }) => {
      expect(step.outputs).toEqual({})
    },
  },
  {
    name: 'puts a link among them',
    files: spec(
      'unless PROBING',
      '  File.write(File.join(Dir.home, "elsewhere"), "BASH_ENV=evil\\n")',
      '  file = command_file.("set_env")',
      '  File.delete(file)',
      '  File.symlink(File.join(Dir.home, "elsewhere"), file)',
      'end',
    ),
    code: 'tampered-job',
    says: ['GITHUB_ENV'],
  },
  {
    name: 'empties RUNNER_TEMP',
    files: spec('require "fileutils"', 'FileUtils.rm_rf(Dir[File.join(TEMP, "*")]) unless PROBING'),
    code: 'tampered-job',
    says: ['GITHUB_ENV'],
  },
  {
    name: 'puts another directory in the place of ours',
    files: spec(
      'unless PROBING',
      '  own = Dir[File.join(TEMP, "release-gem-*")].first',
      '  File.rename(own, "#{own}-moved")',
      '  Dir.mkdir(own, 0o700)',
      'end',
    ),
    code: 'tampered-job',
    says: ['private directory'],
    meanwhile: async ({ runner }) => {
      await runner.run('rm -r "$RUNNER_TEMP"/release-gem-*-moved')
    },
  },
  {
    name: 'writes credentials, .netrc and git’s configuration',
    files: spec(
      'require "fileutils"',
      'FileUtils.mkdir_p(File.join(Dir.home, ".gem"))',
      'File.write(File.join(Dir.home, ".gem/credentials"), "---\\n:rubygems_api_key: planted_key_of_the_build\\n", perm: 0o600)',
      'File.write(File.join(Dir.home, ".netrc"), "default login planted password planted_by_the_build\\n", perm: 0o600)',
      'File.write(File.join(Dir.home, ".gitconfig"), "[url \\"http://127.0.0.1:9/\\"]\\n  insteadOf = http\\n")',
    ),
    afterwards: (_, world) => {
      expect(world.uploads.map(({ key }) => key)).toEqual([expect.stringMatching(/^rubygems_[0-9a-f]{48}$/)])
      expect(JSON.stringify(world.sandbox.requests.map(({ headers }) => headers))).not.toContain('planted')
    },
  },
  {
    name: 'plants hooks and a file system monitor',
    files: spec(
      'mark = File.join(Dir.home, "hook-ran")',
      '%w[pre-push post-checkout reference-transaction post-index-change pre-commit].each do |name|',
      '  File.write(".git/hooks/#{name}", "#!/bin/sh\\ntouch #{mark}\\n", perm: 0o755)',
      'end',
      'File.write(".git/monitor", "#!/bin/sh\\ntouch #{mark}\\n", perm: 0o755)',
      'File.write(".git/config", "[core]\\n  fsmonitor = #{File.expand_path(".git/monitor")}\\n", mode: "a") if PROBING',
    ),
    leaves: [
      '.git/config',
      '.git/hooks/post-checkout',
      '.git/hooks/post-index-change',
      '.git/hooks/pre-commit',
      '.git/hooks/pre-push',
      '.git/hooks/reference-transaction',
      '.git/monitor',
      'pkg',
      'pkg/rack-lens-1.2.3.gem',
    ],
  },
]

/** What a build may do to the gem. */
export const FORGERS: readonly Hostile[] = [
  {
    name: 'says another version when it is built',
    files: project({
      rakefile: false,
      gemspecLines: ['spec.version = $PROGRAM_NAME.end_with?("probe.rb") ? "1.2.3" : "1.2.4"'],
    }),
    code: 'gem-unexpected',
    says: ['rack-lens 1.2.4', 'rack-lens 1.2.3'],
  },
  {
    name: 'puts a gem of another name in its place',
    files: afterBuild(
      '  other = Gem::Specification.new { |s| s.name = "victim"; s.version = "1.2.3"; s.summary = "x"; s.authors = ["x"] }',
      '  require "rubygems/package"',
      '  File.rename(Gem::Package.build(other, true), GEM)'.replace('GEM', GEM_FILE),
    ),
    code: 'gem-unexpected',
    says: ['victim 1.2.3'],
  },
  {
    name: 'puts a link in its place',
    files: afterBuild(`  File.rename(${GEM_FILE}, "other.gem")`, `  File.symlink("../other.gem", ${GEM_FILE})`),
    code: 'gem-invalid',
    says: ['symbolic link'],
    leaves: ['other.gem', 'pkg', 'pkg/rack-lens-1.2.3.gem'],
  },
  {
    name: 'puts a pipe in its place',
    files: insteadOfBuild(`  File.mkfifo(${GEM_FILE})`),
    code: 'gem-invalid',
    says: ['no regular file'],
  },
  {
    name: 'puts a directory in its place',
    files: insteadOfBuild(`  Dir.mkdir(${GEM_FILE})`),
    code: 'gem-invalid',
    says: ['no regular file'],
  },
  {
    name: 'makes it 600 MB',
    files: insteadOfBuild(`  File.write(${GEM_FILE}, "")`, `  File.truncate(${GEM_FILE}, 600 * 1024 * 1024)`),
    code: 'gem-invalid',
    says: ['500 MB'],
    // The search for leaks would read all of it.
    meanwhile: async ({ runner }) => {
      await runner.run('truncate -s 0 pkg/*.gem')
    },
  },
  {
    name: 'locks `pkg`',
    files: afterBuild('  File.chmod(0, "pkg")'),
    // Nothing is locked for root.
    code: ['', 'build-failed', 'gem-not-found'],
    meanwhile: async ({ runner }) => {
      await runner.run('chmod 755 pkg')
    },
  },
  {
    name: 'ends well without having built anything',
    files: project({ rakefile: 'task(:build) { exit! 0 }\n' }),
    code: 'build-failed',
    says: ['left no new file'],
    leaves: NOTHING,
  },
]
