import { type Problem, ReleaseError } from '../errors.ts'
import { requestIdToken } from '../github/oidc.ts'
import type { RunContext } from '../github/run-context.ts'
import type { GemServer } from '../server.ts'
import type { AttestedGem, Bundle } from '../sigstore/attester.ts'
import { attestationProblem, type SigningWorld } from '../sigstore/conversation.ts'
import { listedAttestations } from '../sigstore/published.ts'
import type { BundleFile, BundlesByGem } from '../sigstore/ready-made.ts'
import { readRunClaims } from '../sigstore/run-claims.ts'
import type { SigstoreServices } from '../sigstore/services.ts'
import { persist } from '../world/retry.ts'

/** How many gems are signed at a time. */
const LANES = 8
/** What says that a gem cannot be attested, and not that the run cannot go on. */
const FAILURES = new Set(['attestation-failed', 'id-token-failed'])

export interface AttestOptions {
  /** `required`: every gem or an error. `true`: what cannot be attested is reported in `problems`. */
  input: 'true' | 'required'
  /** Ready-made bundles, sent instead of signing; empty to sign. */
  files: readonly BundleFile[]
  run: RunContext
  services: SigstoreServices | undefined
  world: SigningWorld
}

/** Bundles by the SHA-256 of their gem, and why gems have none. */
export interface Attested {
  bundles: BundlesByGem
  problems: readonly Problem[]
}

/**
 * Makes or reads the attestations of a release, before there is a key and before anything is public: later, none is ever
 * added or dropped. Throws ReleaseError (`attestation-failed`, `invalid-input`, `id-token-*`).
 */
export async function attest(gems: readonly AttestedGem[], options: AttestOptions): Promise<Attested> {
  const attested = options.files.length > 0 ? await readAll(gems, options) : await signAll(gems, options)
  if (options.input === 'required') ReleaseError.throwIfAny(attested.problems)
  return attested
}

/** A bundle that was given and would be refused is an error whatever the input says: somebody meant it to be sent. */
async function readAll(gems: readonly AttestedGem[], { files, run, world }: AttestOptions): Promise<Attested> {
  const { readBundles } = await import('../sigstore/lazy.ts')
  // The token goes nowhere: it is asked for what it says about this job's workflow.
  const claims = run.idToken && readRunClaims(await requestIdToken(run, 'sigstore', world.http, world.runner))
  const bundles = readBundles(files, gems, claims ? { jobWorkflowRef: claims.jobWorkflowRef } : {})
  const without = gems.filter((gem) => !bundles.has(gem.sha256))
  return { bundles, problems: without.map(({ fullName }) => unattested(fullName)) }
}

function unattested(fullName: string): Problem {
  return {
    code: 'attestation-failed',
    what: `None of the bundles in \`attestation-bundles\` is about ${fullName}.`,
    fix: 'Sign every file that `gems` names, or remove `attestation-bundles`, and the action signs all of them.',
  }
}

async function signAll(gems: readonly AttestedGem[], { run, services, world }: AttestOptions): Promise<Attested> {
  if (!services) return { bundles: new Map(), problems: [attestationProblem('There is no Sigstore to sign with.')] }
  const { Attester } = await import('../sigstore/lazy.ts')
  const attester = new Attester(run, services, world)
  const bundles = new Map<string, readonly Bundle[]>()
  const problems = new Map<string, Problem>()
  const waiting = [...gems]
  const lane = async (): Promise<void> => {
    for (let gem = waiting.shift(); gem; gem = waiting.shift()) {
      try {
        bundles.set(gem.sha256, [await attester.attest(gem)])
        world.runner.info(`Attested ${gem.fullName}: provenance of this run, in Sigstore’s public log.`)
      } catch (error) {
        for (const problem of asProblems(error, gem, world)) problems.set(problem.what, problem)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return { bundles, problems: [...problems.values()] }
}

/** Whatever fails while signing is no reason to fail a release that does not insist on it; a cancelled run is. */
function asProblems(error: unknown, gem: AttestedGem, { signal }: SigningWorld): readonly Problem[] {
  signal.throwIfAborted()
  if (error instanceof ReleaseError && error.problems.every(({ code }) => FAILURES.has(code))) return error.problems
  if (error instanceof ReleaseError) throw error
  // Not the error's own words: a library may quote what it was given.
  const name = error instanceof Error ? error.name : typeof error
  return [attestationProblem(`${gem.fullName} could not be signed, in a way this action does not know (${name}).`)]
}

/**
 * The attestations the registry lists of a published gem. Throws ReleaseError (`registry-unavailable`) where it does
 * not say.
 */
export async function registryAttestations(
  gem: AttestedGem,
  server: GemServer,
  { http, clock, runner, signal }: SigningWorld,
): Promise<readonly unknown[]> {
  const log = (line: string): void => {
    runner.info(line)
  }
  const undertaking = {
    edge: 'verify' as const,
    purpose: `see the attestations of ${gem.fullName} on ${server.host}`,
    failure: (reason: string): Problem => ({
      code: 'registry-unavailable',
      what: `${server.host} did not say which attestations it has of ${gem.fullName}: ${reason}.`,
      why: 'The gem is published, and its attestations were accepted with it.',
      fix: `Look at ${server.origin}/api/v1/attestations/${gem.fullName}.json.`,
    }),
  }
  return persist(undertaking, { clock, signal, log }, () => listedAttestations(gem.fullName, server, http, clock))
}
