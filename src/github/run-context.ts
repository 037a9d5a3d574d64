import { tmpdir } from 'node:os'
import { parseJson, stringAt } from '../json.ts'
import { files } from '../world/files.ts'
import type { Runner } from '../world/runner.ts'
import { Secret } from '../world/secret.ts'

/** What the runner says about this run (docs.github.com, "Variables reference"). */
export interface RunContext {
  eventName: string
  /** The payload that started the run. */
  event: unknown
  /** `owner/name`. */
  repository: string
  ref: string
  /** The tag that started the run, or undefined where it was no tag. */
  tag: string | undefined
  sha: string
  actor: string
  apiUrl: string
  serverUrl: string
  /** Page of this run, for texts. */
  runUrl: string
  attempt: number
  workspace: string
  /** RUNNER_TEMP. */
  temp: string
  /** Where ID tokens are to be had; absent without `id-token: write`. */
  idToken: { url: string; token: Secret } | undefined
}

/** Reads the run's context from the environment and the event file; masks what is secret in it. */
export async function readRunContext(runner: Runner): Promise<RunContext> {
  const value = (name: string): string => runner.env[name] ?? ''
  const ref = value('GITHUB_REF')
  const requestToken = value('ACTIONS_ID_TOKEN_REQUEST_TOKEN')
  const url = value('ACTIONS_ID_TOKEN_REQUEST_URL')
  if (requestToken) runner.mask(requestToken)
  const serverUrl = value('GITHUB_SERVER_URL') || 'https://github.com'
  const eventFile = value('GITHUB_EVENT_PATH')
  return {
    eventName: value('GITHUB_EVENT_NAME'),
    event: parseJson((eventFile && (await files.text(eventFile))) || '{}'),
    repository: value('GITHUB_REPOSITORY'),
    ref,
    tag: ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : undefined,
    sha: value('GITHUB_SHA'),
    actor: value('GITHUB_ACTOR'),
    apiUrl: value('GITHUB_API_URL') || 'https://api.github.com',
    serverUrl,
    runUrl: `${serverUrl}/${value('GITHUB_REPOSITORY')}/actions/runs/${value('GITHUB_RUN_ID')}`,
    attempt: Number(value('GITHUB_RUN_ATTEMPT') || '1'),
    workspace: value('GITHUB_WORKSPACE') || process.cwd(),
    temp: value('RUNNER_TEMP') || tmpdir(),
    idToken: url && requestToken ? { url, token: new Secret(requestToken) } : undefined,
  }
}

/** The repository the event's code comes from, where the payload names another one than the run's: a fork. */
export function headRepository(run: Pick<RunContext, 'event'>): string | undefined {
  return (
    stringAt(run.event, 'pull_request', 'head', 'repo', 'full_name') ??
    stringAt(run.event, 'workflow_run', 'head_repository', 'full_name')
  )
}
