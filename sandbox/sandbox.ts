import path from 'node:path'
import { FaultPlan } from './faults.ts'
import { checkout } from './github/checkout.ts'
import { type GitHub, startGitHub } from './github/github.ts'
import { type JobClaims, OidcIssuer } from './oidc.ts'
import { SigstoreVerifier } from './registry/attestation-sigstore.ts'
import { type Registry, type RegistryOptions, startRegistry } from './registry/registry.ts'
import type { Job } from './runner/job.ts'
import { Runner } from './runner/runner.ts'
import type { RecordedRequest } from './messages.ts'
import { Sigstore, type SigstoreFlaws } from './sigstore/sigstore.ts'

export interface SandboxOptions {
  /** Where the world is kept; a second start on the same directory goes on with it. */
  directory: string
  clock?: () => Date
  latencyMs?: number
  uploadBytesPerSecond?: number
  registry?: Partial<RegistryOptions>
  /** With Sigstore's services, so that releases are attested; the registry then verifies what it is sent. */
  sigstore?: boolean | SigstoreFlaws
}

/** One run of a job, as an event of GitHub would start it. */
export interface JobOptions {
  repository: string
  /** `{tag}` starts it by pushing that tag, `{branch}` by the event on that branch. */
  on: { tag: string; event?: 'push' | 'release' } | { branch: string; event?: string }
  /** Payload of the event. */
  payload?: object
  /** The job's `permissions:`. */
  permissions?: { 'id-token'?: 'write'; contents?: 'read' | 'write' }
  environment?: string
  workflowFile?: string
  jobWorkflowRef?: string
  runAttempt?: number
  /** `false` for a publish job, which checks nothing out; a text is the `ref:` of actions/checkout. */
  checkout?: boolean | string
  persistCredentials?: boolean
  /** Directories of programs; the system's when absent. */
  path?: string
  env?: Record<string, string>
  /** Name of the runner's directory; a job on the same one finds its HOME again, as on a self-hosted runner. */
  machine?: string
  runnerEnvironment?: 'github-hosted' | 'self-hosted'
  debug?: boolean
  /** What the job is told instead of the services' own addresses, where something stands between them and it. */
  addresses?: { api: string; idTokens: string }
}

export interface SandboxJob extends AsyncDisposable {
  runner: Runner
  token: string
  /** ID tokens are asked for with this; absent without the permission. */
  requestToken: string | undefined
  sha: string
}

/**
 * The world of a release on loopback: an OIDC issuer, a gem registry, GitHub's API and git remote, and runners. All
 * of it is kept on disk, and all requests are recorded in one list, in their order.
 */
export class Sandbox implements AsyncDisposable {
  readonly directory: string
  readonly requests: RecordedRequest[]
  readonly oidc: OidcIssuer
  readonly registry: Registry
  readonly github: GitHub
  readonly sigstore: Sigstore | undefined
  #jobs = 0

  private constructor(
    directory: string,
    requests: RecordedRequest[],
    services: { oidc: OidcIssuer; registry: Registry; github: GitHub; sigstore: Sigstore | undefined },
  ) {
    this.directory = directory
    this.requests = requests
    this.oidc = services.oidc
    this.registry = services.registry
    this.github = services.github
    this.sigstore = services.sigstore
  }

  static async start(options: SandboxOptions): Promise<Sandbox> {
    const { directory, clock, latencyMs, uploadBytesPerSecond } = options
    const requests: RecordedRequest[] = []
    const shared = { requests, ...(latencyMs === undefined ? {} : { latencyMs }), ...(clock ? { clock } : {}) }
    const below = (name: string): string => path.join(directory, name)
    const oidc = await OidcIssuer.start({ ...shared, directory: below('oidc'), faults: new FaultPlan() })
    const sigstore = options.sigstore
      ? await Sigstore.start({
          ...shared,
          directory: below('sigstore'),
          jwksUrl: oidc.jwksUrl,
          faults: new FaultPlan(),
          ...(options.sigstore === true ? {} : options.sigstore),
        })
      : undefined
    const registry = await startRegistry({
      ...shared,
      ...(uploadBytesPerSecond === undefined ? {} : { uploadBytesPerSecond }),
      directory: below('registry'),
      durable: false,
      jwksUrl: oidc.jwksUrl,
      faults: new FaultPlan(),
      ...(sigstore ? { verifier: new SigstoreVerifier(sigstore.trustedRoot) } : {}),
      ...options.registry,
    })
    const github = await startGitHub({ ...shared, directory: below('github'), faults: new FaultPlan() })
    return new Sandbox(directory, requests, { oidc, registry, github, sigstore })
  }

  /** Starts a job: makes its token, gives it ID tokens if it may have them, and checks the repository out. */
  async job(options: JobOptions): Promise<SandboxJob> {
    const { repository: name, permissions = { 'id-token': 'write', contents: 'write' } } = options
    const repository = this.github.repository(name)
    const ref = 'tag' in options.on ? `refs/tags/${options.on.tag}` : `refs/heads/${options.on.branch}`
    const sha = await commitOf(repository, ref)
    const token = this.github.addToken({
      repository: name,
      permissions: { ...(permissions.contents ? { contents: permissions.contents } : {}), metadata: 'read' },
    })
    const idToken = permissions['id-token'] ? this.oidc.registerJob(claims(options, ref, sha)) : undefined
    const runner = await Runner.create(this.#describe(options, { ref, sha, token, idToken }))
    if (options.checkout !== false) {
      await checkout({
        repository,
        ref: typeof options.checkout === 'string' ? options.checkout : ref,
        directory: runner.workspace,
        token,
        persistCredentials: options.persistCredentials ?? false,
        runnerTemp: runner.temp,
      })
    }
    return {
      runner,
      token,
      sha,
      requestToken: idToken?.requestToken,
      [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sigstore?.[Symbol.asyncDispose]()
    await this.registry[Symbol.asyncDispose]()
    await this.github[Symbol.asyncDispose]()
    await this.oidc[Symbol.asyncDispose]()
  }

  /** How a rehearsal tells the action where its Sigstore is. */
  #sigstoreAddresses(): Record<string, string> {
    const { fulcio, rekor } = this.sigstore ?? {}
    return fulcio && rekor ? { RELEASE_GEM_FULCIO_URL: fulcio.url, RELEASE_GEM_REKOR_URL: rekor.url } : {}
  }

  #describe(
    options: JobOptions,
    run: { ref: string; sha: string; token: string; idToken: Job['idToken'] | undefined },
  ): Job {
    this.#jobs += 1
    const { on, payload = {}, path: programs, env, runnerEnvironment, debug } = options
    return {
      directory: path.join(this.directory, 'machines', options.machine ?? `job-${String(this.#jobs)}`),
      github: {
        repository: options.repository,
        ref: run.ref,
        refType: 'tag' in on ? 'tag' : 'branch',
        sha: run.sha,
        eventName: on.event ?? 'push',
        event: payload,
        workflowFile: options.workflowFile ?? 'release.yml',
        runAttempt: options.runAttempt ?? 1,
        serverUrl: this.github.serverUrl,
        apiUrl: options.addresses?.api ?? this.github.apiUrl,
        ...(options.jobWorkflowRef === undefined ? {} : { jobWorkflowRef: options.jobWorkflowRef }),
        ...(options.environment === undefined ? {} : { environment: options.environment }),
      },
      token: run.token,
      ...(run.idToken ? { idToken: { ...run.idToken, requestUrl: tokenUrl(run.idToken, options) } } : {}),
      ...(programs === undefined ? {} : { path: programs }),
      env: { ...this.#sigstoreAddresses(), ...env },
      ...(runnerEnvironment ? { runnerEnvironment } : {}),
      ...(debug === undefined ? {} : { debug }),
    }
  }
}

function tokenUrl({ requestUrl }: NonNullable<Job['idToken']>, { addresses }: JobOptions): string {
  const { pathname, search } = new URL(requestUrl)
  return addresses ? `${addresses.idTokens}${pathname}${search}` : requestUrl
}

function claims(options: JobOptions, ref: string, sha: string): JobClaims {
  return {
    repository: options.repository,
    workflowFile: options.workflowFile ?? 'release.yml',
    ref,
    sha,
    eventName: options.on.event ?? 'push',
    runAttempt: String(options.runAttempt ?? 1),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    ...(options.jobWorkflowRef === undefined ? {} : { jobWorkflowRef: options.jobWorkflowRef }),
  }
}

async function commitOf(repository: ReturnType<GitHub['repository']>, ref: string): Promise<string> {
  const sha = await repository.commitOf(ref)
  if (sha === undefined) throw new Error(`${repository.name} has no ${ref}`)
  return sha
}
