import { ReleaseError } from '../errors.ts'
import { type Claims, readClaims } from '../github/claims.ts'
import { type IdToken, type IdTokens, isStale } from '../github/id-tokens.ts'
import type { RunContext } from '../github/run-context.ts'
import { API_TOKEN, type Authentication } from '../inputs.ts'
import { isObject, stringAt } from '../json.ts'
import type { ApiKey } from '../rubygems/api-key.ts'
import { existingKey } from '../rubygems/existing-key.ts'
import { refusedExchange } from '../rubygems/refused-exchange.ts'
import type { GemServer } from '../server.ts'
import { describe, type HttpAnswer } from '../world/http-answer.ts'
import type { Attempt } from '../world/retry.ts'
import { Secret } from '../world/secret.ts'
import type { World } from '../world/world.ts'

/** Keys of RubyGems.org: prefix and 24 random bytes (rubygems.org app/controllers/concerns/api_keyable.rb). */
const RUBYGEMS_KEY = /^rubygems_[0-9a-f]{48}$/
/** How long a trusted publisher's key lives (rubygems.org app/controllers/api/v1/oidc/trusted_publisher_controller.rb). */
const LIFETIME = 15 * 60 * 1000

/**
 * The key to push with: exchanged for an ID token, or given. Masked before it is returned. In a job that the project's
 * code has tampered with there is none.
 * Throws ReleaseError: `tampered-job`, `id-token-*`, `exchange-*`, `no-credentials`.
 */
export async function exchange(
  authentication: Authentication,
  server: GemServer,
  run: RunContext,
  tokens: IdTokens,
  world: World,
): Promise<ApiKey> {
  world.runner.expectUntouched()
  switch (authentication.kind) {
    case 'api-token':
      return { value: authentication.token, source: 'input `api-token`' }
    case 'existing':
      return existingKey(server, world)
    case 'trusted-publisher':
      return exchangeToken({
        path: '/api/v1/oidc/trusted_publisher/exchange_token',
        source: 'trusted publisher',
        audience: authentication.audience,
        server,
        run,
        tokens,
        world,
      })
    case 'api-key-role':
      return exchangeToken({
        path: `/api/v1/oidc/api_key_roles/${encodeURIComponent(authentication.role)}/assume_role`,
        source: 'API key role',
        audience: authentication.audience,
        server,
        run,
        tokens,
        world,
      })
  }
}

interface Exchange {
  path: string
  source: 'trusted publisher' | 'API key role'
  audience: string
  server: GemServer
  run: RunContext
  tokens: IdTokens
  world: World
}

async function exchangeToken(options: Exchange): Promise<ApiKey> {
  const { server, world, tokens, audience } = options
  let token = await tokens.take(audience)
  const claims = readClaims(token.value)
  const started = world.clock.now()
  return world.http.ask(
    {
      edge: 'exchange',
      purpose: `exchange the ID token at ${server.host}`,
      failure: (reason) => ({
        code: 'exchange-failed',
        what: `${server.host} gave no key for the ID token: ${reason}.`,
        fix: 'Re-run the job when the registry answers again (status.rubygems.org).',
      }),
    },
    async () => {
      if (token.sent && isSpent(options, token)) token = await tokens.take(audience)
      token.sent = true
      return {
        method: 'POST',
        url: new URL(options.path, server.origin),
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body: JSON.stringify({ jwt: token.value.reveal() }),
      }
    },
    (answer) => judge(answer, { ...options, claims, started }),
  )
}

/** An API key role accepts a token once (`jti` must be unique), and nobody accepts one after five minutes. */
function isSpent({ source, world }: Exchange, token: IdToken): boolean {
  return source === 'API key role' || isStale(token, world)
}

interface Exchanged extends Exchange {
  claims: Claims | undefined
  started: number
}

function judge(answer: HttpAnswer, exchanged: Exchanged): Attempt<ApiKey> {
  const { server } = exchanged
  if (answer.status === 201 && answer.json === undefined) return { again: 'the answer was 201, but cut short' }
  if (answer.status === 201) return { done: acceptKey(answer, exchanged) }
  // Whatever a success without a key is, its body is not shown: it was meant to hold one.
  if (answer.status < 300) return { again: `the answer was ${String(answer.status)} without a key` }
  if (answer.status === 404) throw new ReleaseError(refusedExchange({ ...exchanged, at: answer.headers.get('date') }))
  throw new ReleaseError({
    code: 'exchange-failed',
    what: `${server.host} did not accept the ID token: ${describe(answer)}.`,
    ...(answer.status === 400 ? { why: 'The token did not arrive as GitHub issued it.' } : {}),
    fix: 'Re-run the job; if it persists, something between this runner and the registry blocks or changes requests (a proxy, say).',
  })
}

function acceptKey(answer: HttpAnswer, { server, source, run, world, claims, started }: Exchanged): ApiKey {
  const value = stringAt(answer.json, 'rubygems_api_key') ?? ''
  const shape = server.kind === 'other' ? API_TOKEN : RUBYGEMS_KEY
  if (value) world.runner.mask(value)
  const name = stringAt(answer.json, 'name')
  const lifetime = lifetimeOf(answer) ?? (server.kind === 'other' ? undefined : LIFETIME)
  const doubt = shape.test(value) ? doubtful(answer, name, source, run) : 'its key does not have the shape of one'
  if (doubt !== undefined) {
    throw new ReleaseError({
      code: 'exchange-untrusted',
      what: `${server.host} answered the exchange with success, but ${doubt}. The answer is not used.`,
      why: 'It may have come from a cache or a proxy and belong to somebody else.',
      fix: 'Re-run the job; if it persists, report it to the registry’s security contact.',
    })
  }
  return {
    value: new Secret(value),
    source,
    ...(name === undefined ? {} : { name }),
    ...(claims === undefined ? {} : { claims }),
    // Counted from before the request, on our own clock: the key can only live longer than that.
    ...(lifetime === undefined ? {} : { expiresAt: started + lifetime }),
  }
}

/** How long the key lives by the server's own clock, in ms; undefined where the answer does not say. */
function lifetimeOf({ json, headers }: HttpAnswer): number | undefined {
  const lifetime = Date.parse(stringAt(json, 'expires_at') ?? '') - Date.parse(headers.get('date') ?? '')
  return Number.isFinite(lifetime) ? lifetime : undefined
}

/** What shows that the answer is not this job's own; undefined where nothing does. */
function doubtful(answer: HttpAnswer, name: string | undefined, source: string, run: RunContext): string | undefined {
  if (Number(answer.headers.get('age') ?? '0') > 0 || /\bhit\b/i.test(answer.headers.get('x-cache') ?? '')) {
    return 'it was served from a cache'
  }
  if ((lifetimeOf(answer) ?? 1) <= 0) return 'its key has expired already'
  const scopes = isObject(answer.json) && Array.isArray(answer.json['scopes']) ? answer.json['scopes'] : []
  if (!scopes.includes('push_rubygem')) return 'its key may not push'
  // rubygems.org names the key of a trusted publisher `GitHub Actions OWNER/REPO @ .github/workflows/FILE …`.
  const owner = /^GitHub Actions ([\w.-]{1,100}\/[\w.-]{1,100}) @ /.exec(name ?? '')?.[1]
  if (source === 'trusted publisher' && owner !== undefined && owner !== run.repository)
    return `its key is for ${owner}`
  return undefined
}
