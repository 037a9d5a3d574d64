import type { GemServer } from '../server.ts'
import type { HttpAnswer } from '../world/http-answer.ts'

/**
 * What the registry's answer to a push means. Texts and statuses: rubygems.org app/models/pusher.rb,
 * app/controllers/api/v1/rubygems_controller.rb. The same bytes under another key are a `live` conflict, never a
 * success, so that only the digest decides.
 */
export type PushMeaning =
  | 'registered'
  /** The same bytes under the same key: our own earlier attempt arrived. */
  | 'already-pushed'
  /** The version is there, with whatever content. */
  | 'live'
  /** Another push of it is under way, or one broke half-way. */
  | 'unfinished'
  | 'yanked'
  /** The key is unknown or has expired. */
  | 'key-refused'
  | 'not-attached'
  | 'all-yanked'
  | 'refused'
  /** A success nobody can tell from a proxy's: the registry has to be asked. */
  | 'unclear'

export function meaningOf({ status, text }: HttpAnswer, server: GemServer): PushMeaning {
  const page = /^\s*</.test(text)
  if (status === 200 && text.startsWith('Successfully registered gem: ')) return 'registered'
  if (status === 200 && text.startsWith('Gem was already pushed: ')) return 'already-pushed'
  // Other servers have words of their own for success.
  if (status < 300 && server.kind === 'other' && !page) return 'registered'
  if (status < 400) return 'unclear'
  if (page) return 'refused'
  if (status === 409 && text.includes('did not finish pushing')) return 'unfinished'
  if (status === 409 && text.startsWith('A yanked version')) return 'yanked'
  if (status === 409 && text.startsWith('Repushing of gem versions is not allowed')) return 'live'
  // A race between two pushes reads like a lack of permission.
  if (status === 403 && RACE.test(text)) return 'live'
  if (status === 401) return 'key-refused'
  if (status === 403 && text.startsWith('You are not allowed to push this gem')) return 'not-attached'
  if (status === 404 && text.includes('No pending publisher found')) return 'all-yanked'
  return 'refused'
}

/** But not "Canonical number has already been taken": that is the same version in another spelling, and other bytes. */
const RACE = /already exists with this number|(?<!Canonical number )has already been taken/

/** Advice for refusals whose text the registry gives but does not explain. */
export function adviceFor({ status, text }: HttpAnswer): string | undefined {
  const rule = ADVICE.find((entry) => entry.status === status && entry.text.test(text))
  return rule?.fix
}

const ADVICE: readonly { status: number; text: RegExp; fix: string }[] = [
  {
    status: 403,
    text: /cannot perform the specified action/,
    fix: 'Give the key the scope “Push rubygem”, and no limit to another gem.',
  },
  { status: 403, text: /name is reserved/, fix: 'Choose another name for the gem.' },
  {
    status: 403,
    text: /enable MFA/,
    fix: 'The owner of this key has to enable multi-factor authentication; a trusted publisher needs none.',
  },
  {
    status: 403,
    text: /too similar to an existing gem/,
    fix: 'Choose a name that differs by more than dashes and underscores.',
  },
  {
    status: 403,
    text: /Canonical number/,
    fix: 'That version exists with another spelling (1.0 and 1.0.0 are the same): bump it.',
  },
  { status: 409, text: /Unable to change case/, fix: 'Use the spelling under which the gem was first published.' },
  { status: 413, text: /./, fix: 'A gem may have 500 MB: leave test data and binaries out of `files` in the gemspec.' },
  {
    status: 422,
    text: /aliases in the YAML/,
    fix: 'Build the gem with another version of RubyGems or Psych: its metadata holds YAML aliases.',
  },
  {
    status: 422,
    text: /attestation/i,
    fix: 'The registry did not accept the attestation, and none is ever left out after the fact. Re-run the job, which signs anew; if it is refused again, `attestations: false` publishes without one.',
  },
  {
    status: 422,
    text: /cannot process this gem/,
    fix: 'Correct what the registry names in the gemspec and release a new build.',
  },
]
