import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type JobClaims, type OidcIssuer, startOidcIssuer } from '../../sandbox/oidc.ts'
import { type Registry, type RegistryOptions, startRegistry } from '../../sandbox/registry/registry.ts'

/** A clock that stands still until it is told to move. */
export class TestClock {
  private at = Date.parse('2026-03-01T12:00:00Z')

  readonly read = (): Date => new Date(this.at)

  advance(seconds: number): void {
    this.at += seconds * 1000
  }
}

export interface World {
  issuer: OidcIssuer
  registry: Registry
  clock: TestClock
  directory: string
}

export const JOB: JobClaims = {
  repository: 'octo/demo',
  workflowFile: 'release.yml',
  ref: 'refs/tags/v1.0.0',
}

export const PUBLISHER = { repository: 'octo/demo', workflow: 'release.yml' }

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'registry-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

let keyFile: Buffer | undefined

/** Making an RSA key takes longer than most tests: the first issuer's key serves the whole file. */
async function startIssuer(directory: string, clock: TestClock): Promise<OidcIssuer> {
  const path = join(directory, 'key.json')
  await mkdir(directory)
  if (keyFile) await writeFile(path, keyFile)
  const issuer = await startOidcIssuer({ directory, clock: clock.read })
  keyFile ??= await readFile(path)
  return issuer
}

/** An issuer and a registry that trusts it, gone after the test. */
export async function startWorld(options: Partial<RegistryOptions> = {}): Promise<World> {
  const directory = await temporaryDirectory()
  const clock = new TestClock()
  const issuer = await startIssuer(join(directory, 'oidc'), clock)
  onTestFinished(() => issuer[Symbol.asyncDispose]())
  const registry = await startRegistry({
    directory: join(directory, 'registry'),
    jwksUrl: issuer.jwksUrl,
    clock: clock.read,
    ...options,
  })
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return { issuer, registry, clock, directory }
}

export const JSON_HEADERS = { accept: 'application/json', 'content-type': 'application/json' }

export async function exchange(
  { registry }: Pick<World, 'registry'>,
  jwt: unknown,
  headers: Record<string, string> = JSON_HEADERS,
): Promise<Response> {
  const url = `${registry.url}/api/v1/oidc/trusted_publisher/exchange_token`
  return await fetch(url, { method: 'POST', headers, body: JSON.stringify({ jwt }) })
}

interface ExchangeBody {
  rubygems_api_key: string
  name: string
  scopes: string[]
  expires_at: string
}

export function isExchangeBody(value: unknown): value is ExchangeBody {
  return typeof value === 'object' && value !== null && 'rubygems_api_key' in value
}

/** A fresh key for the job, through the real exchange. */
export async function keyFor(world: World, job: JobClaims = JOB): Promise<string> {
  const response = await exchange(world, await world.issuer.mint(job, 'rubygems.org'))
  const body: unknown = await response.json()
  if (!isExchangeBody(body)) throw new Error(`exchange refused: ${String(response.status)}`)
  return body.rubygems_api_key
}

export interface Pushed {
  status: number
  body: string
  headers: Headers
}

export async function push(
  registry: Registry,
  key: string,
  gem: Buffer,
  headers: Record<string, string> = {},
): Promise<Pushed> {
  const response = await fetch(`${registry.url}/api/v1/gems`, {
    method: 'POST',
    headers: { authorization: key, 'content-type': 'application/octet-stream', ...headers },
    body: new Uint8Array(gem),
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}
