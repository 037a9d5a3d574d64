import { createHash } from 'node:crypto'
import { access, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { afterBuild, spec } from './build-projects.ts'
import type { Hostile } from './hostile-run.ts'

/** Two complete gems with the same name and version, outside of the checkout. */
const TWO_GEMS = [
  '  require "rubygems/package"',
  '  require "fileutils"',
  '  one, two, draft = %w[one two draft].map { |name| File.join(Dir.home, "#{name}.gem") }',
  '  gem = File.expand_path("pkg/rack-lens-1.2.3.gem")',
  '  FileUtils.cp(gem, one)',
  '  other = Gem::Specification.load("rack-lens.gemspec")',
  '  other.summary = "The other one"',
  '  File.rename(Gem::Package.build(other), two)',
]

/** A process that has left its group and listens to no signal, as a daemon does. */
function daemon(...lines: string[]): string[] {
  return [
    '  fork do',
    '    Process.setsid',
    '    exit! if fork',
    '    %w[INT TERM HUP].each { |name| trap(name, "IGNORE") }',
    '    [$stdout, $stderr].each { |io| io.reopen("/dev/null") }',
    ...lines.map((line) => `    ${line}`),
    '  end.then { |pid| Process.wait(pid) }',
  ]
}

/** The same, which has also wiped its environment: only its own end ends it. The build goes on when it runs. */
function ghost(...lines: string[]): string[] {
  const script = ['temp, home, work = ARGV', 'limit = Time.now + 20', 'File.write("#{home}/haunted", "")', ...lines, '']
  return [
    'unless PROBING',
    `  File.write(File.join(Dir.home, "ghost.rb"), ${JSON.stringify(script.join('\n')).replaceAll('#{', '\\#{')})`,
    '  ruby = File.join(RbConfig::CONFIG["bindir"], RbConfig::CONFIG["ruby_install_name"])',
    '  command = [ruby, "--disable-gems", File.join(Dir.home, "ghost.rb"), TEMP, Dir.home, Dir.pwd]',
    '  silent = { in: "/dev/null", out: "/dev/null", err: "/dev/null" }',
    '  Process.detach(Process.spawn({}, *command, unsetenv_others: true, pgroup: true, **silent))',
    '  sleep 0.005 until File.exist?(File.join(Dir.home, "haunted"))',
    'end',
  ]
}

const UNTIL_COPIED =
  'sleep 0.002 until (copies = Dir["#{temp}/release-gem-*/*.gem"].select { |f| File.size?(f) }).any? || Time.now > limit'

/** A cancellation once code of the build says, by a file, that the time has come. */
function whenTold(): Pick<Hostile, 'before' | 'step'> {
  const { promise: after, resolve: told } = Promise.withResolvers<void>()
  return {
    step: { signal: { after, intMs: 200, termMs: 200 } },
    before: ({ runner }) => void waitFor(path.join(runner.home, 'told')).then(told),
  }
}

async function waitFor(file: string): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    const there = await access(file).then(
      () => true,
      () => false,
    )
    if (there) return
    await sleep(10)
  }
}

/** The post step has told what happened, since the main step could not. */
const interrupted: Hostile['afterwards'] = ({ job }) => {
  const [post] = job.post
  expect(post?.annotations.map(({ title }) => title)).toEqual(['Release interrupted'])
  expect(post?.rawStdout).toContain('Nothing was published before it stopped.')
}

export const SURVIVORS: readonly Hostile[] = [
  {
    name: 'leaves a daemon that swaps the gem without end',
    files: afterBuild(
      ...TWO_GEMS,
      ...daemon('[two, one].cycle { |file| FileUtils.cp(file, draft); File.rename(draft, gem); sleep 0.001 }'),
      '  sleep 0.2',
    ),
  },
  {
    name: 'leaves a daemon that keeps the output open',
    files: spec('spawn("setsid", "sh", "-c", "trap \'\' INT TERM HUP; while :; do sleep 1; done") unless PROBING'),
  },
  {
    name: 'leaves a child, a crowd of zombies and a stopped process',
    files: spec(
      'unless PROBING',
      '  spawn("sleep", "60")',
      '  20.times { fork { exit! } }',
      '  Process.kill(:STOP, spawn("sleep", "61"))',
      'end',
    ),
  },
  {
    name: 'leaves a ghost that changes our private copy',
    files: spec(...ghost(UNTIL_COPIED, 'sleep 0.02', 'copies.each { |f| File.write(f, "X", 1000, mode: "r+") }')),
    world: { latencyMs: 100 },
    code: 'tampered-job',
    says: ['private copy of rack-lens 1.2.3', 'broken off'],
  },
  {
    name: 'leaves a ghost that writes to GITHUB_ENV after the build',
    files: spec(
      ...ghost(
        UNTIL_COPIED,
        'File.write(Dir["#{temp}/_runner_file_commands/set_env_*"].max_by { |f| File.mtime(f) }, "A=evil\\n")',
      ),
    ),
    world: { latencyMs: 100 },
    code: 'tampered-job',
    says: ['GITHUB_ENV', 'taken out again'],
    afterwards: (_, world) => {
      expect(world.exchanges).toEqual([])
    },
  },
  {
    name: 'leaves a ghost that swaps the gem after it was inspected',
    files: afterBuild(
      ...TWO_GEMS,
      ...ghost(UNTIL_COPIED, 'sleep 0.02', 'File.rename("#{home}/two.gem", "#{work}/pkg/rack-lens-1.2.3.gem")'),
    ),
    world: { latencyMs: 100 },
    async afterwards({ gems: [gem] }) {
      const left = await readFile(gem?.file ?? '')
      expect(createHash('sha256').update(left).digest('hex')).not.toBe(gem?.sha256)
    },
  },
]

export const KILLERS: readonly Hostile[] = [
  {
    name: 'kills the action',
    files: spec('unless PROBING', 'Process.kill(:KILL, Process.ppid)', 'sleep', 'end'),
    exit: 137,
    leaves: ['pkg'],
    afterwards: interrupted,
  },
  {
    name: 'stops the action, which the runner then kills',
    files: spec(
      'unless PROBING',
      'Process.kill(:STOP, Process.ppid)',
      'File.write(File.join(Dir.home, "told"), "")',
      'sleep',
      'end',
    ),
    ...whenTold(),
    exit: 137,
    leaves: ['pkg'],
    afterwards: interrupted,
  },
  {
    name: 'kills its process group',
    files: spec('Process.kill(:KILL, 0) unless PROBING'),
    code: 'build-failed',
    says: ['exit code 137'],
    leaves: ['pkg'],
  },
  {
    name: 'stops its process group',
    files: spec('unless PROBING', 'puts "stopping"', '$stdout.flush', 'Process.kill(:STOP, 0)', 'end'),
    step: { signal: { after: /\| stopping/ } },
    code: 'cancelled',
    leaves: ['pkg'],
  },
]
