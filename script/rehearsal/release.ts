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
  /** What Bundler said where the bundle cannot be had on this machine: the gems were built without it then. */
  bundleTrouble: string | undefined
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
  const step = await job.runner.uses(ACTION, {
    ...options,
    reference: 'OWNER/release-gem@v1',
    with: {
      ...workflow.inputs,
      ...(trouble ? { strategy: 'direct' } : {}),
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
    bundleTrouble: trouble && lastWords(trouble),
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
  /^(Could not|Unable|There was|An error|Bundler (could|cannot)|Your (bundle|lockfile|Gemfile|Ruby)|The (gemspec|validation error))/

function lastWords({ lines }: StepResult): string {
  const said = lines.filter(({ kind, text }) => kind === 'plain' && text.trim() !== '').map(({ text }) => text.trim())
  return said.findLast((line) => BUNDLER_SAYS.test(line)) ?? said.at(-1) ?? 'it says nothing'
}

function hasGemfile({ runner }: SandboxJob, workingDirectory: string): boolean {
  const places = [path.join(runner.workspace, workingDirectory), runner.workspace]
  return places.some((place) => ['Gemfile', 'gems.rb'].some((name) => existsSync(path.join(place, name))))
}

/** What `bundler-cache: true` of ruby/setup-ruby does, with the gems of this machine where they suffice. */
function bundleScript({ workingDirectory }: World): string {
  return [
    `cd './${workingDirectory.replaceAll("'", String.raw`'\''`)}'`,
    'if bundle check; then exit 0; fi',
    'export BUNDLE_PATH="$RUNNER_TEMP/bundle" BUNDLE_RETRY=1 BUNDLE_TIMEOUT=10',
    'echo "BUNDLE_PATH=$BUNDLE_PATH" >> "$GITHUB_ENV"',
    'bundle install',
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
