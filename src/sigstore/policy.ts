import type { ErrorCode, Problem } from '../errors.ts'
import type { AttestationsInput, Authentication } from '../inputs.ts'
import { isObject, objectAt, stringAt } from '../json.ts'
import type { GemServer } from '../server.ts'

/** Titles and last line of the warning about gems that nobody chose to publish without: before, and where signing failed. */
export const TO_BE_UNATTESTED = 'No attestations'
export const UNATTESTED = 'Published without attestations'
export const FINAL =
  'They cannot be added later. `attestations: required` stops here instead, before anything is public.'

export interface AttestationQuestion {
  input: AttestationsInput
  server: GemServer
  authentication: Authentication['kind']
  /** The payload of the event that started the run. */
  event: unknown
  /** Whether `attestation-bundles` names files. */
  bundlesGiven: boolean
  /** Whether `server` has services to sign with. */
  canSign: boolean
  /** What the gems were built from. */
  commit: string
  /** What the certificate will name: the commit that started the run, whatever was built. */
  certified: string
}

export type AttestationDecision =
  | { attest: true }
  /** `because` completes "The gems are to be published without attestations: …"; `aloud` where nobody chose that. */
  | { attest: false; because: string; aloud: boolean }
  | { refused: Problem }

/** Decides whether the gems of a release are attested. Nothing is dropped that was asked for: that is a refusal. */
export function decideAttestations(question: AttestationQuestion): AttestationDecision {
  const { input, bundlesGiven } = question
  if (input === 'false') {
    return bundlesGiven
      ? refusal('Inputs `attestations: false` and `attestation-bundles` contradict each other.', 'Remove one of them.')
      : { attest: false, because: '`attestations` is `false`', aloud: false }
  }
  const unaccepted = whyUnaccepted(question)
  const obstacle = unaccepted ?? (bundlesGiven ? undefined : whyNotSigned(question))
  if (obstacle === undefined) return { attest: true }
  if (input === 'required') {
    return refusal(`Attestations are required, but ${obstacle.because}.`, obstacle.fix, obstacle.code)
  }
  if (bundlesGiven) {
    return refusal(`Input \`attestation-bundles\` names bundles to send, but ${obstacle.because}.`, obstacle.fix)
  }
  return { attest: false, because: obstacle.because, aloud: obstacle.code !== undefined }
}

interface Obstacle {
  because: string
  fix: string
  /** Where no input is at fault. */
  code?: ErrorCode
}

/** Why the registry would refuse any attestation (rubygems.org app/models/pusher.rb verify_sigstore). */
function whyUnaccepted({ input, server, authentication, bundlesGiven }: AttestationQuestion): Obstacle | undefined {
  if (server.kind === 'other') {
    return {
      because: `${server.host} is not known to accept attestations`,
      fix: 'Set `attestations: false` for this gem server.',
    }
  }
  const only = 'RubyGems.org accepts attestations only with the key of a trusted publisher'
  switch (authentication) {
    case 'trusted-publisher':
      return undefined
    case 'api-key-role':
      return {
        because: `the key comes from an API key role, and ${only}`,
        fix: 'Use a trusted publisher instead of `role-to-assume`, or set `attestations: false`.',
      }
    case 'api-token':
      return {
        because: `the key is a static token, and ${only}`,
        fix: 'Use a trusted publisher instead of `api-token`, or set `attestations: false`.',
      }
    case 'existing':
      // Whose key an earlier step configured cannot be seen from here: whoever insists on attestations may try.
      if (input === 'required' || bundlesGiven) return undefined
      return {
        because: `the key was configured by an earlier step and may be any kind, while ${only}`,
        fix: 'Remove `setup-trusted-publisher: false`.',
      }
  }
}

function whyNotSigned({ server, event, canSign, commit, certified }: AttestationQuestion): Obstacle | undefined {
  if (isPrivate(event)) {
    return {
      because:
        'the repository is not public: signing would write its name, workflow and commits into a public log for ever',
      fix: 'Set `attestations: false`, or give bundles you made yourself with the public Sigstore instance as `attestation-bundles`.',
    }
  }
  if (!canSign) {
    return { because: `there is no Sigstore instance for ${server.host}`, fix: 'Set `attestations: false`.' }
  }
  return commit === certified ? undefined : otherCommit(commit, certified)
}

/** Why gems of `commit` are not signed in a run of `certified`. */
export function otherCommit(commit: string, certified: string): Required<Obstacle> {
  return {
    because: `the gems are of commit ${commit.slice(0, 12)}, and the certificate of this run would name ${certified.slice(0, 12)}, the commit that started it`,
    fix: 'Start the release from the commit itself, by pushing its tag for instance; or set `attestations: true`, and the gems are published without.',
    code: 'attestation-failed',
  }
}

/** Events without a repository in their payload say nothing; the ID token does, before anything is sent. */
function isPrivate(event: unknown): boolean {
  const repository = objectAt(event, 'repository')
  const visibility = isObject(event) ? stringAt(event, 'repository', 'visibility') : undefined
  return repository['private'] === true || (visibility !== undefined && visibility !== 'public')
}

function refusal(what: string, fix: string, code: ErrorCode = 'invalid-input'): { refused: Problem } {
  return { refused: { code, what, fix } }
}
