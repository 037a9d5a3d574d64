import { TEXTS } from './answers.ts'
import { ownsGem } from './keys.ts'
import type { Outcome } from './push-answers.ts'
import type { Store } from './store.ts'
import type { ApiKeyRow, GemRow, PendingPublisherRow } from './world.ts'

/** Who may push to a name (rubygems.org app/models/pusher.rb authorize, app/models/rubygem.rb pushable?). */

const DAY = 24 * 60 * 60 * 1000

function isReserved(store: Store, name: string): boolean {
  return store.state.reservedNames.includes(name.toLowerCase())
}

export function authorize(store: Store, key: ApiKeyRow, name: string): Outcome | undefined {
  const gem = store.gemNamed(name)
  if (isReserved(store, name)) {
    return { status: 403, message: 'This gem name is reserved. You are not allowed to push this gem.' }
  }
  if (isPushable(store, gem) && (key.owner.type === 'user' || pendingPublisher(store, key, name))) return undefined
  if (ownsGem(key, gem)) return undefined
  if (key.owner.type === 'publisher') {
    return { status: 403, message: 'You are not allowed to push this gem.' }
  }
  const email = `${key.owner.handle}@example.com`
  const ask = `Ask an owner to add you with: gem owner ${gem?.name ?? name} --add ${email}`
  return { status: 403, message: `You do not have permission to push to this gem. ${ask}` }
}

/** Without live versions a name is free, unless it was yanked lately (app/models/rubygem.rb not_protected?). */
function isPushable(store: Store, gem: GemRow | undefined): boolean {
  if (!gem) return true
  if (store.versionsOf(gem.name).some(({ indexed }) => indexed)) return false
  const now = store.clock().getTime()
  return Date.parse(gem.updatedAt) < now - 100 * DAY || Date.parse(gem.createdAt) > now - 30 * DAY
}

export function pendingPublisher(store: Store, key: ApiKeyRow, name: string): PendingPublisherRow | undefined {
  const { owner } = key
  if (owner.type !== 'publisher') return undefined
  const now = store.clock().getTime()
  return store.state.pending.find(
    (row) =>
      row.publisherId === owner.id && row.gem.toLowerCase() === name.toLowerCase() && Date.parse(row.expiresAt) > now,
  )
}

/** A key limited to one gem is for that gem only. */
export function checkGem(store: Store, key: ApiKeyRow, name: string): Outcome | undefined {
  if (key.gem === null || key.gem === store.gemNamed(name)?.name) return undefined
  return { status: 403, message: TEXTS.insufficientScope }
}
