import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Fault } from './faults.ts'
import { claimsOf, type JobClaims } from './oidc-claims.ts'
import { readJson, writeJson } from './registry/json-file.ts'
import type { RecordedRequest, SandboxRequest, SandboxResponse } from './messages.ts'
import { SandboxServer, type ServerOptions } from './server.ts'

export { accountId, claimsOf, type JobClaims } from './oidc-claims.ts'

/** The issuer rubygems.org insists on (rubygems.org app/models/oidc/provider.rb GITHUB_ACTIONS_ISSUER). */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

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

async function openKey(path: string): Promise<JWK> {
  const stored = readJson<JWK | undefined>(path, undefined)
  if (stored) return stored
  const pair = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(pair.privateKey)
  const key: JWK = { ...jwk, alg: 'RS256', use: 'sig', kid: await calculateJwkThumbprint(jwk) }
  writeJson(path, key)
  return key
}

/** A part of a JWT. */
function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
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
    const requestToken = this.requestToken()
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

  /**
   * A JWT, as the job's own token is on GitHub: it begins like the ID tokens that are asked for with it. Its signature
   * is checked by nobody, as tokens are compared as a whole.
   */
  private requestToken(): string {
    const header = part({ alg: 'RS256', typ: 'JWT', kid: this.state.key.kid })
    const payload = part({ jti: randomUUID(), iss: this.issuer })
    return [header, payload, randomBytes(256).toString('base64url')].join('.')
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
