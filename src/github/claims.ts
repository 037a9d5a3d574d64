import { isObject, type JsonObject, parseJson, stringAt } from '../json.ts'
import type { Secret } from '../world/secret.ts'

/** What our own ID token says about this job: public facts, taken from the payload, never the token itself. */
export interface Claims {
  issuer: string
  audience: string
  repository: string
  repositoryOwnerId: string
  ref: string
  sha: string
  environment: string | undefined
  eventName: string
  /** `OWNER/REPO/.github/workflows/FILE@REF` of the file the job is defined in: the callee of a reusable workflow. */
  jobWorkflowRef: string
  /** The same for the workflow that was started. */
  workflowRef: string
  /** Seconds since 1970; absent where they are no numbers. */
  notBefore: number | undefined
  expires: number | undefined
  /** Names the key it is signed with. */
  keyId: string
}

/** What the form "New trusted publisher" on the gem's page must hold for this job to be accepted. */
export interface TrustedPublisherForm {
  'Repository owner': string
  'Repository name': string
  'Workflow filename': string
  Environment: string
  /** Filled in only where the job lives in a reusable workflow of another repository. */
  'Workflow repository': string
}

/**
 * Decodes the payload without verifying the signature, for explanation only. Undefined for what is no JWT.
 * Claims: docs.github.com, "OpenID Connect reference".
 */
export function readClaims(token: Secret): Claims | undefined {
  const [header = '', payload = ''] = token.reveal().split('.')
  const value = decoded(payload)
  if (!isObject(value)) return undefined
  return {
    issuer: stringAt(value, 'iss') ?? '',
    audience: stringAt(value, 'aud') ?? '',
    repository: stringAt(value, 'repository') ?? '',
    repositoryOwnerId: stringAt(value, 'repository_owner_id') ?? '',
    ref: stringAt(value, 'ref') ?? '',
    sha: stringAt(value, 'sha') ?? '',
    environment: stringAt(value, 'environment'),
    eventName: stringAt(value, 'event_name') ?? '',
    jobWorkflowRef: stringAt(value, 'job_workflow_ref') ?? '',
    workflowRef: stringAt(value, 'workflow_ref') ?? '',
    notBefore: numberAt(value, 'nbf'),
    expires: numberAt(value, 'exp'),
    keyId: stringAt(decoded(header), 'kid') ?? '(none)',
  }
}

function decoded(segment: string): unknown {
  return parseJson(Buffer.from(segment, 'base64url').toString('utf8'))
}

function numberAt(value: JsonObject, name: string): number | undefined {
  const found = value[name]
  return typeof found === 'number' ? found : undefined
}

/** Splits `OWNER/REPO/.github/workflows/FILE@REF`. */
export function workflowOf(reference: string): { repository: string; file: string; ref: string } | undefined {
  const match = /^([^/@]+\/[^/@]+)\/\.github\/workflows\/([^/@]+)@(.+)$/.exec(reference)
  return match?.[1] && match[2] && match[3] ? { repository: match[1], file: match[2], ref: match[3] } : undefined
}

const LEAVE_EMPTY = '(leave empty)'

/** The values the registry compares with (rubygems.org app/models/oidc/trusted_publisher/github_action.rb). */
export function publisherForm(claims: Claims): TrustedPublisherForm {
  const [owner = '', name = ''] = claims.repository.split('/')
  const workflow = workflowOf(claims.jobWorkflowRef)
  const elsewhere = workflow !== undefined && workflow.repository !== claims.repository
  return {
    'Repository owner': owner,
    'Repository name': name,
    'Workflow filename': workflow?.file ?? '',
    Environment: claims.environment ?? LEAVE_EMPTY,
    'Workflow repository': elsewhere ? workflow.repository : LEAVE_EMPTY,
  }
}
