import type { Problem } from '../errors.ts'
import { stringAt } from '../json.ts'
import { headRepository, type RunContext } from './run-context.ts'

const EVENTS = new Set(['push', 'release', 'workflow_dispatch', 'repository_dispatch', 'schedule'])

/**
 * Why this event must not release; nothing where it may. RubyGems.org does not look at the event (its trusted
 * publisher matches repository, workflow file and environment only), so that the action has to: a net for honest
 * mistakes, no boundary against somebody who can change the workflow.
 */
export function eventProblem(run: Pick<RunContext, 'eventName' | 'event' | 'repository'>): Problem | undefined {
  if (EVENTS.has(run.eventName)) return undefined
  if (run.eventName === 'workflow_run') return workflowRunProblem(run)
  const from = headRepository(run)
  if (run.eventName.startsWith('pull_request')) {
    return {
      code: 'event-not-allowed',
      what: `This run was started by \`${run.eventName}\`${from && from !== run.repository ? ` from the fork ${from}` : ''}, and a pull request must not release.`,
      why:
        run.eventName === 'pull_request_target'
          ? 'With `pull_request_target` anybody who opens a pull request can start this job with this repository’s rights.'
          : 'The code of a pull request has not been accepted yet; from a fork there would be no ID token either.',
      fix: TRIGGERS,
    }
  }
  return {
    code: 'event-not-allowed',
    what: `This run was started by \`${run.eventName || 'an unknown event'}\`, which must not release.`,
    why: 'People without write access can cause this event.',
    fix: TRIGGERS,
  }
}

const TRIGGERS = [
  'Start the release from a tag, a GitHub Release or by hand:',
  'on:',
  '  push:',
  "    tags: ['v*']",
  '  workflow_dispatch:',
].join('\n')

function workflowRunProblem(run: Pick<RunContext, 'event' | 'repository'>): Problem | undefined {
  const cause = stringAt(run.event, 'workflow_run', 'event') ?? 'an unknown event'
  const from = headRepository(run)
  const ours = from !== undefined && from === run.repository
  if (ours && EVENTS.has(cause)) return undefined
  return {
    code: 'event-not-allowed',
    what: `This run follows a workflow that was started by \`${cause}\`${ours ? '' : ` for ${from ?? 'an unknown repository'}`}, and must not release.`,
    why: '`workflow_run` runs with this repository’s rights, also after a pull request from a fork.',
    fix: 'Limit the trigger: `on: { workflow_run: { workflows: [CI], types: [completed], branches: [main] } }`, and let CI run on `push`.',
  }
}
