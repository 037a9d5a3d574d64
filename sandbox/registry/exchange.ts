import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { policyOf, publisherFor, publisherName, verifyAccess } from './access-policy.ts'
import { badRequest, json, notFound, unrescued } from './answers.ts'
import type { Context } from './context.ts'
import {
  BadToken,
  checkFormat,
  checkTime,
  decode,
  jwtParameter,
  Refused,
  ServerFault,
  UnparsableBody,
  verifySignature,
} from './jwt.ts'
import { hashKey, MAX_FIELD_LENGTH, newKey } from './keys.ts'

const LIFETIME = 15 * 60 * 1000

/** How the two exchanges answer what stopped them; the reason for a 404 stays inside. */
export function refusal(request: SandboxRequest, error: unknown): SandboxResponse {
  if (error instanceof BadToken) return badRequest(error.message)
  if (error instanceof Refused) return notFound(request)
  if (error instanceof UnparsableBody) return unrescued(request, 400, 'Bad Request')
  if (error instanceof ServerFault) return unrescued(request, 500, 'Internal Server Error')
  throw error
}

/**
 * POST /api/v1/oidc/trusted_publisher/exchange_token, with the checks in the server's order (rubygems.org
 * app/controllers/api/v1/oidc/trusted_publisher_controller.rb). The token may be exchanged again until it expires.
 */
export async function exchangeToken(request: SandboxRequest, context: Context): Promise<SandboxResponse> {
  try {
    return await exchange(request, context)
  } catch (error) {
    return refusal(request, error)
  }
}

async function exchange(request: SandboxRequest, context: Context): Promise<SandboxResponse> {
  const { store } = context
  const token = decode(await jwtParameter(request))
  const { claims } = token
  checkFormat(claims)
  checkTime(claims, store.clock())
  if (claims['iss'] !== context.issuer) throw new Refused('unknown issuer')
  await verifySignature(token, await context.provider.keys())
  const publisher = publisherFor(store.state.publishers, claims)
  verifyAccess(policyOf(publisher, claims, context.host), claims)

  const issuedAt = new Date(Number(claims['iat']) * 1000).toISOString().replace('.000Z', 'Z')
  const name = `${publisherName(publisher)} ${issuedAt}`
  // Rails answers an unrescued RecordInvalid with 422 (activerecord railtie.rb, rescue_responses).
  if (name.length > MAX_FIELD_LENGTH) return unrescued(request, 422, 'Unprocessable Content')
  const key = newKey()
  const expiresAt = new Date(store.clock().getTime() + LIFETIME).toISOString()
  store.addKey({
    hashedKey: hashKey(key),
    name,
    scopes: ['push_rubygem'],
    owner: { type: 'publisher', id: publisher.id },
    gem: null,
    expiresAt,
  })
  store.save()
  return json(201, { rubygems_api_key: key, name, scopes: ['push_rubygem'], expires_at: expiresAt })
}
