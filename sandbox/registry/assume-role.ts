import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { verifyAccess } from './access-policy.ts'
import { json, notFound } from './answers.ts'
import type { Context } from './context.ts'
import { refusal } from './exchange.ts'
import { checkFormat, checkTime, decode, jwtParameter, Refused, verifySignature } from './jwt.ts'
import { hashKey, MAX_FIELD_LENGTH, newKey } from './keys.ts'
import { gemPayload } from './payloads.ts'
import type { RoleRow } from './world.ts'

/**
 * POST /api/v1/oidc/api_key_roles/:token/assume_role: unlike a trusted publisher's exchange it checks the signature
 * before anything else, uses up the token's `jti`, and gives out a key of the role's user (rubygems.org
 * app/controllers/api/v1/oidc/api_key_roles_controller.rb).
 */
export async function assumeRole(
  request: SandboxRequest,
  roleToken: string,
  context: Context,
): Promise<SandboxResponse> {
  const role = context.store.state.roles.find(({ token }) => token === roleToken)
  if (!role) return notFound(request)
  try {
    return await assume(request, role, context)
  } catch (error) {
    return refusal(request, error)
  }
}

async function assume(request: SandboxRequest, role: RoleRow, context: Context): Promise<SandboxResponse> {
  const { store } = context
  const keys = await context.provider.keys()
  const token = decode(await jwtParameter(request))
  const { claims } = token
  await verifySignature(token, keys)
  checkFormat(claims)
  checkTime(claims, store.clock())
  if (claims['iss'] !== context.issuer) throw new Refused('Issuer mismatch')
  verifyAccess(role.statements, claims)
  const gem = role.gem === null ? undefined : store.gem(role.gem)
  if (role.gem !== null && !gem?.owners.includes(role.user)) throw new Refused('the gem is not owned by the user')

  const jti = String(claims['jti'])
  const name = `${role.name}-${jti}`
  if (name.length > MAX_FIELD_LENGTH)
    return json(422, { errors: { name: ['is too long (maximum is 255 characters)'] } })
  if (store.state.usedTokens.includes(jti)) return json(422, { errors: { 'jwt.claims.jti': ['must be unique'] } })
  store.state.usedTokens.push(jti)
  const key = newKey()
  const expiresAt = new Date(store.clock().getTime() + role.validForSeconds * 1000).toISOString()
  const owner = { type: 'user', handle: role.user } as const
  store.addKey({ hashedKey: hashKey(key), name, scopes: role.scopes, owner, gem: role.gem, expiresAt })
  store.save()
  return json(201, {
    rubygems_api_key: key,
    name,
    scopes: role.scopes,
    ...(gem && { gem: gemPayload(context, gem) }),
    expires_at: expiresAt,
  })
}
