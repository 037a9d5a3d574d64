import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../src/errors.ts'
import type { RunContext } from '../src/github/run-context.ts'
import { refuseForeignEvents } from '../src/plan.ts'
import { run } from './plan-facts.ts'

describe('an event', () => {
  it.each(['push', 'release', 'workflow_dispatch', 'repository_dispatch', 'schedule'])(
    '%s may release',
    (eventName) => {
      expect(mayRun(run({ eventName }))).toBe(true)
    },
  )

  it.each([
    'pull_request',
    'pull_request_target',
    'pull_request_review',
    'issue_comment',
    'issues',
    'fork',
    'watch',
    '',
  ])('"%s" may not', (eventName) => {
    expect(mayRun(run({ eventName }))).toBe(false)
  })

  it.each([
    ['pull_request', true],
    ['pull_request_target', false],
    ['issue_comment', false],
    ['workflow_run', false],
    ['push', true],
  ])('%s may try a release without publishing: %s', (eventName, allowed) => {
    expect(mayRun(run({ eventName }), true)).toBe(allowed)
  })

  it.each([
    [{ event: 'push', head_repository: { full_name: 'octo/rack-lens' } }, true],
    [{ event: 'push', head_repository: { full_name: 'mallory/rack-lens' } }, false],
    [{ event: 'pull_request', head_repository: { full_name: 'octo/rack-lens' } }, false],
    [{ event: 'workflow_run', head_repository: { full_name: 'octo/rack-lens' } }, false],
    [{ event: 'push' }, false],
    [undefined, false],
  ])('workflow_run after %o may: %s', (cause, allowed) => {
    expect(mayRun(run({ eventName: 'workflow_run', event: { workflow_run: cause } }))).toBe(allowed)
  })
})

function mayRun(started: RunContext, dryRun: boolean = false): boolean {
  try {
    refuseForeignEvents(started, dryRun)
    return true
  } catch (error) {
    if (error instanceof ReleaseError && error.code === 'event-not-allowed') return false
    throw error
  }
}
