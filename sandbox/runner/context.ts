import { arch, platform } from 'node:process'
import type { Value } from './expressions.ts'
import type { Job } from './job.ts'

/** Directories of one job, laid out as below a real runner's root. */
export interface Places {
  workspace: string
  temp: string
  toolCache: string
  home: string
}

/** Properties of `github` that also become `GITHUB_*` (actions/runner `src/Runner.Worker/GitHubContext.cs`). */
const EXPORTED: ReadonlySet<string> = new Set([
  'action',
  'action_path',
  'action_ref',
  'action_repository',
  'actor',
  'actor_id',
  'api_url',
  'base_ref',
  'env',
  'event_name',
  'event_path',
  'graphql_url',
  'head_ref',
  'job',
  'output',
  'path',
  'ref',
  'ref_name',
  'ref_protected',
  'ref_type',
  'repository',
  'repository_id',
  'repository_owner',
  'repository_owner_id',
  'retention_days',
  'run_attempt',
  'run_id',
  'run_number',
  'server_url',
  'sha',
  'state',
  'step_summary',
  'triggering_actor',
  'workflow',
  'workflow_ref',
  'workflow_sha',
  'workspace',
])

export type Context = Record<string, Value>

/** The `github` context of a job, before a step adds its own entries. `token` is in it, but not in the environment. */
export function githubContext(job: Job, places: Places, eventPath: string): Context {
  const { github } = job
  const workflow = `.github/workflows/${github.workflowFile ?? 'release.yml'}`
  const actor = github.actor ?? 'octocat'
  return {
    token: job.token,
    job: github.job ?? 'release',
    ref: github.ref,
    ref_name: github.ref.replace(/^refs\/(heads|tags|pull)\//, ''),
    ref_type: github.refType,
    ref_protected: false,
    sha: github.sha,
    repository: github.repository,
    repository_id: github.repositoryId ?? '1296269',
    repository_owner: github.repository.split('/', 1)[0] ?? '',
    repository_owner_id: github.ownerId ?? '583231',
    repositoryUrl: `git://${new URL(github.serverUrl).host}/${github.repository}.git`,
    run_id: github.runId ?? '10000000001',
    run_number: '1',
    run_attempt: String(github.runAttempt ?? 1),
    retention_days: '90',
    actor,
    actor_id: '583231',
    triggering_actor: actor,
    workflow,
    workflow_ref: `${github.repository}/${workflow}@${github.ref}`,
    workflow_sha: github.sha,
    head_ref: github.headRef ?? '',
    base_ref: github.baseRef ?? '',
    event_name: github.eventName,
    event: plain(github.event),
    event_path: eventPath,
    server_url: github.serverUrl,
    api_url: github.apiUrl,
    graphql_url: `${github.apiUrl.replace(/\/v3$/, '')}/graphql`,
    workspace: places.workspace,
  }
}

/** The `runner` context; all of it becomes `RUNNER_*` (`JobRunner.cs`, `RunnerContext.cs`). */
export function runnerContext(job: Job, places: Places, runnerWorkspace: string): Context {
  return {
    os: platform === 'darwin' ? 'macOS' : platform === 'win32' ? 'Windows' : 'Linux',
    arch: arch === 'arm64' ? 'ARM64' : 'X64',
    name: 'Sandbox Runner',
    environment: job.runnerEnvironment ?? 'github-hosted',
    tool_cache: places.toolCache,
    temp: places.temp,
    workspace: runnerWorkspace,
    ...(job.debug ? { debug: '1' } : {}),
  }
}

/** `GITHUB_*` and `RUNNER_*` of a step. */
export function contextEnvironment(github: Context, runner: Context): Record<string, string> {
  const pairs = [
    ...Object.entries(github).flatMap(([key, value]) => (EXPORTED.has(key) ? [[`GITHUB_${key}`, value] as const] : [])),
    ...Object.entries(runner).map(([key, value]) => [`RUNNER_${key}`, value] as const),
  ]
  return Object.fromEntries(
    pairs.map(([key, value]) => [key.toUpperCase(), typeof value === 'object' ? '' : String(value)]),
  )
}

/** A payload as an expression can reach it; lists become objects with their indexes as names. */
function plain(value: unknown): Value {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  if (typeof value !== 'object') return null
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
