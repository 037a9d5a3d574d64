import type { Problem } from '../errors.ts'
import { type Claims, publisherForm, workflowOf } from '../github/claims.ts'
import type { GemServer } from '../server.ts'

/** The one issuer with trusted publishers on RubyGems.org (rubygems.org app/models/oidc/provider.rb). */
const ISSUER = 'https://token.actions.githubusercontent.com'
/** The only audience its trusted publishers accept (app/models/oidc/trusted_publisher/github_action.rb). */
const AUDIENCE = 'rubygems.org'

export interface RefusedExchange {
  server: GemServer
  source: 'trusted publisher' | 'API key role'
  audience: string
  claims: Claims | undefined
  /** The `Date` of the refusal: the registry's own clock, by which it judges a token. */
  at: string | undefined
}

/**
 * What to say of a refused token. Every refusal of the registry is the same 404, so that the cause has to be found in
 * our own claims: first what is certain to be refused, then what differs most often.
 */
export function refusedExchange(refused: RefusedExchange): Problem {
  return refused.source === 'API key role' ? roleRefused(refused) : publisherRefused(refused)
}

function roleRefused({ server, audience, claims }: RefusedExchange): Problem {
  return {
    code: 'exchange-refused',
    what: `${server.host} refused to hand out a key for this API key role (404, it gives no reason).`,
    why: `The role does not exist, or its conditions do not accept this job: audience ${JSON.stringify(audience)}, ${claimList(claims)}.`,
    fix: 'Compare the role’s conditions on the gem server with these values; `sub` has a new form in repositories created since July 2026.',
  }
}

function publisherRefused(refused: RefusedExchange): Problem {
  const { server, claims } = refused
  const certain = claims && certainCause(claims, refused)
  const form = claims ? Object.entries(publisherForm(claims)).map(([field, value]) => `  ${field}: ${value}`) : []
  return {
    code: 'exchange-refused',
    what: `${server.host} knows no trusted publisher for this job (404, it gives no reason).`,
    why: certain?.why ?? likelyCause(claims),
    fix: [
      ...(certain ? [certain.fix] : []),
      `${certain ? 'The trusted publisher has to be there too: on' : 'On'} ${server.origin}, open the gem’s page, “Trusted publishers”, “Create”, and enter exactly:`,
      ...form,
      'For a gem that was never published, create a pending trusted publisher in your profile instead; it is good for 12 hours.',
      ...(certain || !claims ? [] : [whereTheFormIsRight(claims)]),
    ].join('\n'),
  }
}

interface Cause {
  why: string
  fix: string
}

/** What would be refused whatever the form holds; undefined where nothing is certain, as with servers of other rules. */
function certainCause(claims: Claims, { server, at }: RefusedExchange): Cause | undefined {
  if (server.kind === 'other') return undefined
  return foreignIssuer(claims) ?? foreignAudience(claims) ?? wrongTime(claims, at) ?? otherRef(claims)
}

function foreignIssuer({ issuer }: Claims): Cause | undefined {
  if (issuer === ISSUER) return undefined
  return {
    why: `The ID token was issued by ${issuer}; trusted publishers are for ${ISSUER} alone, not for GitHub Enterprise or an issuer with an enterprise’s name in it.`,
    fix: 'Turn off the enterprise’s own issuer URL (`include_enterprise_slug`), or authenticate with `api-token`.',
  }
}

function foreignAudience({ audience }: Claims): Cause | undefined {
  if (audience === AUDIENCE) return undefined
  return {
    why: `The ID token is for the audience ${JSON.stringify(audience)}, but the registry accepts only ${JSON.stringify(AUDIENCE)}.`,
    fix: 'Remove the input `audience`.',
  }
}

/** The registry allows no difference of clocks at all. */
function wrongTime({ notBefore, expires }: Claims, at: string | undefined): Cause | undefined {
  const now = Date.parse(at ?? '') / 1000
  if (Number.isNaN(now) || notBefore === undefined || expires === undefined) return undefined
  if (notBefore <= now && now < expires) return undefined
  return {
    why: `The ID token is good from ${moment(notBefore)} to ${moment(expires)}, but the registry’s clock shows ${moment(now)}.`,
    fix: 'Re-run the job: each run gets a new token. If it is refused again, one of the two clocks is wrong: see www.githubstatus.com and status.rubygems.org.',
  }
}

function moment(seconds: number): string {
  return new Date(seconds * 1000)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z/, ' UTC')
}

/** Within one repository the called workflow has to be at the run's own ref or commit. */
function otherRef({ jobWorkflowRef, repository, ref, sha }: Claims): Cause | undefined {
  const callee = workflowOf(jobWorkflowRef)
  if (!callee || callee.repository !== repository || callee.ref === ref || callee.ref === sha) return undefined
  return {
    why: `The job lives in the reusable workflow ${callee.file} at ${callee.ref}, while the run is at ${ref}: within one repository the registry wants both to be the same.`,
    fix: `Call it as \`uses: ./.github/workflows/${callee.file}\`.`,
  }
}

function likelyCause(claims: Claims | undefined): string {
  if (!claims) return 'The ID token could not be read.'
  const callee = workflowOf(claims.jobWorkflowRef)
  const caller = workflowOf(claims.workflowRef)
  const elsewhere = callee && callee.repository !== claims.repository ? ` of ${callee.repository}` : ''
  if (callee && caller && (callee.file !== caller.file || elsewhere !== '')) {
    return `The job lives in the reusable workflow ${callee.file}${elsewhere}: that file counts, not ${caller.file}, which was started.`
  }
  if (claims.environment === undefined)
    return 'Most often a field differs, or the publisher has an environment and this job has none (`environment:`).'
  return `Most often a field differs; this job runs in the environment ${JSON.stringify(claims.environment)}.`
}

/** What no form shows: the id of the owner's account, and how fresh the registry's copy of GitHub's keys is. */
function whereTheFormIsRight({ repositoryOwnerId, keyId }: Claims): string {
  return [
    'If it has these values already, upper and lower case included:',
    `  the account that owns the repository may be another one by now (its id is ${repositoryOwnerId}): delete the publisher and create it again;`,
    `  or the registry does not know GitHub’s signing key ${keyId} yet: it fetches the keys every half hour, so re-run the job then.`,
  ].join('\n')
}

function claimList(claims: Claims | undefined): string {
  if (!claims) return 'claims unreadable'
  const { repository, ref, environment, jobWorkflowRef, eventName } = claims
  return `repository ${repository}, ref ${ref}, environment ${environment ?? '(none)'}, job_workflow_ref ${jobWorkflowRef}, event_name ${eventName}`
}
