import { createHash, randomBytes } from 'node:crypto'
import type { Store } from './store.ts'
import type { ApiKeyRow, GemRow } from './world.ts'

export const MAX_FIELD_LENGTH = 255

/** `rubygems_` and 24 random bytes (rubygems.org app/controllers/concerns/api_keyable.rb). */
export function newKey(): string {
  return `rubygems_${randomBytes(24).toString('hex')}`
}

export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/**
 * The key a header value names. The whole value is hashed, so a scheme such as `Bearer` in front of the key makes
 * another, unknown one (app/controllers/api/base_controller.rb authenticate_with_api_key).
 */
export function findKey(store: Store, authorization: string | undefined): ApiKeyRow | undefined {
  const hashed = hashKey(authorization ?? '')
  return store.state.keys.find((key) => key.hashedKey === hashed)
}

/** app/models/api_key.rb, scope unexpired. */
export function isLive(key: ApiKeyRow, now: Date): boolean {
  return key.expiresAt === null || Date.parse(key.expiresAt) > now.getTime()
}

/** `user#owns_gem?` and `trusted_publisher#owns_gem?`. */
export function ownsGem(key: ApiKeyRow, gem: GemRow | undefined): boolean {
  if (!gem) return false
  return key.owner.type === 'user' ? gem.owners.includes(key.owner.handle) : gem.publishers.includes(key.owner.id)
}

/** Whom the throttles count a key for: all keys of one publisher or user together. */
export function ownerOf(key: ApiKeyRow): string {
  return key.owner.type === 'user' ? `user/${key.owner.handle}` : `publisher/${String(key.owner.id)}`
}
