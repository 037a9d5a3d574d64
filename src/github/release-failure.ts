import type { Problem } from '../errors.ts'
import type { Refusal } from './api-client.ts'

/** What to report where GitHub refused something a release needs. */
export function releaseFailed(purpose: string, { status, message }: Refusal): Problem {
  return releaseFailure(purpose, `${String(status)} ${JSON.stringify(message)}`)
}

/** What to report where a release could not be made or completed; `purpose` completes "let this run …". */
export function releaseFailure(purpose: string, reason: string): Problem {
  return {
    code: 'github-release-failed',
    what: `GitHub did not let this run ${purpose}: ${reason}.`,
    why: 'The gems and the tag are out already; only the GitHub Release is missing or incomplete.',
    fix: 'Give the job `contents: write`, and re-run it: it publishes nothing again and completes the release.',
  }
}
