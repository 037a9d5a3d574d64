import { randomBytes } from 'node:crypto'
import type { Level, StoredRepository, StoredToken, World } from './world.ts'

/** Who asks: nobody, the holder of a token we know, or somebody with credentials we do not. */
export type Caller = { kind: 'anonymous' } | { kind: 'unknown' } | ({ kind: 'token' } & StoredToken)

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A token as GitHub issues it to a workflow run: `ghs_` and 36 letters and digits. */
export function newToken(): string {
  return `ghs_${[...randomBytes(36)].map((byte) => ALPHABET[byte % ALPHABET.length] ?? 'A').join('')}`
}

function secretOf(header: string): string {
  const [scheme = '', value = ''] = header.trim().split(/\s+/)
  if (/^(bearer|token)$/i.test(scheme)) return value
  if (!/^basic$/i.test(scheme)) return ''
  // Any user name will do, as on GitHub; `x-access-token` is the usual one.
  return Buffer.from(value, 'base64')
    .toString()
    .replace(/^[^:]*:/, '')
}

/** Reads an `Authorization` header: `Bearer`, `token`, or `Basic` with the token as password. */
export function callerOf(world: World, header: string | undefined): Caller {
  if (header === undefined) return { kind: 'anonymous' }
  const token = world.token(secretOf(header))
  return token ? { kind: 'token', ...token } : { kind: 'unknown' }
}

function isFor(caller: Caller, repository: StoredRepository): caller is Caller & { kind: 'token' } {
  return caller.kind === 'token' && caller.repository.toLowerCase() === repository.name.toLowerCase()
}

/** Whether a caller may know that the repository exists. */
export function canSee(caller: Caller, repository: StoredRepository): boolean {
  return !repository.private || isFor(caller, repository)
}

/** What a caller may do with the repository's contents; `none` can still see it, if `canSee`. */
export function levelOf(caller: Caller, repository: StoredRepository, permission = 'contents'): Level {
  const granted = isFor(caller, repository) ? (caller.permissions[permission] ?? 'none') : 'none'
  // Public resources need no permission: "This endpoint can be used without authentication or the aforementioned permissions".
  return granted === 'none' && !repository.private ? 'read' : granted
}

export function mayBypass(caller: Caller): boolean {
  return caller.kind === 'token' && caller.bypassRules
}
