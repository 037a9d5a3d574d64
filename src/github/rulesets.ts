import { isObject, objectAt, objectsAt, stringAt } from '../json.ts'
import type { githubClientOnce } from './api-client.ts'
import { isRefusal, orRefusal } from './api-client.ts'

/** A ruleset that is in force and restricts the creation of tags, as far as the token may read it. */
export interface TagRuleset {
  name: string
  /** `OWNER/REPO`, or the organisation that has it for all its repositories. */
  source: string
  /** Patterns of full refs, or `~ALL`. */
  include: readonly string[]
  exclude: readonly string[]
  /** What GitHub says of the token's owner: `always`, `never`, …; undefined where it does not. */
  bypass: string | undefined
}

/** More than any repository has; what is beyond them is found out when the tag is created. */
const MOST = 20

/**
 * The rulesets that may keep the token from creating a tag: GET /repos/OWNER/REPO/rulesets, then each one by itself, since
 * the list holds no rules. One attempt, and nothing where there is no usable answer: this only saves a release from
 * finding out later. Throws HttpFault.
 */
export async function readTagRulesets(
  here: { owner: string; repo: string },
  client: () => ReturnType<typeof githubClientOnce>,
): Promise<readonly TagRuleset[]> {
  const { rest } = await client()
  const scope = { ...here, includes_parents: true }
  const listed = await orRefusal(rest.repos.getRepoRulesets({ ...scope, targets: 'tag', per_page: 100 }))
  if (isRefusal(listed)) return []
  const active = objectsAt(listed, 'data').filter((one) => one['target'] === 'tag' && one['enforcement'] === 'active')
  const details = await Promise.all(
    active.slice(0, MOST).map(({ id }) => orRefusal(rest.repos.getRepoRuleset({ ...scope, ruleset_id: Number(id) }))),
  )
  return details.flatMap((detail) => (isRefusal(detail) ? [] : asTagRuleset(detail.data)))
}

function asTagRuleset(value: unknown): TagRuleset[] {
  if (!isObject(value) || !objectsAt(value, 'rules').some(({ type }) => type === 'creation')) return []
  const refs = objectAt(value, 'conditions', 'ref_name')
  return [
    {
      name: stringAt(value, 'name') ?? '',
      source: stringAt(value, 'source') ?? '',
      include: textsIn(refs['include']),
      exclude: textsIn(refs['exclude']),
      bypass: stringAt(value, 'current_user_can_bypass'),
    },
  ]
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
