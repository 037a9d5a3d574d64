import { eventProblem } from '../../../src/github/who-may-release.ts'
import type { JsonObject } from '../../../src/json.ts'
import type { Permissions, ReleaseJob, Workflow } from '../workflow.ts'
import { type Finding, some } from './finding.ts'

export interface WorkflowFacts {
  workflow: Workflow
  /** The tag the release has or makes; absent where that is not known. */
  tag: string | undefined
  /** Whether the project has a Gemfile. */
  gemfile: boolean
}

/** What would keep the project's workflow from releasing. */
export function workflowFindings(facts: WorkflowFacts): Finding[] {
  const { job } = facts.workflow
  if (!job) return [missing()]
  return [
    ...eventFindings(job),
    ...tagFilterFindings(job, facts.tag),
    ...idTokenFindings(job),
    ...contentsFindings(job),
    ...stepFindings(job, facts.gemfile),
  ]
}

function missing(): Finding {
  return {
    code: 'workflow-missing',
    weight: 'todo',
    what: 'No workflow of the project releases it yet.',
    fix: 'Add the file shown below as .github/workflows/release.yml.',
  }
}

function eventFindings(job: ReleaseJob): Finding[] {
  const events = [...job.events.keys()].filter((event) => event !== 'workflow_call')
  if (events.length === 0) return []
  // What a `workflow_run` follows is known only when it happens.
  const refused = events.filter(
    (event) => event !== 'workflow_run' && eventProblem({ eventName: event, event: {}, repository: '' }) !== undefined,
  )
  if (refused.length === 0 || job.with['dry-run'] === 'true') return []
  const all = refused.length === events.length
  return [
    {
      code: 'workflow-event',
      weight: all ? 'stops' : 'surprise',
      what: `${job.file} is started by ${some(refused)}, which must not release: ${all ? 'every run' : 'such a run'} would be refused.`,
      fix: 'Start it with `push: { tags: [v*] }`, `release`, `workflow_dispatch` or `workflow_run`, or set `dry-run: true` for pull requests.',
    },
  ]
}

function tagFilterFindings(job: ReleaseJob, tag: string | undefined): Finding[] {
  const push = job.events.get('push')
  if (!push || tag === undefined || startedByTag(push, tag)) return []
  if (!('tags' in push) && job.events.size > 1) return []
  const patterns = listed(push['tags'])
  return [
    {
      code: 'workflow-tag-filter',
      weight: 'surprise',
      what: `Pushing the tag ${tag} does not start ${job.file}: its \`push\` has ${patterns.length === 0 ? 'no `tags:`' : `\`tags: [${patterns.join(', ')}]\``}.`,
      fix: `Let the filter fit the tag, such as \`tags: ['${tag.replace(/\d[\w.]*$/, '*')}']\`, or start the release by hand.`,
    },
  ]
}

/** Whether a `push` with these filters hears of a tag (docs.github.com, "Workflow syntax", on.push). */
export function startedByTag(push: JsonObject, tag: string): boolean {
  if ('tags-ignore' in push) return !listed(push['tags-ignore']).some((pattern) => fits(pattern, tag))
  if (!('tags' in push)) return !('branches' in push) && !('branches-ignore' in push)
  let started = false
  for (const pattern of listed(push['tags'])) {
    if (pattern.startsWith('!')) started = started && !fits(pattern.slice(1), tag)
    else started = started || fits(pattern, tag)
  }
  return started
}

/** GitHub's filter patterns are globs whose `?`, `+` and `[…]` mean what they do in a regular expression. */
function fits(pattern: string, tag: string): boolean {
  const source = pattern
    .replaceAll(/[.^$|(){}\\]/g, String.raw`\$&`)
    .replaceAll('**', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '.*')
  return new RegExp(`^${source}$`).test(tag)
}

function listed(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map(String) : []
}

/** The weakest of what the job and its callers grant. */
function granted(job: ReleaseJob, scope: string, byDefault: 'none' | 'unknown'): 'write' | 'none' | 'unknown' {
  const each = new Set(job.permissions.map((permissions) => grantOf(permissions, scope, byDefault)))
  return each.has('none') ? 'none' : each.has('unknown') ? 'unknown' : 'write'
}

function grantOf(permissions: Permissions | undefined, scope: string, byDefault: 'none' | 'unknown') {
  if (permissions === undefined) return byDefault
  if (typeof permissions === 'string') return permissions === 'write-all' ? 'write' : 'none'
  return permissions[scope] === 'write' ? 'write' : 'none'
}

function idTokenFindings(job: ReleaseJob): Finding[] {
  const other = job.with['api-token'] || job.with['setup-trusted-publisher'] === 'false'
  if (other || granted(job, 'id-token', 'none') === 'write') return []
  return [
    {
      code: 'workflow-id-token',
      weight: 'stops',
      what: `The job in ${job.file} has no \`id-token: write\`, so that it gets no ID token to show to the gem server.`,
      fix: 'Give the job (and the job that calls it, if one does) `permissions: id-token: write`.',
    },
  ]
}

function contentsFindings(job: ReleaseJob): Finding[] {
  const events = [...job.events.keys()].filter((event) => event !== 'workflow_call')
  const onlyTags = events.every((event) => event === 'release' || (event === 'push' && tagsOnly(job.events.get(event))))
  const noTag = (events.length > 0 && onlyTags) || job.with['tag'] === 'false' || Boolean(job.with['token'])
  const grant = granted(job, 'contents', 'unknown')
  if (grant === 'write' || (noTag && (job.with['github-release'] ?? 'false') === 'false')) return []
  return [
    {
      code: 'workflow-contents',
      weight: grant === 'none' ? 'stops' : 'surprise',
      what:
        grant === 'none'
          ? `The job in ${job.file} has no \`contents: write\`, so that it cannot make the tag.`
          : `Nothing in ${job.file} says whether the job may write \`contents\`: in most repositories it may not, and cannot make the tag.`,
      fix: 'Give the job `permissions: contents: write`, or start the release by pushing the tag only.',
    },
  ]
}

function tagsOnly(push: JsonObject | undefined): boolean {
  return push !== undefined && 'tags' in push && !('branches' in push)
}

function stepFindings(job: ReleaseJob, gemfile: boolean): Finding[] {
  if (job.kind !== 'step' || job.with['gems']) return []
  if (!job.checksOut) {
    return [
      {
        code: 'workflow-checkout',
        weight: 'stops',
        what: `No step in ${job.file} checks the repository out before the release.`,
        fix: 'Add an `actions/checkout` step before it.',
      },
    ]
  }
  if (!gemfile || job.installsBundle || job.with['strategy'] === 'direct') return []
  return [
    {
      code: 'workflow-bundle',
      weight: 'surprise',
      what: `The project has a Gemfile, but no step in ${job.file} seems to install the bundle before the release.`,
      fix: 'Add a step `run: bundle install`, or set `strategy: direct` to build without Bundler.',
    },
  ]
}
