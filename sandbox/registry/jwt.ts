import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import type { SandboxRequest } from '../messages.ts'

/** rubygems.org app/controllers/concerns/jwt_validation.rb and the json-jwt gem beneath it. */

export type Claims = Record<string, unknown>

export interface DecodedToken {
  compact: string
  header: Claims
  claims: Claims
}

/** Answered with 400 and its message. */
export class BadToken extends Error {
  override name = 'BadToken'
}

/** Answered with 404 and nothing else; the message is for whoever debugs the sandbox. */
export class Refused extends Error {
  override name = 'Refused'
}

/** A claim the server takes for granted is missing: Ruby's KeyError, which nothing rescues. */
export class ServerFault extends Error {
  override name = 'ServerFault'
}

/** A request body that Rails cannot parse. */
export class UnparsableBody extends Error {
  override name = 'UnparsableBody'
}

export function isRecord(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The parameter `jwt`, from the query, a form or a JSON body. */
export async function jwtParameter(request: SandboxRequest): Promise<string> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  const body = (await request.body()).toString('utf8')
  let value: unknown = request.url.searchParams.get('jwt') ?? undefined
  if (type === 'application/json') value = jsonParameter(body) ?? value
  if (type === 'application/x-www-form-urlencoded') value = new URLSearchParams(body).get('jwt') ?? value
  if (typeof value !== 'string' || value === '') throw new BadToken("Request is missing param 'jwt'")
  return value
}

function jsonParameter(body: string): unknown {
  try {
    const value: unknown = body === '' ? {} : JSON.parse(body)
    return isRecord(value) ? value['jwt'] : undefined
  } catch {
    throw new UnparsableBody('the body is not JSON')
  }
}

function decodeSegment(segment: string): Claims {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(segment)) throw new BadToken('invalid base64')
  const text = Buffer.from(segment, 'base64url').toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    throw new BadToken(`unexpected token at '${text}'`)
  }
  throw new BadToken('Invalid JSON Format')
}

export function decode(compact: string): DecodedToken {
  const segments = compact.split('.')
  const [header = '', payload = '', signature = ''] = segments
  if (segments.length !== 3 && segments.length !== 5) {
    throw new BadToken('Invalid JWT Format. JWT should include 3 or 5 segments.')
  }
  if (segments.length === 5) throw new BadToken('Unexpected Encryption Algorithm')
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(signature)) throw new BadToken('invalid base64')
  return { compact, header: decodeSegment(header), claims: decodeSegment(payload) }
}

export function checkFormat(claims: Claims): void {
  for (const name of ['nbf', 'iat', 'exp']) {
    if (!Number.isInteger(claims[name])) throw new BadToken(`Missing/invalid ${name}`)
  }
  for (const name of ['iss', 'jti']) {
    if (typeof claims[name] !== 'string') throw new BadToken(`Missing/invalid ${name}`)
  }
}

/** No leeway at all. */
export function checkTime(claims: Claims, now: Date): void {
  const seconds = Math.floor(now.getTime() / 1000)
  if (Number(claims['nbf']) <= seconds && seconds < Number(claims['exp'])) return
  throw new Refused('Invalid time')
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isRecord(value) && Array.isArray(value['keys']) && value['keys'].every(isRecord)
}

/** Any algorithm the key allows, but the header must name a key that is in the set. */
export async function verifySignature(token: DecodedToken, jwks: unknown): Promise<void> {
  if (!isKeySet(jwks)) throw new Refused('Provider is missing jwks')
  const key = jwks.keys.find(({ kid }) => kid !== undefined && kid === token.header['kid'])
  if (!key) throw new Refused('Unknown key id')
  try {
    await compactVerify(token.compact, createLocalJWKSet({ keys: [key] }))
  } catch (error) {
    throw new Refused('Verification failed', { cause: error })
  }
}
