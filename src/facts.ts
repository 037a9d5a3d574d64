import type { Checkout } from './git/checkout.ts'
import type { Commit, RemoteTag } from './github/repository.ts'
import type { TagRuleset } from './github/rulesets.ts'
import type { RunContext } from './github/run-context.ts'
import type { GemFile } from './rubygems/gem-file.ts'
import type { Project } from './rubygems/project.ts'
import type { PublishedVersion } from './rubygems/registry.ts'

/** All that was found out before anything was decided. Gathered by `survey.ts`, read by `plan.ts`. */
export interface Facts {
  run: RunContext
  /** Absent where the working directory is in no git checkout, and when only prebuilt gems are pushed. */
  checkout: Checkout | undefined
  /** Absent when gems are prebuilt. */
  project: Project | undefined
  /** Whether there is a Sigstore instance for this gem server. */
  canSign: boolean
  /** The files `gems` names, already copied, read and hashed. */
  prebuilt: readonly GemFile[]
  /** The commit those were built from, as the build job or a checkout says; absent where neither does. */
  builtFrom: string | undefined
  github: GitHubFacts | undefined
  /** Live versions by gem name. */
  published: ReadonlyMap<string, readonly PublishedVersion[]>
}

/** Absent from the facts where no tag is wanted and none started the run: GitHub is not asked then. */
export interface GitHubFacts {
  /** The commit to be released as GitHub has it; absent where it does not. */
  commit: Commit | undefined
  /** Every tag that may matter, by name; a name without a tag maps to undefined. */
  tags: ReadonlyMap<string, RemoteTag | undefined>
  /** Rulesets in force that restrict the creation of tags. */
  rulesets: readonly TagRuleset[]
}

/** What is known of where the gems come from. */
export type Origin = Pick<Facts, 'run' | 'checkout' | 'builtFrom'>

/** The commit a release is made from: what was built, what is checked out, or what the event names. */
export function releasedCommit(facts: Origin): string {
  return knownCommit(facts) ?? facts.run.sha
}

/** The same where it is known, and not taken from the event. */
export function knownCommit({ checkout, builtFrom }: Origin): string | undefined {
  return checkout?.head ?? builtFrom
}
