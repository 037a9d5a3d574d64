import { stringAt } from '../../src/json.ts'
import type { PublishedVersion } from '../../src/rubygems/registry.ts'

/** What the gem server of the real release has already, by gem name; or why that is not known. */
export type Published = { versions: ReadonlyMap<string, readonly PublishedVersion[]> } | { unknown: string }

/** A rehearsal waits no longer for a server it can do without. */
const PATIENCE = 5_000

/** Asks the real gem server, without credentials, which versions are there. */
export async function askPublished(names: readonly string[], server: string, signal: AbortSignal): Promise<Published> {
  try {
    const lists = await Promise.all(names.map(async (name) => [name, await versionsOf(name, server, signal)] as const))
    return { versions: new Map(lists) }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return {
      unknown: `${new URL(server).host} cannot be asked from here (${cause instanceof Error ? cause.message : 'no answer'})`,
    }
  }
}

async function versionsOf(name: string, server: string, signal: AbortSignal): Promise<PublishedVersion[]> {
  const answer = await fetch(new URL(`/api/v1/versions/${encodeURIComponent(name)}.json`, server), {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
  })
  if (answer.status === 404) return []
  if (!answer.ok) throw new Error(`it answers ${String(answer.status)}`)
  const list: unknown = await answer.json()
  if (!Array.isArray(list)) throw new Error('its answer is no list of versions')
  return list.map((entry) => ({
    version: stringAt(entry, 'number') ?? '',
    platform: stringAt(entry, 'platform') ?? 'ruby',
    sha256: stringAt(entry, 'sha') ?? '',
  }))
}
