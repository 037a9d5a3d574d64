import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { interpolate } from '../../sandbox/runner/expressions.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import { objectAt, stringAt } from '../../src/json.ts'
import { below, type Files, monorepo, project } from '../scenarios/projects.ts'
import { rakeProject } from '../scenarios/rake-projects.ts'
import { newWorld, REPOSITORY, type ScenarioWorld } from '../scenarios/scenario.ts'
import { blocksOf } from '../supply-chain/workflow-texts.ts'
import { GEM_TASKS, NATIVE_TASKS } from './rakefiles.ts'
import { OWN_REPOSITORY, REUSABLE, runCalls } from './run.ts'
import { asWorkflow, readWorkflow, ROOT } from './workflow.ts'

const IGNORED = { '.gitignore': 'pkg/\n*.gem\nGemfile.lock\ngems.locked\n' }

/** A run that calls the workflow once with each of these inputs; every gem trusts it. */
async function called(
  world: ScenarioWorld,
  files: Files,
  gems: readonly string[],
  calls: readonly Record<string, string>[],
): Promise<StepResult[]> {
  await world.repository(files, { gems: [] })
  for (const gem of gems) {
    world.sandbox.registry.addTrustedPublisher({
      gem,
      repository: REPOSITORY,
      workflow: 'release.yml',
      workflowRepository: OWN_REPOSITORY,
    })
  }
  const steps = await runCalls(world, calls, { on: { branch: 'main', event: 'workflow_dispatch' } })
  const failed = steps.find(({ conclusion }) => conclusion !== 'success')
  expect(textOf(failed)).toBe('')
  return steps
}

function textOf(step: StepResult | undefined): string {
  return step?.lines.map(({ text }) => text).join('\n') ?? ''
}

/** Calls that one run could make; every one has to be told from every other. */
const CALLS: { id: string; 'working-directory': string }[] = [
  { id: '', 'working-directory': '' },
  { id: 'a', 'working-directory': '' },
  { id: 'a-b', 'working-directory': '' },
  { id: '*', 'working-directory': '' },
  { id: 'two words: "a/b"', 'working-directory': '' },
  { id: '', 'working-directory': 'a' },
  { id: '', 'working-directory': 'gems/a' },
  { id: '', 'working-directory': 'gems/a-b' },
  { id: 'gems', 'working-directory': 'a' },
]

describe('several calls of the reusable workflow in one run', () => {
  const { document, jobs } = readWorkflow(REUSABLE)
  const [build, publish] = jobs
  const named = build?.steps.find(({ id }) => id === 'call')
  const uploaded = build?.steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'))?.with['name'] ?? ''
  const downloaded =
    publish?.steps.find(({ uses }) => uses?.startsWith('actions/download-artifact@'))?.with['pattern'] ?? ''

  /** What the step of a build job that names the artifacts says, for these inputs. */
  function artifactsOf(inputs: Record<string, string>): string {
    const directory = mkdtempSync(path.join(tmpdir(), 'release-gem-artifacts-'))
    const output = path.join(directory, 'output')
    const env = Object.entries(named?.env ?? {}).map(([name, value]) => [
      name,
      interpolate(value, { contexts: { inputs } }),
    ])
    spawnSync('bash', ['-e', '-o', 'pipefail', '-c', named?.run ?? 'false'], {
      cwd: directory,
      env: { ...process.env, ...Object.fromEntries(env), GITHUB_OUTPUT: output },
    })
    const [, artifacts = ''] = /^artifacts=(.*)$/m.exec(readFileSync(output, 'utf8')) ?? []
    rmSync(directory, { recursive: true })
    return artifacts
  }

  it('keep their artifacts apart, under names that GitHub takes', () => {
    const own = CALLS.map((inputs) => {
      const artifacts = artifactsOf(inputs)
      const steps = { call: { outputs: { artifacts } } }
      const names = [0, 1, 10, 15].map((index) =>
        interpolate(uploaded, { contexts: { steps, inputs, strategy: { 'job-index': index } } }),
      )
      const needs = { build: { outputs: { artifacts } } }
      return { names, pattern: interpolate(downloaded, { contexts: { needs, inputs } }) }
    })
    const all = own.flatMap(({ names }) => names)
    expect(new Set(all.map((name) => name.toLowerCase())).size).toBe(all.length)
    for (const name of all) expect(name).toMatch(/^[\w.-]+$/)
    for (const { names, pattern } of own) {
      expect(all.filter((name) => path.matchesGlob(name, pattern))).toEqual(names)
    }
  })

  it('wait for none but their own kind, and are never cancelled while they wait', () => {
    const concurrency = objectAt(document, 'concurrency')
    expect(concurrency).toMatchObject({ 'cancel-in-progress': false, queue: 'max' })
    const github = { ref: 'refs/heads/main' }
    const groups = CALLS.map((inputs) =>
      interpolate(stringAt(concurrency, 'group') ?? '', { contexts: { github, inputs } }).toLowerCase(),
    )
    expect(new Set(groups).size).toBe(CALLS.length)
  })

  it('find a Gemfile where Bundler does: above the gem, also under its other name', async () => {
    await using world = await newWorld()
    const files = {
      ...IGNORED,
      'core/Gemfile': 'gem "rake"\n',
      ...below('core/lens', project({ name: 'lens-core' })),
      'rails/gems.rb': 'gem "rake"\n',
      ...below('rails', project({ name: 'lens-rails' })),
    }
    const calls = ['core/lens', 'rails'].map((directory) => ({
      'working-directory': directory,
      tag: '{name}-v{version}',
    }))
    const steps = await called(world, files, ['lens-core', 'lens-rails'], calls)
    expect(world.live).toEqual(['lens-core-1.2.3', 'lens-rails-1.2.3'])
    const installed = steps.map(textOf).filter((text) => text.includes('Bundle complete!'))
    expect(installed).toHaveLength(2)
    expect(steps.map(textOf).filter((text) => text.includes('$ bundle exec rake build'))).toHaveLength(2)
  })
})

describe('a call of the reusable workflow', () => {
  it('needs no Gemfile', async () => {
    await using world = await newWorld()
    const steps = await called(world, project(), ['rack-lens'], [{}])
    expect(world.live).toEqual(['rack-lens-1.2.3'])
    expect(steps.map(textOf).join('\n')).toContain('$ rake build')
  })

  it('as the README shows it publishes the platforms that rake-compiler builds, each from its own job', async () => {
    await using world = await newWorld()
    const readme = blocksOf('README.md', readFileSync(path.join(ROOT, 'README.md'), 'utf8'))
    const shown = readme.flatMap(({ text }) => asWorkflow(text).jobs).filter(({ uses }) => uses?.includes(REUSABLE))
    expect(shown).toHaveLength(1)
    const files = { ...rakeProject(NATIVE_TASKS, { gemfile: true }), ...IGNORED }
    const steps = await called(world, files, ['rack-lens'], [shown[0]?.with ?? {}])
    expect(world.live).toEqual(['rack-lens-1.2.3', 'rack-lens-1.2.3-arm64-darwin', 'rack-lens-1.2.3-x86_64-linux-gnu'])
    const leftOut = steps.map(textOf).filter((text) => /left out, as .*: rack-lens-1\.2\.3\.gem\./.test(text))
    expect(leftOut).toHaveLength(2)
  })

  it('with `strategy: direct` releases gemspecs that Bundler’s tasks cannot choose between', async () => {
    await using world = await newWorld()
    const gems = ['lens-core', 'lens-rails']
    const files = { ...monorepo(...gems.map((name) => ({ name, version: '1.2.3' }))), Rakefile: GEM_TASKS }
    await called(world, files, gems, [{ strategy: 'direct' }])
    expect(world.live).toEqual(['lens-core-1.2.3', 'lens-rails-1.2.3'])
  })
})
