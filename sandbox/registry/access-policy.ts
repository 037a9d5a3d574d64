import { type Claims, Refused, ServerFault } from './jwt.ts'
import type { PolicyCondition, PolicyStatement, PublisherRow } from './world.ts'

/** rubygems.org app/models/oidc/access_policy.rb and app/models/oidc/trusted_publisher/github_action.rb */

function holds(condition: PolicyCondition, claims: Claims): boolean {
  const value = claims[condition.claim]
  if (condition.operator === 'string_equals') return value === condition.value
  return typeof value === 'string' && new RegExp(condition.value).test(value)
}

/** The last statement whose conditions all hold decides. */
export function verifyAccess(statements: PolicyStatement[], claims: Claims): void {
  const matching = statements.filter(({ conditions }) => conditions.every((condition) => holds(condition, claims)))
  const last = matching.at(-1)
  if (!last) throw new Refused('denying due to no matching statements')
  if (last.effect === 'deny') throw new Refused('explicit denial')
}

/** Ruby's `claims.fetch`: nothing rescues a missing claim. */
function fetchClaim(claims: Claims, name: string): string {
  const value = claims[name]
  if (typeof value !== 'string') throw new ServerFault(`key not found: ${name}`)
  return value
}

interface Workflow {
  owner: string
  name: string
  file: string
}

function definedIn(claims: Claims): Workflow {
  const match = /^([^/]+)\/([^/]+)\/\.github\/workflows\/([^@]+)@/.exec(fetchClaim(claims, 'job_workflow_ref'))
  const [, owner = '', name = '', file = ''] = match ?? []
  if (!match) throw new Refused('Invalid job_workflow_ref format')
  return { owner, name, file }
}

/** The publisher row the token asks for; one with the token's environment wins over one without any. */
export function publisherFor(publishers: PublisherRow[], claims: Claims): PublisherRow {
  const [owner = '', ...rest] = fetchClaim(claims, 'repository').split('/')
  const workflow = definedIn(claims)
  const ownerId = fetchClaim(claims, 'repository_owner_id')
  const repository = rest.join('/')
  const same = workflow.owner === owner && workflow.name === repository
  const candidates = publishers.filter(
    (row) =>
      row.repositoryOwner === owner &&
      row.repositoryName === repository &&
      row.workflowFilename === workflow.file &&
      row.repositoryOwnerId === ownerId &&
      row.workflowRepositoryOwner === (same ? null : workflow.owner) &&
      row.workflowRepositoryName === (same ? null : workflow.name),
  )
  const { environment } = claims
  const found =
    (typeof environment === 'string' ? candidates.find((row) => row.environment === environment) : undefined) ??
    candidates.find((row) => row.environment === null)
  if (!found) throw new Refused('no such trusted publisher')
  return found
}

export function repositoryOf(row: PublisherRow): string {
  return `${row.repositoryOwner}/${row.repositoryName}`
}

/** The repository that holds the workflow file: another one for reusable workflows. */
export function workflowRepositoryOf(row: PublisherRow): string {
  if (row.workflowRepositoryOwner === null || row.workflowRepositoryName === null) return repositoryOf(row)
  return `${row.workflowRepositoryOwner}/${row.workflowRepositoryName}`
}

export function publisherName(row: PublisherRow): string {
  const name = `GitHub Actions ${repositoryOf(row)} @ .github/workflows/${row.workflowFilename}`
  return row.environment === null ? name : `${name} (${row.environment})`
}

/** The caller's ref and commit, or for a workflow of another repository the ref it was called at and its commit. */
function workflowRefs(row: PublisherRow, claims: Claims): string[] {
  const slug = `${workflowRepositoryOf(row)}/.github/workflows/${row.workflowFilename}@`
  const sources =
    row.workflowRepositoryOwner === null
      ? [claims['ref'], claims['sha']]
      : [fetchClaim(claims, 'job_workflow_ref').slice(slug.length), claims['job_workflow_sha']]
  return sources.filter((ref) => typeof ref === 'string').filter((ref) => ref.trim() !== '')
}

function equals(claim: string, value: string): PolicyCondition {
  return { operator: 'string_equals', claim, value }
}

/** One statement for each ref the workflow may have been at; `audience` is the registry's own host. */
export function policyOf(row: PublisherRow, claims: Claims, audience: string): PolicyStatement[] {
  const refs = workflowRefs(row, claims)
  if (refs.length === 0) throw new Refused('no workflow refs could be extracted from the JWT claims')
  const common = [
    equals('repository', repositoryOf(row)),
    ...(row.environment === null ? [] : [equals('environment', row.environment)]),
    equals('repository_owner_id', row.repositoryOwnerId),
    equals('aud', audience),
  ]
  const slug = `${workflowRepositoryOf(row)}/.github/workflows/${row.workflowFilename}`
  return refs.map((ref) => ({ effect: 'allow', conditions: [...common, equals('job_workflow_ref', `${slug}@${ref}`)] }))
}
