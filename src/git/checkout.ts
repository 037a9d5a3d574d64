import type { Git } from './git.ts'

/** The state of the working copy that is being released. */
export interface Checkout {
  /** Commit that HEAD names, 40 (or 64) hex digits. */
  head: string
  /** Committer date of HEAD, in seconds since 1970: `SOURCE_DATE_EPOCH` of the build. */
  committedAt: number
  /** Tracked files that differ from HEAD; `git diff` as Bundler's `release:guard_clean` asks. */
  dirty: readonly string[]
  /** The branch HEAD is on, or undefined when it is detached. */
  branch: string | undefined
}

/** Reads the checkout; undefined where there is none or git is missing. */
export async function readCheckout(git: Git): Promise<Checkout | undefined> {
  const [head, committed, status, branch] = await Promise.all([
    git.ask('rev-parse', '--verify', 'HEAD^{commit}'),
    git.ask('log', '-1', '--format=%ct', '--no-show-signature', 'HEAD'),
    git.ask('status', '--porcelain=v1', '-z', '--untracked-files=no'),
    git.ask('symbolic-ref', '--quiet', '--short', 'HEAD'),
  ])
  if (head === undefined || status === undefined) return undefined
  return { head, committedAt: Number(committed ?? '0'), dirty: changedFiles(status), branch }
}

/** Paths of `git status --porcelain=v1 -z`: `XY PATH`, after a rename followed by the old path on its own. */
function changedFiles(status: string): string[] {
  const entries = status.split('\0').filter((entry) => entry !== '')
  const paths: string[] = []
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] ?? ''
    paths.push(entry.slice(3))
    if (/^[RC]|^.[RC]/.test(entry)) index += 1
  }
  return paths
}
