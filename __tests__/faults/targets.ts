import type { Edge } from '../../src/world/retry.ts'

/** What a release asks of other machines; one HTTP edge may serve several of them. */
export type Target =
  | 'id-token'
  | 'exchange'
  | 'preflight'
  | 'push'
  | 'verify'
  | 'index'
  | 'file'
  | 'commit'
  | 'rulesets'
  | 'tag-read'
  | 'tag-object'
  | 'tag-ref'

interface Rule {
  target: Target
  edge: Edge
  method: 'GET' | 'POST'
  path: RegExp
}

const RULES: readonly Rule[] = [
  { target: 'id-token', edge: 'id-token', method: 'GET', path: /^\/token\?/ },
  { target: 'exchange', edge: 'exchange', method: 'POST', path: /^\/api\/v1\/oidc\// },
  { target: 'preflight', edge: 'preflight', method: 'GET', path: /^\/api\/v1\/versions\// },
  { target: 'push', edge: 'push', method: 'POST', path: /^\/api\/v1\/gems$/ },
  { target: 'verify', edge: 'verify', method: 'GET', path: /^\/api\/v2\/rubygems\// },
  { target: 'index', edge: 'index', method: 'GET', path: /^\/info\// },
  { target: 'file', edge: 'download', method: 'GET', path: /^\/gems\// },
  { target: 'commit', edge: 'github', method: 'GET', path: /^\/repos\/.+\/git\/commits\// },
  { target: 'rulesets', edge: 'github', method: 'GET', path: /^\/repos\/.+\/rulesets/ },
  { target: 'tag-read', edge: 'github', method: 'GET', path: /^\/repos\/.+\/git\/(ref|tags)\// },
  { target: 'tag-object', edge: 'github', method: 'POST', path: /^\/repos\/.+\/git\/tags$/ },
  { target: 'tag-ref', edge: 'github', method: 'POST', path: /^\/repos\/.+\/git\/refs$/ },
]

/** Which of them a request is; the tests know every request a release makes. */
export function targetOf(method: string, path: string): Target | undefined {
  return RULES.find((rule) => rule.method === method && rule.path.test(path))?.target
}

/** The edge whose policy holds for a target. */
export function edgeOf(target: Target): Edge {
  const rule = RULES.find((candidate) => candidate.target === target)
  if (!rule) throw new Error(`${target} has no edge`)
  return rule.edge
}
