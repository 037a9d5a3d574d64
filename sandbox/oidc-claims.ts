import { createHash } from 'node:crypto'

/** What distinguishes one job's tokens from another's; everything else in a token is derived from it. */
export interface JobClaims {
  /** `OWNER/NAME` of the repository the run belongs to. */
  repository: string
  /** File name under `.github/workflows`, such as `release.yml`. */
  workflowFile: string
  /** Full ref the run was started for, such as `refs/tags/v1.0.0`. */
  ref: string
  /** Commit of the run; derived from repository and ref when absent. */
  sha?: string
  repositoryId?: string
  /** Id of the owner's account; `accountId(owner)` when absent. */
  ownerId?: string
  eventName?: string
  environment?: string
  /** `OWNER/REPO/.github/workflows/FILE@REF` of the called workflow where the job is defined in a reusable one. */
  jobWorkflowRef?: string
  jobWorkflowSha?: string
  runId?: string
  runNumber?: string
  runAttempt?: string
  runnerEnvironment?: string
  visibility?: string
  actor?: string
  headRef?: string
  baseRef?: string
  /** `sub` with account and repository ids in it, as repositories made after 2026-07-15 have. */
  immutableSubject?: boolean
}

type Claims = Record<string, unknown>

/** A stable account or repository id for a name, so that an issuer and a registry agree on it without being told. */
export function accountId(name: string): string {
  return String(createHash('sha256').update(name.toLowerCase()).digest().readUInt32BE(0))
}

function subject(job: JobClaims, owner: string, ids: { owner: string; repository: string }): string {
  const [, name = ''] = job.repository.split('/')
  const repository = job.immutableSubject ? `${owner}@${ids.owner}/${name}@${ids.repository}` : job.repository
  if (job.environment !== undefined) return `repo:${repository}:environment:${job.environment}`
  if (job.eventName === 'pull_request') return `repo:${repository}:pull_request`
  return `repo:${repository}:ref:${job.ref}`
}

/** All claims of GitHub's tokens (docs.github.com, OpenID Connect reference) except `aud` and the times. */
export function claimsOf(job: JobClaims): Claims {
  const [owner = ''] = job.repository.split('/')
  const ids = {
    owner: job.ownerId ?? accountId(owner),
    repository: job.repositoryId ?? accountId(job.repository),
  }
  const sha = job.sha ?? createHash('sha1').update(`${job.repository} ${job.ref}`).digest('hex')
  const path = `.github/workflows/${job.workflowFile}`
  const actor = job.actor ?? owner
  return {
    sub: subject(job, owner, ids),
    ref: job.ref,
    sha,
    repository: job.repository,
    repository_owner: owner,
    repository_owner_id: ids.owner,
    repository_id: ids.repository,
    repository_visibility: job.visibility ?? 'public',
    run_id: job.runId ?? '1658821493',
    run_number: job.runNumber ?? '10',
    run_attempt: job.runAttempt ?? '1',
    actor,
    actor_id: accountId(actor),
    workflow: path,
    workflow_ref: `${job.repository}/${path}@${job.ref}`,
    workflow_sha: sha,
    head_ref: job.headRef ?? '',
    base_ref: job.baseRef ?? '',
    event_name: job.eventName ?? 'push',
    ref_type: job.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    ref_protected: 'false',
    job_workflow_ref: job.jobWorkflowRef ?? `${job.repository}/${path}@${job.ref}`,
    job_workflow_sha: job.jobWorkflowSha ?? sha,
    runner_environment: job.runnerEnvironment ?? 'github-hosted',
    check_run_id: '46158123',
    ...(job.environment === undefined ? {} : { environment: job.environment }),
  }
}
