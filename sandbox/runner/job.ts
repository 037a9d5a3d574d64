/** What the `github` context of a run is made of, and what an OIDC issuer must know of it. */
export interface RunFacts {
  /** `owner/name`. */
  repository: string
  repositoryId?: string
  ownerId?: string
  /** Full ref, such as `refs/tags/v1.2.3`. */
  ref: string
  refType: 'branch' | 'tag'
  sha: string
  eventName: string
  /** The webhook payload, as `$GITHUB_EVENT_PATH` and `github.event` show it. */
  event: object
  actor?: string
  runId?: string
  runAttempt?: number
  /** File below `.github/workflows`; `release.yml` when absent. */
  workflowFile?: string
  /** Name of the job; `release` when absent. */
  job?: string
  /** Only the token issuer uses these two: neither is in a step's environment. */
  jobWorkflowRef?: string
  environment?: string
  serverUrl: string
  apiUrl: string
  /** Source and target branch; only pull requests have them. */
  headRef?: string
  baseRef?: string
}

/** The world around the steps of one job. */
export interface Job {
  /** Root of the runner: workspace, temporary files, tool cache and home live below it. */
  directory: string
  github: RunFacts
  /** `${{ github.token }}`; masked from the start, as on the real runner. */
  token: string
  /** Present only where the job has `permissions: id-token: write`. */
  idToken?: { requestUrl: string; requestToken: string }
  /** `${{ secrets.NAME }}`; masked from the start as well. */
  secrets?: Record<string, string>
  /** `env:` of the workflow and of the job. */
  env?: Record<string, string>
  /** `PATH` of the steps; the system's directories when absent. */
  path?: string
  runnerEnvironment?: 'github-hosted' | 'self-hosted'
  /** As if the run had been started with debug logging. */
  debug?: boolean
  /**
   * Milliseconds the runner waits for children that keep the output open after the entry process has ended; 5000 as
   * in actions/runner `src/Runner.Sdk/ProcessInvoker.cs` when absent.
   */
  outputGraceMs?: number
}
