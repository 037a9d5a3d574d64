import { ReleaseError } from './errors.ts'
import { type Facts, releasedCommit } from './facts.ts'
import type { RunContext } from './github/run-context.ts'
import { eventProblem } from './github/who-may-release.ts'
import type { Inputs } from './inputs.ts'
import { selectGems } from './plan/gems.ts'
import type { Decision, Plan, PlannedGem, Warning } from './plan/planned.ts'
import { judgeRulesets } from './plan/rulesets.ts'
import { chooseStrategy } from './plan/strategy.ts'
import { planTags, unclearOrigin, workflowDoubts } from './plan/tags.ts'
import { decideAttestations, FINAL, TO_BE_UNATTESTED } from './sigstore/policy.ts'

/**
 * Whether what started this run may release at all: asked before anything of the project is read, because reading a
 * gemspec runs its code. A dry run may also follow a pull request, which has no rights to lose.
 * Throws ReleaseError (`event-not-allowed`).
 */
export function refuseForeignEvents(run: RunContext, dryRun: boolean): void {
  const forbidden = eventProblem(run)
  if (forbidden && !(dryRun && run.eventName === 'pull_request')) throw new ReleaseError(forbidden)
}

/**
 * Decides what will happen. Pure: the same inputs and facts give the same plan.
 * Throws ReleaseError with every problem that can be known before building.
 */
export function makePlan(inputs: Inputs, facts: Facts): Plan {
  const gems = selectGems(inputs, facts)
  const strategy = chooseStrategy(inputs, facts, gems.choice)
  const tags = planTags(inputs, facts, gems.choice, strategy.choice.strategy)
  const attestations = planAttestations(inputs, facts)
  const newTags = tags.choice.filter(({ action }) => action === 'create').map(({ name }) => name)
  const rulings = judgeRulesets(newTags, facts.github?.rulesets ?? [])
  ReleaseError.throwIfAny([
    ...gems.problems,
    ...strategy.problems,
    ...tags.problems,
    ...unclearOrigin(inputs, facts),
    ...rulings.problems,
    ...attestations.problems,
  ])
  return {
    ...strategy.choice,
    gems: gems.choice,
    commit: releasedCommit(facts),
    tags: tags.choice,
    attest: attestations.choice,
    decisions: [
      ...gems.because,
      ...strategy.because,
      ...tags.because,
      ...attestations.because,
      ...remarks(facts, gems.choice),
    ],
    warnings: [
      ...[...rulings.doubts, ...workflowDoubts(newTags, facts)].map((text) => ({
        title: 'The tag may be refused',
        text,
      })),
      ...attestations.warnings,
    ],
  }
}

function planAttestations(inputs: Inputs, facts: Facts): Decision<boolean> & { warnings: readonly Warning[] } {
  const { run, canSign } = facts
  const decision = decideAttestations({
    input: inputs.attestations,
    server: inputs.server,
    authentication: inputs.authentication.kind,
    event: run.event,
    bundlesGiven: inputs.attestationBundles.length > 0,
    canSign,
    commit: releasedCommit(facts),
    certified: run.sha,
  })
  if ('refused' in decision) return { choice: false, because: [], problems: [decision.refused], warnings: [] }
  const sentence = decision.attest
    ? `The gems are to be published with attestations (${inputs.attestationBundles.length > 0 ? 'input `attestation-bundles`' : 'signed by this run'}).`
    : `The gems are to be published without attestations: ${decision.because}.`
  const warnings = !decision.attest && decision.aloud ? [unattested(sentence)] : []
  return { choice: decision.attest, because: [sentence], problems: [], warnings }
}

function unattested(sentence: string): Warning {
  return { title: TO_BE_UNATTESTED, text: [sentence, FINAL].join('\n') }
}

/** Pushes that rubygems.org accepts from one address in an hour (config/initializers/rack_attack.rb). */
const PUSHES_AN_HOUR = 400

/** What the maintainer should know about this run although nothing is wrong with it. */
function remarks({ project, run }: Facts, gems: readonly PlannedGem[]): string[] {
  const hours = Math.ceil(gems.length / PUSHES_AN_HOUR)
  return [
    ...(project && run.idToken
      ? [
          'Built in the job that publishes: code of the build could ask for a key as well. Two jobs keep them apart (README, “Two jobs”).',
        ]
      : []),
    ...(gems.length > PUSHES_AN_HOUR / 2
      ? [
          `${String(gems.length)} gems: RubyGems.org takes ${String(PUSHES_AN_HOUR)} pushes an hour from one address, so that this needs up to ${String(hours)} ${hours === 1 ? 'hour' : 'hours'}.`,
        ]
      : []),
  ]
}
