import { mayBypass } from './access.ts'
import { type Answer, notFound, ok } from './answers.ts'
import { type Call, nodeId, type Route } from './routes.ts'

/** Each protected pattern of tags is a ruleset of its own, known by its place in their list. */
const FIRST_ID = 5_000_000

/** What everybody who can see the repository may know of a ruleset: its bypass list is for those who may edit it. */
function overview(call: Call, index: number) {
  const id = FIRST_ID + index
  const { name } = call.repository
  return {
    id,
    name: `Protect ${call.repository.protectedTags[index] ?? ''}`,
    target: 'tag',
    source_type: 'Repository',
    source: name,
    enforcement: 'active',
    node_id: nodeId('RRS', id),
    _links: {
      self: { href: `${call.api}/rulesets/${String(id)}` },
      html: { href: `${call.html}/rules/${String(id)}` },
    },
    created_at: call.repository.createdAt,
    updated_at: call.repository.createdAt,
  }
}

/** `targets` is a list with commas; the sandbox has rulesets for tags only. */
function listRulesets(call: Call): Answer {
  const targets = call.request.url.searchParams.get('targets')?.split(',') ?? ['tag']
  const { protectedTags } = call.repository
  return call.page(targets.includes('tag') ? protectedTags.map((_, index) => overview(call, index)) : [])
}

function getRuleset(call: Call): Answer {
  const index = Number(call.params['ruleset_id']) - FIRST_ID
  const pattern = call.repository.protectedTags[index]
  if (pattern === undefined) throw notFound()
  return ok({
    ...overview(call, index),
    current_user_can_bypass: mayBypass(call.caller) ? 'always' : 'never',
    conditions: { ref_name: { include: [`refs/tags/${pattern}`], exclude: [] } },
    rules: [{ type: 'creation' }, { type: 'update' }, { type: 'deletion' }],
  })
}

const RULESETS = '/repos/{owner}/{repo}/rulesets'

/** https://docs.github.com/rest/repos/rules */
export const RULESET_ROUTES: Record<string, Route> = {
  [`GET ${RULESETS}`]: { permission: 'metadata=read', handle: listRulesets },
  [`GET ${RULESETS}/{ruleset_id}`]: { permission: 'metadata=read', handle: getRuleset },
}
