import { workflowOf } from '../github/claims.ts'
import type { SigningCertificate } from './certificate.ts'
import { GITHUB_ISSUER } from './identity.ts'
import type { RunClaims } from './run-claims.ts'

/** What is known of the run that publishes. */
export interface Expected {
  /**
   * `job_workflow_ref` of the publishing job's ID token: the exchange only succeeds where the trusted publisher names
   * this workflow, so that the registry asks for it in every attestation.
   */
  jobWorkflowRef?: string
  /** Where the bundle was signed by this very job: every claim must be in the certificate. */
  claims?: RunClaims
}

/**
 * What the registry would refuse about a certificate: what it is for, and whose it is (rubygems.org
 * app/models/oidc/trusted_publisher/github_action.rb SigstorePolicy, sigstore-ruby 0.2.3 lib/sigstore/policy.rb).
 */
export function identityProblems(certificate: SigningCertificate, { jobWorkflowRef, claims }: Expected): string[] {
  const problems = usageProblems(certificate)
  if (!certificate.issuers.includes(GITHUB_ISSUER)) {
    const issuer = certificate.issuers[0] ?? 'nobody'
    problems.push(`its certificate was given on the word of ${issuer}, not of ${GITHUB_ISSUER}`)
  }
  const workflow = workflowOf((certificate.name ?? '').replace(/^https:\/\/github\.com\//, ''))
  if (!workflow) {
    problems.push(`its certificate is for ${certificate.name ?? 'no name'}, which is no workflow on github.com`)
  } else if (certificate.sourceRef !== workflow.ref) {
    problems.push(
      `its certificate names the workflow at ${workflow.ref}, but the registry expects it at the ref of the run, ${certificate.sourceRef ?? '(none)'}: they differ where a reusable workflow of another repository signs`,
    )
  }
  const publisher = jobWorkflowRef === undefined ? undefined : workflowOf(jobWorkflowRef)
  if (workflow && publisher && (workflow.repository !== publisher.repository || workflow.file !== publisher.file)) {
    problems.push(
      `it was signed by the workflow ${workflow.file} of ${workflow.repository}, but the gem is published by ${publisher.file} of ${publisher.repository}: the registry accepts attestations of the trusted publisher’s own workflow only`,
    )
  }
  return claims ? [...problems, ...claimProblems(certificate, claims)] : problems
}

function usageProblems({ forCodeSigning, isAuthority, hasLogPromise }: SigningCertificate): string[] {
  return [
    ...(forCodeSigning && !isAuthority ? [] : ['its certificate is not one for signing code']),
    ...(hasLogPromise ? [] : ['its certificate has no signed certificate timestamp of a public log']),
  ]
}

/** Only a Fulcio that is not what it should be gives a certificate for somebody else. */
function claimProblems(certificate: SigningCertificate, claims: RunClaims): string[] {
  const pairs: Record<string, [string | undefined, string]> = {
    name: [certificate.name, `https://github.com/${claims.jobWorkflowRef}`],
    repository: [certificate.sourceRepository, `https://github.com/${claims.repository}`],
    commit: [certificate.sourceDigest, claims.sha],
    ref: [certificate.sourceRef, claims.ref],
  }
  return Object.entries(pairs)
    .filter(([, [found, wanted]]) => found !== wanted)
    .map(([what, [found, wanted]]) => `the ${what} in its certificate is ${found ?? '(none)'}, this run’s is ${wanted}`)
}
