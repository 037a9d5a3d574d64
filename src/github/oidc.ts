import { ReleaseError } from '../errors.ts'
import { stringAt } from '../json.ts'
import type { Http } from '../world/http.ts'
import { describe } from '../world/http-answer.ts'
import type { Runner } from '../world/runner.ts'
import { Secret } from '../world/secret.ts'
import { headRepository, type RunContext } from './run-context.ts'

/** Three base64url parts: what may be sent as JSON and looks like a token at all (RFC 7519). */
const JWT = /^[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}$/
/** GitHub answers so for a moment after a job was queued; it passes (hashicorp/vault-action#525). */
const PENDING = /can't issue id_token for job in/i

/**
 * Asks the runner for an ID token for `audience`, masked before it is returned. Our own request rather than
 * `core.getIDToken`, which neither times out nor notices an answer that was cut short.
 * Throws ReleaseError: `id-token-unavailable`, `id-token-failed`.
 */
export async function requestIdToken(run: RunContext, audience: string, http: Http, runner: Runner): Promise<Secret> {
  if (!run.idToken) throw new ReleaseError(missingPermission(run))
  const url = new URL(run.idToken.url)
  url.searchParams.set('audience', audience)
  return http.ask(
    {
      edge: 'id-token',
      purpose: 'get an ID token from GitHub',
      failure: (reason) => ({
        code: 'id-token-failed',
        what: `GitHub did not issue an ID token: ${reason}.`,
        fix: 'Re-run the job; if it persists, look at www.githubstatus.com.',
      }),
    },
    {
      method: 'GET',
      url,
      headers: { accept: 'application/json', authorization: `Bearer ${run.idToken.token.reveal()}` },
    },
    (answer) => {
      const token = stringAt(answer.json, 'value')
      if (answer.status === 200 && token && JWT.test(token)) {
        runner.mask(token)
        return { done: new Secret(token) }
      }
      // A body that was meant to hold a token is never quoted.
      if (answer.status === 200) return { again: 'the answer was 200 without a token' }
      if (answer.status === 403 && PENDING.test(answer.text)) return { again: 'the job is not marked as running yet' }
      throw new ReleaseError({
        code: 'id-token-failed',
        what: `GitHub refused to issue an ID token: ${describe(answer)}.`,
        fix: 'Re-run the job; an ID token is only issued while the job runs.',
      })
    },
  )
}

function missingPermission(run: RunContext): { code: 'id-token-unavailable'; what: string; why: string; fix: string } {
  const from = headRepository(run)
  const fork = from !== undefined && from !== run.repository
  return {
    code: 'id-token-unavailable',
    what: 'This job cannot ask for an ID token, which trusted publishing needs.',
    why: fork
      ? `The run belongs to a pull request from the fork ${from}; GitHub gives such runs no ID token, whatever the workflow says.`
      : 'The job lacks the permission `id-token: write`. In a reusable workflow, the calling job has to grant it too.',
    fix: [
      'Give it to this job (and only to this one):',
      'permissions:',
      '  id-token: write  # trusted publishing',
      '  contents: write  # the tag',
    ].join('\n'),
  }
}
