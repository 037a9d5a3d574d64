import type { Problem } from '../errors.ts'
import { type Facts, releasedCommit } from '../facts.ts'
import type { Inputs } from '../inputs.ts'
import type { BuildMethod, Decision, PlannedGem } from './planned.ts'
import type { Project, Rake } from '../rubygems/project.ts'

interface Strategy {
  strategy: 'direct' | 'rake'
  build: BuildMethod
}

/** `direct` where it is provably what the project's own task would do, `rake` where the project goes its own way. */
export function chooseStrategy(inputs: Inputs, facts: Facts, gems: readonly PlannedGem[]): Decision<Strategy> {
  const { project } = facts
  if (!project) return prebuilt()
  if (inputs.strategy === 'direct') return direct('input `strategy`', project, gems)
  const broken = projectProblem(project, gems)
  if (broken) return { ...direct('', project, gems), problems: [broken] }
  return inputs.strategy === 'rake' ? byRequest(project) : automatic(facts, project, gems)
}

/** The same for a job that only builds: what a release task would do after the build is not asked for there. */
export function chooseBuild(
  { strategy }: Inputs,
  { project }: Pick<Facts, 'project'>,
  gems: readonly PlannedGem[],
): Decision<Strategy> {
  if (!project) return prebuilt()
  if (strategy === 'direct') return direct('input `strategy`', project, gems)
  const broken = projectProblem(project, gems)
  return { ...direct('this job only builds', project, gems), problems: broken ? [broken] : [] }
}

function prebuilt(): Decision<Strategy> {
  return decided({ strategy: 'direct', build: { kind: 'prebuilt' } }, 'Strategy direct: the gems are prebuilt.')
}

function automatic(facts: Facts, project: Project, gems: readonly PlannedGem[]): Decision<Strategy> {
  const release = project.rake.state === 'loaded' ? project.rake.release : 'absent'
  if (release === 'project') return viaRake(project, 'the project defines or extends the `release` task itself')
  if (release === 'absent') return direct('the project has no `release` task', project, gems)
  if (isOnGitHub(facts)) return direct('the `release` task is Bundler’s own, unchanged', project, gems)
  if (facts.checkout?.branch === undefined)
    return direct('the `release` task is Bundler’s own, unchanged', project, gems)
  return viaRake(
    project,
    `commit ${releasedCommit(facts).slice(0, 12)} is not on GitHub yet, and the release task pushes it`,
  )
}

/** Unknown counts as yes: then no tag is wanted, and nothing depends on it. */
function isOnGitHub(facts: Facts): boolean {
  return facts.github === undefined || facts.github.commit !== undefined
}

function byRequest(project: Project): Decision<Strategy> {
  const chosen = viaRake(project, 'input `strategy`')
  if (project.rake.state === 'loaded' && project.rake.release !== 'absent') return chosen
  return {
    ...chosen,
    problems: [
      {
        code: 'no-release-task',
        what: 'Input `strategy` is "rake", but the project has no Rake task `release`.',
        fix: "Add `require 'bundler/gem_tasks'` to the Rakefile, or leave `strategy` out: gems are then built and pushed without Rake.",
      },
    ],
  }
}

function viaRake(project: Project, reason: string): Decision<Strategy> {
  const bundler = project.bundler.state === 'ready'
  const command = bundler ? 'bundle exec rake release' : 'rake release'
  return decided(
    { strategy: 'rake', build: { kind: 'release-task', bundler } },
    `Strategy rake (\`${command}\`): ${reason}.`,
  )
}

function direct(reason: string, project: Project, gems: readonly PlannedGem[]): Decision<Strategy> {
  const because = `Strategy direct: ${reason}.`
  const { rake, bundler } = project
  if (rake.state === 'loaded' && usesRakeBuild(rake, gems)) {
    const command = bundler.state === 'ready' ? '`bundle exec rake build`' : '`rake build`'
    const whose = rake.build === 'project' ? 'the project defines or extends it' : 'from `bundler/gem_tasks`'
    const build = { kind: 'rake-build', bundler: bundler.state === 'ready' } as const
    return decided({ strategy: 'direct', build }, because, `Built by ${command}: ${whose}.`)
  }
  return decided(
    { strategy: 'direct', build: { kind: 'gem-build' } },
    because,
    `Built by \`gem build\`: ${whyNotRake(rake)}.`,
  )
}

function whyNotRake(rake: Rake): string {
  if (rake.state === 'none') return 'there is no Rakefile beside the gemspec'
  if (rake.state === 'failed') return `the Rakefile cannot be loaded (${rake.message.split('\n')[0] ?? ''})`
  return rake.build === 'absent' ? 'the project has no `build` task' : 'the `build` task is not for these gems'
}

function usesRakeBuild(rake: Extract<Rake, { state: 'loaded' }>, gems: readonly PlannedGem[]): boolean {
  if (rake.build === 'project') return true
  return rake.build === 'bundler' && gems.length === 1 && gems[0]?.name === rake.gem
}

/** Why the project's own tasks cannot even be looked at; `strategy: direct` does without them. */
function projectProblem({ rake, bundler, gemspecs }: Project, gems: readonly PlannedGem[]): Problem | undefined {
  if (rake.state !== 'failed') return undefined
  if (bundler.state === 'failed') {
    return {
      code: 'bundle-failed',
      what: `The project's Gemfile cannot be used: ${firstLines(bundler.message)}`,
      why: 'The release and build tasks are looked up under Bundler, as `bundle exec rake` would.',
      fix: 'Run `bundle install` before this step (`bundler-cache: true` of ruby/setup-ruby does), or set `strategy: direct` to build with `gem build` and without Bundler.',
    }
  }
  if (gemspecs.length > 1 && /Unable to determine name from existing gemspec/.test(rake.message)) {
    return {
      code: 'ambiguous-gemspecs',
      what: `There are ${String(gemspecs.length)} gemspecs (${gemspecs.map((spec) => spec.file).join(', ')}), and the Rakefile does not say which one its tasks are for.`,
      why: 'Bundler: "Unable to determine name from existing gemspec. Use :name => \'gemname\' in #install_tasks to manually set it."',
      fix: `Name it in the Rakefile: \`Bundler::GemHelper.install_tasks(name: ${JSON.stringify(gems[0]?.name ?? 'NAME')})\`. To release all of them, set \`strategy: direct\`.`,
    }
  }
  return {
    code: 'rakefile-failed',
    what: `The Rakefile cannot be loaded: ${firstLines(rake.message)}`,
    fix: 'Make `rake -T` work here, or set `strategy: direct` to build with `gem build` and without Rake.',
  }
}

function firstLines(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 4)
    .join(' ')
    .slice(0, 600)
}

function decided(choice: Strategy, ...because: string[]): Decision<Strategy> {
  return { choice, because, problems: [] }
}
