import { isObject, parseJson, stringAt } from '../json.ts'
import type { Secret } from '../world/secret.ts'

/** What an ID token says about the run: what goes into Fulcio's certificate and into the provenance. */
export interface RunClaims {
  issuer: string
  /** Signed to prove that the key is ours. */
  subject: string
  repository: string
  repositoryId: string
  repositoryOwnerId: string
  /** `public`, `private` or `internal`; empty where the token does not say. */
  visibility: string
  ref: string
  sha: string
  eventName: string
  /** `OWNER/REPO/.github/workflows/FILE@REF` of the file the job is defined in: the callee of a reusable workflow. */
  jobWorkflowRef: string
  /** The same for the workflow that was started. */
  workflowRef: string
  runId: string
  runAttempt: string
  runnerEnvironment: string
}

/** Decodes the payload of our own token; undefined for what is no JWT (docs.github.com, "OpenID Connect reference"). */
export function readRunClaims(token: Secret): RunClaims | undefined {
  const value = parseJson(Buffer.from(token.reveal().split('.')[1] ?? '', 'base64url').toString('utf8'))
  if (!isObject(value)) return undefined
  const claim = (name: string): string => stringAt(value, name) ?? ''
  return {
    issuer: claim('iss'),
    subject: claim('sub'),
    repository: claim('repository'),
    repositoryId: claim('repository_id'),
    repositoryOwnerId: claim('repository_owner_id'),
    visibility: claim('repository_visibility'),
    ref: claim('ref'),
    sha: claim('sha'),
    eventName: claim('event_name'),
    jobWorkflowRef: claim('job_workflow_ref'),
    workflowRef: claim('workflow_ref'),
    runId: claim('run_id'),
    runAttempt: claim('run_attempt'),
    runnerEnvironment: claim('runner_environment'),
  }
}
