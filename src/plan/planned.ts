import type { Problem } from '../errors.ts'
import type { GemFile } from '../rubygems/gem-file.ts'

/** A gem that this run is to publish. */
export interface PlannedGem {
  name: string
  version: string
  platform: string
  /** The gemspec it is built from; absent for a prebuilt gem. */
  gemspec: string | undefined
  /** The file itself, for a prebuilt gem. */
  file: GemFile | undefined
}

/** How the gems come into being. */
export type BuildMethod =
  | { kind: 'prebuilt' }
  /** `rake build`, under Bundler where the project has a Gemfile. */
  | { kind: 'rake-build'; bundler: boolean }
  /** `gem build` of each gemspec, in the order of the plan. */
  | { kind: 'gem-build' }
  /** The project's own release task builds as it goes. */
  | { kind: 'release-task'; bundler: boolean }

/** A tag of this release. */
export interface PlannedTag {
  name: string
  /** Message of the annotated tag, as Bundler writes it. */
  message: string
  /** Names of the gems it speaks for. */
  gems: readonly string[]
  /** What the tag that is there says below its title: notes for a GitHub Release; undefined where it says nothing. */
  notes?: string
  /** `create` after the push; `exists` on the released commit already; `by-task`: the release task makes it. */
  action: 'create' | 'exists' | 'by-task'
}

/** An annotation of a run that goes on. */
export interface Warning {
  title: string
  text: string
}

/** What will happen. Nothing after the plan decides anything but how to react to answers. */
export interface Plan {
  strategy: 'direct' | 'rake'
  build: BuildMethod
  gems: readonly PlannedGem[]
  commit: string
  tags: readonly PlannedTag[]
  /** Whether the gems are pushed with Sigstore attestations. */
  attest: boolean
  /** Each decision with where it comes from, as sentences for the log. */
  decisions: readonly string[]
  /** What may go wrong after the push and cannot be known before, and what is left out without anybody having chosen it. */
  warnings: readonly Warning[]
}

/** What one part of the plan contributes: its choice, its sentences, and what stands in the way. */
export interface Decision<T> {
  choice: T
  because: readonly string[]
  problems: readonly Problem[]
}
