import type { InvalidGem } from './gem-reader.ts'
import type { VersionRow } from './world.ts'

/** The texts of rubygems.org app/models/pusher.rb, word for word. */

export interface Outcome {
  status: number
  message: string
}

export function saving(problems: string[]): Outcome {
  return { status: 403, message: `There was a problem saving your gem: ${problems.join(', ')}` }
}

export function title(version: Pick<VersionRow, 'gem' | 'number' | 'platform'>): string {
  return `${version.gem} (${version.number}${version.platform === 'ruby' ? '' : `-${version.platform}`})`
}

export function unreadable(error: InvalidGem): Outcome {
  const head = 'RubyGems.org cannot process this gem.\n'
  if (error.alias) {
    const text =
      'Pushing gems where there are aliases in the YAML gemspec is no longer supported.\n' +
      'Ensure you are using a recent version of RubyGems to build the gem by running\n' +
      '`gem update --system` and then try pushing again.\n'
    return { status: 422, message: head + text }
  }
  const { detail } = error
  const cut = detail !== undefined && detail.length > 500 ? `${detail.slice(0, 497)}...` : detail
  const error_ = cut === undefined ? '' : `\nError:\n${cut}`
  return {
    status: 422,
    message: `${head}Please try rebuilding it and installing it locally to make sure it's valid.${error_}\n`,
  }
}

/** Why a version that is there already cannot be pushed. */
export function conflict(existing: VersionRow, isOwner: boolean): Outcome {
  if (existing.indexed) {
    const message =
      'Repushing of gem versions is not allowed.\n' +
      'Please bump the version number and push a new different release.\n' +
      'See also `gem yank` if you want to unpublish the bad release.'
    return { status: 409, message }
  }
  if (existing.yankedAt === null) {
    const message =
      `It appears that ${existing.fullName} did not finish pushing.\n` +
      'Please contact support@rubygems.org for assistance if you pushed this gem more than a minute ago.'
    return { status: 409, message }
  }
  const by = isOwner ? '' : 'pushed by a previous owner of this gem '
  const message =
    `A yanked version ${by}already exists (${existing.fullName}).\n` +
    'Repushing of gem versions is not allowed. Please use a new version and retry'
  return { status: 409, message }
}
