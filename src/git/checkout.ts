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

/** Paths on one command line: no system takes less. */
const AT_ONCE = 100

/** Reads the checkout; undefined where there is none or git is missing. */
export async function readCheckout(git: Git): Promise<Checkout | undefined> {
  const [head, committed, dirty, branch] = await Promise.all([
    git.ask('rev-parse', '--verify', 'HEAD^{commit}'),
    git.ask('log', '-1', '--format=%ct', '--no-show-signature', 'HEAD'),
    changedFiles(git),
    git.ask('symbolic-ref', '--quiet', '--short', 'HEAD'),
  ])
  if (head === undefined || dirty === undefined) return undefined
  return { head, committedAt: Number(committed ?? '0'), dirty, branch }
}

/**
 * Tracked files that are not as committed. To compare a file with a `filter` attribute (Git LFS, say), git would run the
 * program that the configuration names for it; such a file is compared without, and given the benefit of the doubt.
 */
async function changedFiles(git: Git): Promise<string[] | undefined> {
  const unfiltered = git.with(await filtersOff(git))
  const changed = await differing(unfiltered)
  if (changed === undefined || changed.length === 0) return changed
  // Git for Windows checks out with CRLF because of a setting of the machine, without which every file looks changed.
  const lineEnds = await git.settings(String.raw`^core\.(autocrlf|eol)$`)
  return withoutFiltered(lineEnds.size > 0 ? ((await differing(unfiltered.with(lineEnds))) ?? changed) : changed, git)
}

async function differing(git: Git): Promise<string[] | undefined> {
  const answer = await git.ask('status', '--porcelain=v1', '-z', '--untracked-files=no')
  return answer === undefined ? undefined : pathsOf(answer)
}

async function withoutFiltered(changed: readonly string[], git: Git): Promise<string[]> {
  const filtered = new Set<string>()
  for (let from = 0; from < changed.length; from += AT_ONCE) {
    const attributes = await git.ask('check-attr', '-z', 'filter', '--', ...changed.slice(from, from + AT_ONCE))
    for (const file of filteredPaths(attributes ?? '')) filtered.add(file)
  }
  return changed.filter((file) => !filtered.has(file))
}

/** Settings that take the programs out of every filter this repository has. */
async function filtersOff(git: Git): Promise<Map<string, string>> {
  const found = await git.ask('config', '--null', '--name-only', '--get-regexp', String.raw`^filter\.`)
  const names = (found ?? '').split('\0').flatMap((key) => /^(filter\..*)\.[^.]*$/s.exec(key)?.[1] ?? [])
  return new Map(
    [...new Set(names)].flatMap((name) => [
      [`${name}.clean`, ''],
      [`${name}.smudge`, ''],
      [`${name}.process`, ''],
      [`${name}.required`, 'false'],
    ]),
  )
}

/** Paths of `git status --porcelain=v1 -z`: `XY PATH`, after a rename followed by the old path on its own. */
function pathsOf(status: string): string[] {
  const entries = status.split('\0').filter((entry) => entry !== '')
  const paths: string[] = []
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] ?? ''
    paths.push(entry.slice(3))
    if (/^[RC]|^.[RC]/.test(entry)) index += 1
  }
  return paths
}

/** Of `git check-attr -z`, which prints PATH, attribute and value, each followed by NUL. */
function filteredPaths(attributes: string): string[] {
  const fields = attributes.split('\0')
  return fields.filter((_, index) => index % 3 === 0 && !/^(unspecified|unset|)$/.test(fields[index + 2] ?? ''))
}
