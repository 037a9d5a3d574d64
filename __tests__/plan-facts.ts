import { ReleaseError } from '../src/errors.ts'
import type { Facts } from '../src/facts.ts'
import type { RunContext } from '../src/github/run-context.ts'
import { type Inputs, readInputs } from '../src/inputs.ts'
import { makePlan } from '../src/plan.ts'
import type { GemFile } from '../src/rubygems/gem-file.ts'
import type { Gemspec, Project, Rake } from '../src/rubygems/project.ts'
import { RecordedRunner } from './recorded-runner.ts'

export const HEAD = 'a1'.repeat(20)
export const OTHER = 'b2'.repeat(20)

type Loaded = Extract<Rake, { state: 'loaded' }>

const BUNDLERS: Loaded = { state: 'loaded', build: 'bundler', release: 'bundler', gem: 'rack-lens', tag: 'v1.2.3' }

export function inputsOf(inputs: Record<string, string> = {}): Inputs {
  return readInputs(new RecordedRunner({ token: 'ghs_0123456789', ...inputs }, { GITHUB_WORKSPACE: '/workspace' }))
}

export function gemspec(values: Partial<Gemspec> = {}): Gemspec {
  const name = values.name ?? 'rack-lens'
  return {
    file: `${name}.gemspec`,
    name,
    version: '1.2.3',
    platform: 'ruby',
    metadata: new Map(),
    dependencies: [],
    ...values,
  }
}

export function project(values: Partial<Project> = {}): Project {
  return {
    ruby: { engine: 'ruby', version: '3.4.1', rubygems: '3.6.9' },
    bundler: { state: 'none' },
    gemspecs: [gemspec()],
    rake: BUNDLERS,
    ...values,
  }
}

export function rake(values: Partial<Loaded>): Rake {
  return { ...BUNDLERS, ...values }
}

export function file(values: Partial<GemFile> = {}): GemFile {
  const { name = 'rack-lens', version = '1.2.3', platform = 'ruby' } = values
  const fullName = platform === 'ruby' ? `${name}-${version}` : `${name}-${version}-${platform}`
  return {
    path: `/private/${fullName}.gem`,
    givenPath: `/workspace/pkg/${fullName}.gem`,
    fileName: `${fullName}.gem`,
    size: 5120,
    sha256: 'f'.repeat(64),
    name,
    version,
    platform,
    originalPlatform: platform,
    fileCount: 1,
    fullName,
    metadata: new Map(),
    dependencies: [],
    prerelease: false,
    ...values,
  }
}

/** A run that somebody started by hand on main. */
export function run(values: Partial<RunContext> = {}): RunContext {
  return {
    eventName: 'workflow_dispatch',
    event: {},
    repository: 'octo/rack-lens',
    ref: 'refs/heads/main',
    tag: undefined,
    sha: HEAD,
    actor: 'octocat',
    apiUrl: 'https://api.github.com',
    serverUrl: 'https://github.com',
    runUrl: 'https://github.com/octo/rack-lens/actions/runs/1',
    attempt: 1,
    workspace: '/workspace',
    temp: '/temp',
    idToken: undefined,
    ...values,
  }
}

/** The same, started by a tag. */
export function tagRun(tag: string): RunContext {
  return run({ eventName: 'push', ref: `refs/tags/${tag}`, tag })
}

/** Everything as it should be: one gem, clean, on GitHub, not published, not tagged. */
export function facts(values: Partial<Facts> = {}): Facts {
  return {
    run: run(),
    checkout: { head: HEAD, committedAt: 1_700_000_000, dirty: [], branch: 'main' },
    project: project(),
    prebuilt: [],
    builtFrom: undefined,
    canSign: true,
    github: { commit: { sha: HEAD, author: { name: 'Ada', email: 'ada@example.com' } }, rulesets: [], tags: new Map() },
    published: new Map(),
    ...values,
  }
}

/** A publish job: prebuilt files and nothing else. */
export function handover(prebuilt: readonly GemFile[], values: Partial<Facts> = {}): Facts {
  return facts({ checkout: undefined, project: undefined, prebuilt, ...values })
}

/** What GitHub says where a tag is on a commit. */
export function tagged(tag: string, commit: string = HEAD): Facts['github'] {
  return {
    ...(facts().github ?? { commit: undefined, rulesets: [] }),
    tags: new Map([[tag, { commit, annotated: true, message: '' }]]),
  }
}

/** Codes of the problems, in their order. */
export function problems(values: Partial<Facts> | Facts, inputs: Inputs = inputsOf()): string[] {
  try {
    makePlan(inputs, facts(values))
    return []
  } catch (error) {
    if (error instanceof ReleaseError) return error.problems.map(({ code }) => code)
    throw error
  }
}

/** The plan's sentences. */
export function decisions(values: Partial<Facts> | Facts, inputs: Inputs = inputsOf()): readonly string[] {
  return makePlan(inputs, facts(values)).decisions
}
