import type { Problem } from '../errors.ts'
import type { TagRuleset } from '../github/rulesets.ts'

/** What rulesets mean for the tags to come: what is certain to be refused, and what may be. */
export interface RulesetVerdict {
  problems: readonly Problem[]
  doubts: readonly string[]
}

/** Whether the tags can be created, as far as the repository's rulesets tell. */
export function judgeRulesets(tags: readonly string[], rulesets: readonly TagRuleset[]): RulesetVerdict {
  const cases = tags.flatMap((tag) => rulesets.map((ruleset) => ({ tag, ruleset, applies: applies(ruleset, tag) })))
  const open = cases.filter(({ ruleset, applies: does }) => does !== 'no' && !MAY_BYPASS.has(ruleset.bypass ?? ''))
  const isCertain = ({ ruleset, applies: does }: (typeof open)[number]): boolean =>
    does === 'yes' && ruleset.bypass === 'never'
  return {
    problems: open.filter(isCertain).map(({ tag, ruleset }) => forbidden(tag, ruleset)),
    doubts: open.filter((one) => !isCertain(one)).map(({ tag, ruleset }) => doubtful(tag, ruleset)),
  }
}

const MAY_BYPASS = new Set(['always', 'exempt'])

function applies({ include, exclude }: TagRuleset, tag: string): 'yes' | 'no' | 'maybe' {
  const ref = `refs/tags/${tag}`
  const [isIn, isOut] = [include, exclude].map((patterns) => {
    const found = new Set(patterns.map((pattern) => matches(pattern, ref)))
    return found.has('yes') ? 'yes' : found.has('maybe') ? 'maybe' : 'no'
  })
  if (isIn === 'no' || isOut === 'yes') return 'no'
  return isIn === 'yes' && isOut === 'no' ? 'yes' : 'maybe'
}

/**
 * Rulesets match as Ruby's `File.fnmatch` with FNM_PATHNAME: `*` and `?` stop at a slash, `**` with a slash after it does not
 * (docs.github.com, "Creating rulesets for a repository"). Sets and escapes are left undecided.
 */
function matches(pattern: string, ref: string): 'yes' | 'no' | 'maybe' {
  if (pattern === '~ALL') return 'yes'
  if (/[[\]{}\\~]/.test(pattern)) return 'maybe'
  const source = pattern.replace(/\*\*\/|\*+|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:[^/]+/)*'
    if (part.startsWith('*')) return '[^/]*'
    return part === '?' ? '[^/]' : part.replace(/[.+^$()|]/g, String.raw`\$&`)
  })
  return new RegExp(`^${source}$`).test(ref) ? 'yes' : 'no'
}

function forbidden(tag: string, { name, source, include }: TagRuleset): Problem {
  return {
    code: 'tag-not-permitted',
    what: `The ruleset ${JSON.stringify(name)} of ${source} does not let this job's token create the tag ${tag}.`,
    why: `It restricts the creation of tags (${include.join(', ')}), and the token's owner is not on its bypass list. GitHub would refuse the tag when the gems are published already.`,
    fix: 'Set `token:` to a token of a GitHub App on the ruleset’s bypass list, or start the release by pushing the tag, or set `tag: false`.',
  }
}

function doubtful(tag: string, { name, source }: TagRuleset): string {
  return `The ruleset ${JSON.stringify(name)} of ${source} may not let this job's token create the tag ${tag}: GitHub does not tell beforehand. If it refuses, the gems are published by then, and a re-run with another \`token:\` makes the tag.`
}
