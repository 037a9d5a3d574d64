import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { objectAt } from '../../src/json.ts'
import { below, type Files, monorepo, project } from '../scenarios/projects.ts'
import { rakeProject } from '../scenarios/rake-projects.ts'
import { newWorld, REPOSITORY, type ScenarioWorld } from '../scenarios/scenario.ts'
import { readManifest } from '../../sandbox/runner/manifest.ts'
import { OWN_REPOSITORY, REUSABLE, runExample, type Start } from './run.ts'
import { GEM_TASKS, NATIVE_TASKS } from './rakefiles.ts'
import { readWorkflow, ROOT } from './workflow.ts'

const BY_HAND: Start = { on: { branch: 'main', event: 'workflow_dispatch' } }
const IGNORED = { '.gitignore': 'pkg/\n*.gem\nGemfile.lock\n' }
/** Without a Rakefile, which takes Ruby a while to load. */
const PLAIN = project({ rakefile: false })
const WITH_BUNDLE: Files = { ...rakeProject(GEM_TASKS, { gemfile: true }), ...IGNORED }

interface Example {
  files: Files
  start?: Start
  /** A tag that is there before. */
  tag?: string
  /** Names of the gems that trust the workflow, with the versions that come out. */
  released?: Record<string, string[]>
  /** The tags that are there afterwards. */
  makes?: string | string[]
  /** Its jobs are those of the reusable workflow, which is what has to be trusted. */
  called?: boolean
  prepare?: (world: ScenarioWorld, sha: string) => Partial<Start> | Promise<Partial<Start>>
}

const LENS = { 'rack-lens': ['rack-lens-1.2.3'] }

const EXAMPLES: Record<string, Example> = {
  'release.yml': { files: WITH_BUNDLE, makes: 'v1.2.3' },
  'by-hand.yml': { files: PLAIN, start: { ...BY_HAND, inputs: { version: '1.2.3' } }, makes: 'v1.2.3' },
  'from-github-release.yml': {
    files: PLAIN,
    tag: 'v1.2.3',
    start: { on: { tag: 'v1.2.3', event: 'release' }, payload: { action: 'published' } },
  },
  'github-release.yml': {
    files: { ...PLAIN, 'CHANGELOG.md': '# Changelog\n\n## [1.2.3]\n\n- Sees further.\n' },
    makes: 'v1.2.3',
  },
  'after-ci.yml': {
    files: PLAIN,
    start: { on: { branch: 'main', event: 'workflow_run' } },
    prepare: async ({ sandbox }, head_sha) => {
      // While CI was running.
      await sandbox.github.repository(REPOSITORY).commit({ 'lib/rack-lens.rb': 'raise "not tested yet"\n' })
      return {
        payload: {
          workflow_run: { head_sha, event: 'push', conclusion: 'success', head_repository: { full_name: REPOSITORY } },
        },
      }
    },
    makes: 'v1.2.3',
  },
  'monorepo.yml': {
    files: {
      ...below('lens-core', project({ name: 'lens-core', rakefile: false })),
      ...below('lens-rails', project({ name: 'lens-rails', version: '2.0.0', rakefile: false })),
    },
    start: { ...BY_HAND, inputs: { gem: 'lens-rails' } },
    released: { 'lens-core': [], 'lens-rails': ['lens-rails-2.0.0'] },
    makes: 'lens-rails-v2.0.0',
  },
  'several-gems.yml': {
    files: monorepo(
      { name: 'lens-core', version: '1.2.3' },
      { name: 'lens-rails', version: '1.2.3', lines: ['spec.add_dependency "lens-core", "1.2.3"'] },
    ),
    released: { 'lens-core': ['lens-core-1.2.3'], 'lens-rails': ['lens-rails-1.2.3'] },
    makes: 'v1.2.3',
  },
  'own-tag.yml': { files: PLAIN, makes: 'release-1.2.3' },
  'two-jobs.yml': { files: PLAIN, makes: 'v1.2.3' },
  'platform-gems.yml': {
    files: { ...rakeProject(NATIVE_TASKS, { gemfile: true }), ...IGNORED },
    released: {
      'rack-lens': ['rack-lens-1.2.3', 'rack-lens-1.2.3-arm64-darwin', 'rack-lens-1.2.3-x86_64-linux-gnu'],
    },
    makes: 'v1.2.3',
  },
  'jruby.yml': { files: PLAIN, makes: 'v1.2.3' },
  'private-server.yml': {
    files: PLAIN,
    makes: 'v1.2.3',
    prepare: ({ sandbox }) => ({ secrets: { GEMS_TOKEN: sandbox.registry.addUserKey({ gems: ['rack-lens'] }) } }),
  },
  'api-key-role.yml': {
    files: PLAIN,
    makes: 'v1.2.3',
    prepare: ({ sandbox }) => {
      const conditions = [{ operator: 'string_equals' as const, claim: 'repository', value: REPOSITORY }]
      return { vars: { RUBYGEMS_ROLE: sandbox.registry.addApiKeyRole({ gem: 'rack-lens', conditions }) } }
    },
  },
  'protected-tags.yml': {
    files: PLAIN,
    start: { ...BY_HAND, secrets: { RELEASE_APP_PRIVATE_KEY: 'pem' }, vars: { RELEASE_APP_CLIENT_ID: 'Iv1' } },
    makes: 'v1.2.3',
  },
  'dry-run.yml': {
    files: PLAIN,
    start: { on: { branch: 'main', event: 'pull_request' } },
    released: { 'rack-lens': [] },
  },
  'monorepo-two-jobs.yml': {
    files: {
      ...below('lens-core', project({ name: 'lens-core', rakefile: false })),
      ...below('lens-rails', project({ name: 'lens-rails', version: '2.0.0', rakefile: false })),
    },
    called: true,
    released: { 'lens-core': ['lens-core-1.2.3'], 'lens-rails': ['lens-rails-2.0.0'] },
    makes: ['lens-core-v1.2.3', 'lens-rails-v2.0.0'],
  },
  'organisation.yml': { files: PLAIN, called: true, makes: 'v1.2.3' },
  'own-steps.yml': { files: WITH_BUNDLE, tag: 'v1.2.3', start: { on: { tag: 'v1.2.3' } } },
}

describe('an example of examples/', () => {
  it.each(Object.entries(EXAMPLES))('%s releases as it says', async (file, example) => {
    const { files, tag, released = LENS, makes = [], prepare } = example
    const trusted = example.called
      ? { workflow: 'release.yml', workflowRepository: OWN_REPOSITORY }
      : { workflow: file }
    await using world = await newWorld()
    const sha = await world.repository(files, { gems: [], ...(tag === undefined ? {} : { tag }) })
    for (const gem of Object.keys(released)) {
      world.sandbox.registry.addTrustedPublisher({ gem, repository: REPOSITORY, ...trusted })
    }
    const refs = Object.keys((await world.public()).refs)
    const steps = await runExample(world, `examples/${file}`, {
      ...BY_HAND,
      ...example.start,
      ...(await prepare?.(world, sha)),
    })
    const failed = steps.find(({ conclusion }) => conclusion !== 'success')
    expect(failed?.lines.map(({ text }) => text).join('\n') ?? '').toBe('')
    expect(steps.flatMap(({ lines }) => lines).filter(({ text }) => text.startsWith('Unexpected input'))).toEqual([])
    expect(world.live).toEqual(Object.values(released).flat().toSorted())
    const made = Object.keys((await world.public()).refs).filter((ref) => !refs.includes(ref))
    expect(made.toSorted()).toEqual([makes].flat().map((name) => `refs/tags/${name}`))
    for (const name of [makes].flat())
      expect((await world.sandbox.github.repository(REPOSITORY).tag(name))?.commit).toBe(sha)
  })

  it.each(Object.keys(EXAMPLES).filter((name) => EXAMPLES[name]?.called))(
    '%s calls the reusable workflow with inputs it has, and grants what its jobs ask for',
    (name) => {
      const { jobs } = readWorkflow(`examples/${name}`)
      const called = readWorkflow(REUSABLE)
      expect(jobs).toHaveLength(1)
      expect(jobs[0]?.uses).toBe(`OWNER/release-gem/${REUSABLE}@v1`)
      const known = Object.keys(objectAt(called.document, 'on', 'workflow_call', 'inputs'))
      expect(known).toEqual(expect.arrayContaining(Object.keys(jobs[0]?.with ?? {})))
      for (const { permissions } of called.jobs) {
        for (const scope of Object.keys(permissions)) expect(jobs[0]?.permissions[scope]).toBe('write')
      }
    },
  )

  it('is run above, is linked from the README, and gives inputs the action has', async () => {
    const names = readdirSync(path.join(ROOT, 'examples')).toSorted()
    expect(names).toEqual(Object.keys(EXAMPLES).toSorted())
    const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
    expect(names.filter((name) => !readme.includes(`(examples/${name})`))).toEqual([])
    for (const name of names) {
      const steps = readWorkflow(`examples/${name}`).jobs.flatMap((job) => job.steps)
      for (const { uses = '', with: given } of steps) {
        const [, own] = /^OWNER\/release-gem(\/[a-z]+)?@v1$/.exec(uses) ?? [undefined, undefined]
        if (!uses.startsWith('OWNER/')) continue
        const { inputs } = await readManifest(path.join(ROOT, own ?? ''))
        expect([...inputs.keys()]).toEqual(expect.arrayContaining(Object.keys(given)))
      }
    }
  })
})
