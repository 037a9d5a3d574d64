import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import type { TokenRequest } from '../../sandbox/oidc.ts'
import { ReleaseError } from '../../src/errors.ts'
import { readRunContext } from '../../src/github/run-context.ts'
import { readInputs } from '../../src/inputs.ts'
import { Ledger, type LedgerRecord } from '../../src/ledger.ts'
import { Phases } from '../../src/phases.ts'
import { prepareRelease } from '../../src/release-context.ts'
import { release } from '../../src/release.ts'
import { announceFailure, outcome, setOutputs } from '../../src/report.ts'
import { summary } from '../../src/summary.ts'
import { createHttp, type Http } from '../../src/world/http.ts'
import type { World } from '../../src/world/world.ts'
import { type Case, REPOSITORY } from './case.ts'
import { Recorder } from './recorder.ts'

/** What came of one run. */
export interface Run {
  /** `green`, or the code of the first problem. */
  result: string
  failure: ReleaseError | undefined
  record: LedgerRecord
  recorder: Recorder
  /** Virtual milliseconds. */
  took: number
}

/** The credentials GitHub gives a job. */
export interface Job {
  token: string
  idToken: TokenRequest
}

/** Runs the action's main step in this process, against the case's services. */
export async function runRelease(it: Case, job: Job, stop: AbortSignal = new AbortController().signal): Promise<Run> {
  const { clock } = it
  const recorder = new Recorder(environmentOf(it, job), inputsOf(it, job))
  const world = await worldOf(it, recorder, stop)
  const started = clock.now()
  const inputs = readInputs(recorder)
  const ledger = new Ledger(inputs.server, path.join(world.privateDirectory, 'journal.json'))
  const phases = new Phases(recorder, clock)
  const failure = await endOf(async () => {
    await release(prepareRelease({ inputs, run: await readRunContext(recorder), ledger, phases, world }))
    await ledger.finish()
  })
  await world.http.close()
  const { record } = ledger
  setOutputs(record, recorder)
  if (failure) announceFailure(failure, record, recorder)
  else recorder.info(outcome(record))
  await recorder.summary(summary(record, phases.done, failure))
  return { result: failure?.code ?? 'green', failure, record, recorder, took: clock.now() - started }
}

/** A world whose time is the case's, and in which no program can be started. */
export async function worldOf(it: Case, recorder: Recorder, stop: AbortSignal): Promise<World> {
  const { clock } = it
  const log = (line: string): void => {
    recorder.info(line)
  }
  const http = createHttp({ clock, signal: stop, lastSignal: stop, log, env: { no_proxy: '*' } })
  divert(http, it)
  return {
    runner: recorder,
    clock,
    http,
    processes: { run: () => Promise.reject(new Error('a release of prebuilt gems starts no program')) },
    signal: stop,
    privateDirectory: await mkdtemp(path.join(it.directory, 'private-')),
    assets: { probe: '', gemCommand: '' },
  }
}

async function endOf(job: () => Promise<void>): Promise<ReleaseError | undefined> {
  try {
    await job()
    return undefined
  } catch (error) {
    return ReleaseError.from(error)
  }
}

/** Notes every request as it begins, and sends some where they cannot arrive. */
function divert(http: Http, it: Case): void {
  const send: Http['send'] = http.send.bind(http)
  http.send = async (edge, request) => {
    const attempt = it.begin(request.method, request.url)
    try {
      const origin = await it.reroute(attempt)
      const url = origin === undefined ? request.url : new URL(`${request.url.pathname}${request.url.search}`, origin)
      return await send(edge, { ...request, url })
    } finally {
      attempt.over = true
    }
  }
}

/** The action's inputs, as a workflow would give them. */
export function inputsOf(it: Case, { token }: Job): Record<string, string> {
  return {
    gems: 'pkg/*.gem',
    'gem-server': it.registry.url,
    tag: it.options.tags ? '{name}-v{version}' : 'false',
    token,
    'await-timeout': '60',
    attestations: 'false',
    ...it.options.with,
  }
}

/** The variables of the runner. */
export function environmentOf({ directory, world }: Case, { idToken }: Job): Record<string, string> {
  return {
    GITHUB_EVENT_NAME: 'workflow_dispatch',
    GITHUB_REPOSITORY: REPOSITORY,
    GITHUB_REF: 'refs/heads/main',
    GITHUB_SHA: world.commit,
    GITHUB_ACTOR: 'octocat',
    GITHUB_API_URL: world.github.apiUrl,
    GITHUB_SERVER_URL: world.github.serverUrl,
    GITHUB_RUN_ID: '1',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_WORKSPACE: directory,
    RUNNER_TEMP: directory,
    RUNNER_ENVIRONMENT: 'github-hosted',
    ACTIONS_ID_TOKEN_REQUEST_URL: idToken.requestUrl,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: idToken.requestToken,
  }
}
