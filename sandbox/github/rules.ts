import { posix } from 'node:path'

export type Change = 'create' | 'update' | 'delete'

/**
 * GitHub's words for a broken rule of a ruleset, the same after a push and from the API, as public logs of
 * refused releases show them (opensearch-project for pushes, release-please for the releases API).
 */
const VIOLATIONS: Record<Change, string> = {
  create: 'Cannot create ref due to creations being restricted.',
  update: 'Cannot update this protected ref.',
  delete: 'Cannot delete this protected ref.',
}

/**
 * The rule that a change of `ref` breaks where tags matching `patterns` restrict creations, updates and
 * deletions. Patterns are those of rulesets: shell globs in which `*` stops at a slash
 * (https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#using-fnmatch-syntax).
 */
export function violation(patterns: string[], ref: string, change: Change): string | undefined {
  if (!ref.startsWith('refs/tags/')) return undefined
  const name = ref.slice('refs/tags/'.length)
  return patterns.some((pattern) => posix.matchesGlob(name, pattern)) ? VIOLATIONS[change] : undefined
}
