import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Fault } from './faults.ts'
import { readJson, writeJson } from './registry/json-file.ts'
import {
  type RecordedRequest,
  type SandboxRequest,
  type SandboxResponse,
  SandboxServer,
  type ServerOptions,
} from './server.ts'

/** The issuer rubygems.org insists on (rubygems.org app/models/oidc/provider.rb GITHUB_ACTIONS_ISSUER). */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

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

/** What the runner puts into a job's environment as ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN. */
export interface TokenRequest {
  requestUrl: string
  requestToken: string
}

export interface OidcOptions extends Partial<ServerOptions> {
  /** Where the signing key and the registered jobs are kept. */
  directory: string
  /** `iss` of the tokens; GitHub's own by default, although this server listens elsewhere. */
  issuer?: string
  clock?: () => Date
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

async function openKey(path: string): Promise<JWK> {
  const stored = readJson<JWK | undefined>(path, undefined)
  if (stored) return stored
  const pair = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(pair.privateKey)
  const key: JWK = { ...jwk, alg: 'RS256', use: 'sig', kid: await calculateJwkThumbprint(jwk) }
  writeJson(path, key)
  return key
}

function json(status: number, value: unknown): SandboxResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

/** Stands in for token.actions.githubusercontent.com and for the runner service's token endpoint. */
export class OidcIssuer implements AsyncDisposable {
  readonly issuer: string
  private readonly server: SandboxServer
  private readonly options: OidcOptions
  private readonly jobs: Record<string, JobClaims>
  private readonly state: { key: JWK }

  private constructor(
    options: OidcOptions,
    state: { key: JWK; jobs: Record<string, JobClaims> },
    server: SandboxServer,
  ) {
    this.options = options
    this.issuer = options.issuer ?? GITHUB_ISSUER
    this.state = state
    this.jobs = state.jobs
    this.server = server
  }

  static async start(options: OidcOptions): Promise<OidcIssuer> {
    const key = await openKey(join(options.directory, 'key.json'))
    const jobs = readJson<Record<string, JobClaims>>(join(options.directory, 'jobs.json'), {})
    const { directory: _directory, issuer: _issuer, clock: _clock, service = 'oidc', ...rest } = options
    const server = await SandboxServer.start((request) => issuer.handle(request), { service, ...rest })
    const issuer = new OidcIssuer(options, { key, jobs }, server)
    return issuer
  }

  get url(): string {
    return this.server.url
  }

  get jwksUrl(): string {
    return `${this.url}/.well-known/jwks`
  }

  get requests(): RecordedRequest[] {
    return this.server.requests
  }

  inject(...faults: Fault[]): void {
    this.server.inject(...faults)
  }

  /** Gives a job the right to ask for tokens; kept on disk, so a restarted issuer still knows it. */
  registerJob(job: JobClaims): TokenRequest {
    const requestToken = randomBytes(32).toString('base64url')
    this.jobs[requestToken] = job
    writeJson(join(this.options.directory, 'jobs.json'), this.jobs)
    return { requestUrl: `${this.url}/token?api-version=2.0`, requestToken }
  }

  /** A token as the endpoint would give it out; `audience` defaults to the URL of the repository's owner. */
  async mint(job: JobClaims, audience?: string): Promise<string> {
    const iat = Math.floor(this.now().getTime() / 1000)
    const [owner = ''] = job.repository.split('/')
    return await this.sign({
      jti: randomUUID(),
      ...claimsOf(job),
      aud: audience ?? `https://github.com/${owner}`,
      iss: this.issuer,
      nbf: iat - 600,
      exp: iat + 300,
      iat,
    })
  }

  /** Signs any payload with the issuer's key, for tokens that GitHub would never issue. */
  async sign(payload: Claims, header: { kid?: string } = {}): Promise<string> {
    const { key } = this.state
    const kid = header.kid ?? key.kid ?? ''
    return await new SignJWT(payload)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
      .sign(await importJWK(key, 'RS256'))
  }

  /** Replaces the signing key, as GitHub does from time to time; relying parties see it at their next refresh. */
  async rotateKey(): Promise<void> {
    const path = join(this.options.directory, 'key.json')
    writeJson(path, null)
    this.state.key = await openKey(path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }

  private now(): Date {
    return this.options.clock?.() ?? new Date()
  }

  private async handle(request: SandboxRequest): Promise<SandboxResponse> {
    if (request.method !== 'GET') return json(405, { message: 'Method not allowed' })
    if (request.url.pathname === '/.well-known/openid-configuration') return json(200, this.discovery())
    if (request.url.pathname === '/.well-known/jwks') return json(200, { keys: [this.publicKey()] })
    if (request.url.pathname === '/token') return await this.giveToken(request)
    return json(404, { message: 'Not found' })
  }

  private async giveToken(request: SandboxRequest): Promise<SandboxResponse> {
    const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const job = token !== undefined && Object.hasOwn(this.jobs, token) ? this.jobs[token] : undefined
    if (!job) return json(401, { message: 'The request token is not valid for this job' })
    const value = await this.mint(job, request.url.searchParams.get('audience') ?? undefined)
    return json(200, { count: value.length, value })
  }

  private publicKey(): JWK {
    const { kty = '', n = '', e = '', kid = '' } = this.state.key
    return { kty, n, e, kid, alg: 'RS256', use: 'sig' }
  }

  private discovery(): Claims {
    const sample = { repository: 'o/r', workflowFile: 'w.yml', ref: 'refs/heads/main', environment: 'e' }
    return {
      issuer: this.issuer,
      jwks_uri: this.jwksUrl,
      subject_types_supported: ['public', 'pairwise'],
      response_types_supported: ['id_token'],
      claims_supported: ['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', ...Object.keys(claimsOf(sample))],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid'],
    }
  }
}

/** Starts the issuer on loopback, with the key and jobs found in `directory`. */
export async function startOidcIssuer(options: OidcOptions): Promise<OidcIssuer> {
  return await OidcIssuer.start(options)
}
