import { workflowOf } from '../github/claims.ts'
import type { RunClaims } from './run-claims.ts'

/** The type DSSE gives to in-toto statements (github.com/in-toto/attestation, spec/v1/envelope.md). */
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
const SERVER = 'https://github.com'

/**
 * The statement that is signed: this gem, by its digest, came out of this run (in-toto Statement v1 with SLSA provenance
 * v1, build type `workflow` of GitHub Actions: actions.github.io/buildtypes/workflow/v1). Everything in it but the gem
 * is a claim of the ID token, and in the certificate as well.
 */
export function provenance(gem: { fullName: string; sha256: string }, claims: RunClaims): Record<string, unknown> {
  const started = workflowOf(claims.workflowRef)
  const repository = `${SERVER}/${claims.repository}`
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: `${gem.fullName}.gem`, digest: { sha256: gem.sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        externalParameters: {
          workflow: {
            ref: started?.ref ?? claims.ref,
            repository,
            path: started ? `.github/workflows/${started.file}` : '',
          },
        },
        internalParameters: {
          github: {
            event_name: claims.eventName,
            repository_id: claims.repositoryId,
            repository_owner_id: claims.repositoryOwnerId,
            runner_environment: claims.runnerEnvironment,
          },
        },
        resolvedDependencies: [{ uri: `git+${repository}@${claims.ref}`, digest: { gitCommit: claims.sha } }],
      },
      runDetails: {
        builder: { id: `${SERVER}/${claims.jobWorkflowRef}` },
        metadata: { invocationId: `${repository}/actions/runs/${claims.runId}/attempts/${claims.runAttempt}` },
      },
    },
  }
}
