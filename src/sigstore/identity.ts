import { type Claims, workflowOf } from '../github/claims.ts'

/** The one issuer whose certificates RubyGems.org accepts (app/models/oidc/provider.rb GITHUB_ACTIONS_ISSUER). */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

/** Whether the registry will accept the identity a job signs with; where not, why, and what to do about it. */
export type Identity =
  | { accepted: true; name: string }
  | {
      accepted: false
      /** What the certificate will say. */
      name: string
      /** What the registry will ask for. */
      required: string
      because: string
      fix: string
    }

type IdentityClaims = Pick<Claims, 'issuer' | 'repository' | 'ref' | 'jobWorkflowRef'>

/**
 * Predicts what the registry will say about the certificate Fulcio gives to this job, before any is asked for.
 * Fulcio writes the job's workflow with the workflow's ref as the name; RubyGems.org wants the publisher's workflow with
 * the ref of the repository the run belongs to (app/models/oidc/trusted_publisher/github_action.rb SigstorePolicy). For
 * a reusable workflow of another repository, and for a run without a ref, these differ.
 */
export function predictIdentity({ issuer, repository, ref, jobWorkflowRef }: IdentityClaims): Identity {
  const name = `https://github.com/${jobWorkflowRef}`
  const workflow = workflowOf(jobWorkflowRef)
  if (!workflow) {
    return {
      accepted: false,
      name,
      required: `https://github.com/${repository}/.github/workflows/FILE@${ref}`,
      because: `the job is defined in ${JSON.stringify(jobWorkflowRef)}, which is no workflow file of a repository`,
      fix: 'Release from a workflow below `.github/workflows`, or set `attestations: false`.',
    }
  }
  const required = `https://github.com/${workflow.repository}/.github/workflows/${workflow.file}@${ref}`
  if (issuer !== GITHUB_ISSUER) {
    return {
      accepted: false,
      name,
      required,
      because: `the job’s ID tokens come from ${issuer}, and the registry accepts attestations only from ${GITHUB_ISSUER}`,
      fix: 'Set `attestations: false`: attestations need jobs on github.com without an issuer of the enterprise’s own.',
    }
  }
  return name === required
    ? { accepted: true, name }
    : { accepted: false, name, required, ...mismatch(repository, ref, workflow) }
}

function mismatch(
  repository: string,
  ref: string,
  workflow: { repository: string; file: string; ref: string },
): { because: string; fix: string } {
  if (ref === '') {
    return {
      because: `the run has no ref, while its workflow is known by ${workflow.ref}`,
      fix: 'Start the release from a tag or a branch, or set `attestations: false`.',
    }
  }
  if (workflow.repository !== repository) {
    return {
      because: `the job lives in the reusable workflow ${workflow.file} of ${workflow.repository}: the certificate names it with its own ref ${workflow.ref}, but the registry expects it with the ref of the caller, ${ref}`,
      fix: `Put the publishing job into a workflow of ${repository} itself (it may still call a reusable workflow to build), or set \`attestations: false\`. Pinning the reusable workflow does not help: only a ref named exactly ${ref} would.`,
    }
  }
  return {
    because: `the job’s workflow ${workflow.file} is used at ${workflow.ref}, while the run is at ${ref}`,
    fix: `Call it as \`./.github/workflows/${workflow.file}\`, without \`@\` and a ref.`,
  }
}
