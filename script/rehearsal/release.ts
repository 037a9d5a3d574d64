import path from 'node:path'
import { existsSync } from 'node:fs'
import type { LogLine, StepResult } from '../../sandbox/runner/step.ts'
import type { SandboxJob } from '../../sandbox/sandbox.ts'
import { objectsAt, parseJson, stringAt } from '../../src/json.ts'
import type { Workplace } from './workplace.ts'
import type { World } from './world.ts'

const ACTION = path.resolve(import.meta.dirname, '../..')

export interface ReleasedGem {
  name: string
  version: string
  platform: string
  status: string
  sha256: string
}

export interface BundleTrouble {
  says: string
  /** `false`: the gems were built with `gem build`, and the project's tasks are unknown. */
  rakeAlone: boolean
}

/** What the run on the sandbox's GitHub came to. */
export interface Run {
  succeeded: boolean
  steps: readonly StepResult[]
  outputs: Record<string, string>
  gems: readonly ReleasedGem[]
  /** The tag as it is on GitHub afterwards. */
  tag: { name: string; commit: string; annotated: boolean } | undefined
  /** The sentences of the action's plan; none where it did not come to one. */
  decisions: readonly string[]
  /** Where the bundle cannot be had on this machine: what Bundler said, and whether Rake alone did for the Rakefile. */
  bundleTrouble: BundleTrouble | undefined
}

/** Runs the shipped bundle in a job of the sandbox, as the workflow would. */
export async function runAction(world: World, place: Workplace, onLine: (line: LogLine) => void): Promise<Run> {
  const { sandbox, project, workflow, fault } = world
  await using job = await sandbox.job({
    repository: project.repository,
    on: world.tag === undefined ? { branch: project.branch, event: 'workflow_dispatch' } : { tag: world.tag },
    workflowFile: workflow.job?.file ?? workflow.file,
    ...(workflow.repository === undefined
      ? {}
      : { jobWorkflowRef: `${workflow.repository}/.github/workflows/${workflow.file}@refs/tags/v1` }),
    ...(workflow.environment === undefined ? {} : { environment: workflow.environment }),
    path: process.env['PATH'] ?? '',
    ...fault?.job?.(project.branch),
  })
  const stopped = new Promise((resolve) => {
    place.signal.addEventListener('abort', resolve, { once: true })
  })
  const options = { onLine, signal: { after: stopped } }
  const bundle = hasGemfile(job, world.workingDirectory) ? [await job.runner.run(bundleScript(world), options)] : []
  const trouble = bundle.find(({ conclusion }) => conclusion === 'failure')
  const rakeAlone = trouble?.envChanges['BUNDLE_GEMFILE'] !== undefined
  const step = await job.runner.uses(ACTION, {
    ...options,
    reference: 'OWNER/release-gem@v1',
    with: {
      ...workflow.inputs,
      ...(trouble && !rakeAlone ? { strategy: 'direct' } : {}),
      ...(world.workingDirectory === '' ? {} : { 'working-directory': world.workingDirectory }),
      'gem-server': sandbox.registry.url,
    },
  })
  const { post } = await job.runner.finish()
  return {
    succeeded: step.conclusion === 'success',
    steps: [...bundle, step, ...post],
    outputs: step.outputs,
    gems: readGems(step.outputs['gems'] ?? ''),
    tag: await tagOf(world, step.outputs['tag'] ?? ''),
    decisions: planOf(step),
    bundleTrouble: trouble && { says: lastWords(trouble), rakeAlone },
  }
}

/** What the action logged in its group "Plan". */
function planOf({ lines }: StepResult): string[] {
  const from = lines.findIndex(({ kind, text }) => kind === 'group' && text === 'Plan')
  if (from === -1) return []
  const length = lines.slice(from).findIndex(({ kind }) => kind === 'endgroup')
  return lines.slice(from + 1, length === -1 ? undefined : from + length).map(({ text }) => text)
}

const BUNDLER_SAYS =
  /^(Could not|Unable|There was|An error|fatal: |Bundler (could|cannot)|Your (bundle|lockfile|Gemfile|Ruby)|The (gemspec|validation error))/

function lastWords({ lines }: StepResult): string {
  // Bundler breaks its sentences at 80 columns.
  const paragraphs = lines
    .filter(({ kind }) => kind === 'plain')
    .map(({ text }) => text.trim())
    .join('\n')
    .split(/\n{2,}/)
  const said = paragraphs
    .flatMap((one) => one.replace(/(.{60,})\n(?=[a-z])/g, '$1 ').split('\n'))
    .filter((one) => one !== '')
  return said.findLast((line) => BUNDLER_SAYS.test(line)) ?? said.at(-1) ?? 'it says nothing'
}

function hasGemfile({ runner }: SandboxJob, workingDirectory: string): boolean {
  const places = [path.join(runner.workspace, workingDirectory), runner.workspace]
  return places.some((place) => ['Gemfile', 'gems.rb'].some((name) => existsSync(path.join(place, name))))
}

/**
 * What `bundle install` does, with the gems of this machine where they suffice. Where the bundle cannot be had, Rake alone
 * stands in for it, if that is enough for the Rakefile: what it says about the release is then known all the same.
 */
function bundleScript({ workingDirectory }: World): string {
  return [
    `cd './${workingDirectory.replaceAll("'", String.raw`'\''`)}'`,
    'if bundle check; then exit 0; fi',
    'export BUNDLE_PATH="$RUNNER_TEMP/bundle" BUNDLE_RETRY=1 BUNDLE_TIMEOUT=10',
    'if bundle install; then echo "BUNDLE_PATH=$BUNDLE_PATH" >> "$GITHUB_ENV"; exit 0; fi',
    'unset BUNDLE_PATH',
    'export BUNDLE_GEMFILE="$RUNNER_TEMP/Gemfile"',
    `echo 'gem "rake"' > "$BUNDLE_GEMFILE"`,
    'if bundle exec rake --tasks >/dev/null 2>&1; then echo "BUNDLE_GEMFILE=$BUNDLE_GEMFILE" >> "$GITHUB_ENV"; fi',
    'exit 1',
  ].join('\n')
}

function readGems(output: string): ReleasedGem[] {
  return objectsAt({ gems: parseJson(output) }, 'gems').map((gem) => ({
    name: stringAt(gem, 'name') ?? '',
    version: stringAt(gem, 'version') ?? '',
    platform: stringAt(gem, 'platform') ?? '',
    status: stringAt(gem, 'status') ?? '',
    sha256: stringAt(gem, 'sha256') ?? '',
  }))
}

async function tagOf({ sandbox, project }: World, name: string): Promise<Run['tag']> {
  const tag = name === '' ? undefined : await sandbox.github.repository(project.repository).tag(name)
  return tag && { name, commit: tag.commit, annotated: tag.type === 'tag' }
}
