/**
 * Every reason this action gives for not finishing, as stable words: they are the titles of annotations and the
 * headings of `docs/troubleshooting.md`. A new code needs its section there in the same change.
 */
export const ERROR_CODES = [
  'invalid-input',
  'event-not-allowed',
  'no-gemspec',
  'gemspec-failed',
  'ambiguous-gemspecs',
  'rakefile-failed',
  'bundle-failed',
  'ruby-unavailable',
  'no-release-task',
  'no-checkout',
  'dirty-checkout',
  'commit-not-on-github',
  'version-mismatch',
  'tag-version-mismatch',
  'tag-commit-mismatch',
  'tag-not-permitted',
  'push-host-mismatch',
  'version-taken',
  'version-yanked',
  'build-failed',
  'not-reproducible',
  'release-task-failed',
  'tampered-job',
  'gem-not-found',
  'gem-invalid',
  'gem-unexpected',
  'checksum-mismatch',
  'platform-mismatch',
  'id-token-unavailable',
  'id-token-failed',
  'exchange-refused',
  'exchange-failed',
  'exchange-untrusted',
  'no-credentials',
  'credentials-file',
  'registry-unavailable',
  'github-unavailable',
  'push-refused',
  'push-failed',
  'verification-failed',
  'github-release-failed',
  'attestation-failed',
  'await-timeout',
  'cancelled',
  'internal-error',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** One thing that stands in the way of the release, written for the person whose release just failed. */
export interface Problem {
  code: ErrorCode
  /** What was refused or went wrong, and by whom, in one sentence. Names the input and value where one is at fault. */
  what: string
  /** The rule behind it, or the likely cause for this event. */
  why?: string
  /** What to change, as precisely as is known: the YAML, the form values, the command. */
  fix: string
}

/**
 * The one error type of this action: a non-empty list of problems, found together so that they can be fixed
 * together. Texts never hold a secret: they are built from our own words and from values that were validated first.
 */
export class ReleaseError extends Error {
  readonly problems: readonly [Problem, ...Problem[]]

  constructor(problems: Problem | readonly [Problem, ...Problem[]], options?: { cause?: unknown }) {
    const list = isList(problems) ? problems : ([problems] as const)
    super(list.map((problem) => problem.what).join(' '), options)
    this.name = 'ReleaseError'
    this.problems = [list[0], ...list.slice(1)]
  }

  /** The first problem's code: the title of the annotation. */
  get code(): ErrorCode {
    return this.problems[0].code
  }

  /** Throws when there is at least one problem. */
  static throwIfAny(problems: readonly Problem[]): void {
    const [first, ...rest] = problems
    if (first) throw new ReleaseError([first, ...rest])
  }

  /** Anything thrown, as a ReleaseError: our own pass through, the rest become `internal-error`. */
  static from(error: unknown): ReleaseError {
    if (error instanceof ReleaseError) return error
    return new ReleaseError(
      {
        code: 'internal-error',
        what: `This action failed in a way it does not know (${error instanceof Error ? error.name : typeof error}).`,
        why: 'This is a defect of the action.',
        fix: 'Re-run the job: what is published already is recognised by its digest. Please report the debug log.',
      },
      { cause: error },
    )
  }
}

/** Whether it is what a cancelled run ends with. */
export function isCancelled(error: unknown): boolean {
  return error instanceof ReleaseError && error.code === 'cancelled'
}

function isList(value: Problem | readonly [Problem, ...Problem[]]): value is readonly [Problem, ...Problem[]] {
  return Array.isArray(value)
}

/** Where the long form of a problem is explained, relative to the repository of this action. */
export function documentation(code: ErrorCode): string {
  return `docs/troubleshooting.md#${code}`
}
