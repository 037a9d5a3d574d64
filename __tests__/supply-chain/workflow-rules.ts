import { isObject, objectAt, stringAt } from '../../src/json.ts'
import { Workflow } from './workflow.ts'
import type { WorkflowText } from './workflow-texts.ts'

/** Something a workflow does that ours must not. */
export interface Problem {
  rule: Rule
  where: string
  says: string
}

const NAMES = [
  'pinned',
  'permissions',
  'reasons',
  'persist-credentials',
  'no-templates-in-scripts',
  'no-pull-request-target',
  'release-concurrency',
  'timeout',
  'no-cache-near-secrets',
  'no-inherited-secrets',
] as const

/** What is asked of every workflow; the test has a workflow that breaks each. */
export type Rule = (typeof NAMES)[number] | 'one-version'

/** Whether a workflow publishes something: then it may write contents, which is what tags and releases are. */
function releases(workflow: Workflow): boolean {
  return workflow.jobs.some(([, job]) => stringAt(job, 'permissions', 'contents') === 'write')
}

function stepsOf(workflow: Workflow): unknown[] {
  return workflow.jobs.flatMap(([, job]) => (isObject(job) && Array.isArray(job['steps']) ? job['steps'] : []))
}

const RULES: Record<(typeof NAMES)[number], (workflow: Workflow) => string[]> = {
  pinned: (workflow) =>
    workflow.foreignUses
      .filter(
        ({ value = '', comment }) =>
          !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(value) || !/^v\d+\.\d+\.\d+$/.test(comment),
      )
      .map(({ value = '', line }) => `${String(line)}: ${value} is no commit with its version behind it`),

  permissions: (workflow) => [
    ...(workflow.kind === 'fragment' || JSON.stringify(objectOrText(workflow.value, 'permissions')) === '{}'
      ? []
      : ['top-level `permissions:` is not `{}`']),
    ...workflow.jobs
      .filter(([, job]) => isObject(job) && 'permissions' in job && !isObject(job['permissions']))
      .map(([name]) => `job ${name} names no single permissions`),
  ],

  reasons: (workflow) =>
    workflow.entries
      .filter(({ parent, value, comment }) => parent === 'permissions' && value === 'write' && comment === '')
      .map(({ key, line }) => `${String(line)}: nothing says why ${key} may be written`),

  'persist-credentials': (workflow) =>
    stepsOf(workflow)
      .filter((step) => stringAt(step, 'uses')?.startsWith('actions/checkout@'))
      .filter((step) => objectAt(step, 'with')['persist-credentials'] !== false)
      .map(() => 'a checkout leaves its token behind'),

  'no-templates-in-scripts': (workflow) =>
    workflow.entries
      .filter(({ key, value }) => ['run', 'script'].includes(key) && value?.includes('${{'))
      .map(({ line }) => `${String(line)}: a value is pasted into a script`),

  'no-pull-request-target': (workflow) =>
    workflow.entries
      .filter(({ key, value }) => key === 'pull_request_target' || value === 'pull_request_target')
      .map(({ line }) => `${String(line)}: pull_request_target`),

  'release-concurrency': (workflow) =>
    workflow.kind !== 'fragment' &&
    releases(workflow) &&
    objectAt(workflow.value, 'concurrency')['cancel-in-progress'] !== false
      ? ['a release may be overtaken or cancelled half-way']
      : [],

  timeout: (workflow) =>
    workflow.kind !== 'own'
      ? []
      : workflow.jobs
          .filter(([, job]) => isObject(job) && !('uses' in job) && typeof job['timeout-minutes'] !== 'number')
          .map(([name]) => `job ${name} has no timeout-minutes`),

  'no-cache-near-secrets': (workflow) =>
    workflow.entries.some(({ value }) => value === 'write')
      ? workflow.entries
          .filter(
            ({ key, value }) =>
              (/^(bundler-)?cache$/.test(key) && value !== 'false') || value?.startsWith('actions/cache') === true,
          )
          .map(({ line }) => `${String(line)}: what another run left in a cache`)
      : [],

  'no-inherited-secrets': (workflow) =>
    workflow.entries
      .filter(({ key, value }) => key === 'secrets' && value === 'inherit')
      .map(({ line }) => `${String(line)}: all secrets are handed over`),
}

function objectOrText(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined
}

/** All that is wrong with a set of workflows. */
export function problemsIn(texts: readonly WorkflowText[]): Problem[] {
  const workflows = texts.map((text) => new Workflow(text))
  const single = workflows.flatMap((workflow) =>
    NAMES.flatMap((rule) => RULES[rule](workflow).map((says): Problem => ({ rule, where: workflow.name, says }))),
  )
  return [...single, ...severalVersions(workflows)]
}

/** An action that is used in two versions is one whose update was forgotten somewhere. */
function severalVersions(workflows: readonly Workflow[]): Problem[] {
  const seen = new Map<string, Map<string, string>>()
  for (const workflow of workflows) {
    for (const { value = '', comment, line } of workflow.foreignUses) {
      const [action = '', commit = ''] = value.split('@')
      const repository = action.split('/').slice(0, 2).join('/')
      const versions = seen.get(repository) ?? new Map<string, string>()
      seen.set(repository, versions.set(`${commit} ${comment}`, `${workflow.name}, line ${String(line)}`))
    }
  }
  return [...seen]
    .filter(([, versions]) => versions.size > 1)
    .map(([repository, versions]) => ({ rule: 'one-version', where: repository, says: [...versions].join('; ') }))
}
