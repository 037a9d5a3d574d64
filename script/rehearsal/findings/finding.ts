/**
 * `stops`: the real release would end with an error, or publish something broken. `surprise`: it would go on, but not as
 * most people expect. `todo`: has to be done before it. `unchecked`: could not be found out on this machine.
 */
export type Weight = 'stops' | 'surprise' | 'todo' | 'unchecked'

/** One thing the owner of a project should know before its real release. */
export interface Finding {
  /** Stable name; listed in `docs/rehearsal.md`. */
  code: FindingCode
  weight: Weight
  /** What is the matter, in one sentence. */
  what: string
  /** What to do about it. */
  fix: string
}

export const FINDING_CODES = [
  'gemspec-fails',
  'gemspec-unfinished',
  'gemspec-invalid',
  'gem-empty',
  'file-missing',
  'file-left-out',
  'file-only-here',
  'registry-rule',
  'push-host-elsewhere',
  'version-published',
  'published-unknown',
  'uncommitted-changes',
  'commit-not-pushed',
  'tag-elsewhere',
  'tag-form',
  'custom-release',
  'bundle-not-installed',
  'lockfile-outdated',
  'lockfile-platform',
  'workflow-missing',
  'workflow-event',
  'workflow-tag-filter',
  'workflow-id-token',
  'workflow-contents',
  'workflow-checkout',
  'workflow-bundle',
] as const

export type FindingCode = (typeof FINDING_CODES)[number]

/** The first few of a list, and how many more there are. */
export function some(values: readonly string[], limit = 5): string {
  const rest = values.length - limit
  return values.slice(0, limit).join(', ') + (rest > 0 ? `, and ${String(rest)} more` : '')
}
