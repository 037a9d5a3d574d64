import { randomUUID } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSha } from './bare.ts'
import { git, tryGit } from './git.ts'

export interface CheckoutOptions {
  repository: { url: string }
  /** `refs/heads/main`, `refs/tags/v1`, a commit, or the short name of a branch or tag. */
  ref: string
  /** The commit that the run is for, as `GITHUB_SHA`; a ref that has left it is refused. */
  sha?: string
  directory: string
  token?: string
  /** `fetch-depth`; 0 fetches all branches and tags with their history. */
  depth?: number
  /** `fetch-tags`. */
  tags?: boolean
  /** Leaves the token where later git commands of the job find it. The action's own default is true. */
  persistCredentials?: boolean
  /**
   * `RUNNER_TEMP`. With it the credentials lie in a file there, reached through `includeIf`, as
   * actions/checkout keeps them since 6.0.0; without it in `.git/config`, as before.
   */
  runnerTemp?: string
  /**
   * How a tag is fetched at depth 1 where the commit is known. `ref` (since 6.0.2) brings an annotated
   * tag's object; `commit` (before) makes a local lightweight tag of the commit, whatever the remote has.
   */
  tagFetch?: 'ref' | 'commit'
}

const ALL = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']

function shortName(ref: string, prefix: string): string | undefined {
  return ref.startsWith(prefix) ? ref.slice(prefix.length) : undefined
}

/** What actions/checkout fetches, by `getRefSpec` of its `src/ref-helper.ts`. */
function refspecs(options: CheckoutOptions): string[] {
  const { ref, sha } = options
  const tags = options.tags === true ? ['+refs/tags/*:refs/tags/*'] : []
  const branch = shortName(ref, 'refs/heads/')
  if (branch !== undefined) return [...tags, `+${sha ?? ref}:refs/remotes/origin/${branch}`]
  if (ref.startsWith('refs/tags/')) {
    if (tags.length > 0) return tags
    return [`+${options.tagFetch === 'commit' && sha !== undefined ? sha : ref}:${ref}`]
  }
  if (isSha(ref)) return [...tags, ref]
  if (ref.startsWith('refs/')) return [...tags, `+${ref}:${ref}`]
  return [...tags, `+refs/heads/${ref}*:refs/remotes/origin/${ref}*`, `+refs/tags/${ref}*:refs/tags/${ref}*`]
}

/** What it then hands to `git checkout`, by `getCheckoutInfo`. */
async function target(ref: string, directory: string): Promise<string[]> {
  const exists = async (name: string) => {
    const { code } = await tryGit(['show-ref', '--verify', '--quiet', name], { cwd: directory })
    return code === 0
  }
  if (isSha(ref) || ref.startsWith('refs/tags/')) return [ref]
  const branch = shortName(ref, 'refs/heads/') ?? ref
  if (await exists(`refs/remotes/origin/${branch}`)) return ['-B', branch, `refs/remotes/origin/${branch}`]
  if (ref.startsWith('refs/')) return [ref]
  if (await exists(`refs/tags/${ref}`)) return [`refs/tags/${ref}`]
  throw new Error(`A branch or tag with the name '${ref}' could not be found`)
}

/** Puts the token into git's configuration as the action does, without it ever being in an argv; returns how to take it out. */
function authenticate(options: CheckoutOptions, token: string): () => void {
  const config = join(options.directory, '.git', 'config')
  const before = readFileSync(config, 'utf8')
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  const header = `[http "${new URL(options.repository.url).origin}/"]\n\textraheader = AUTHORIZATION: basic ${basic}\n`
  if (options.runnerTemp === undefined) {
    appendFileSync(config, header)
    return () => writeFileSync(config, before)
  }
  const file = join(options.runnerTemp, `git-credentials-${randomUUID()}.config`)
  mkdirSync(options.runnerTemp, { recursive: true })
  writeFileSync(file, header)
  const directory = join(options.directory, '.git')
  for (const condition of [directory, `${directory}/worktrees/*`]) {
    appendFileSync(config, `[includeIf "gitdir:${condition}"]\n\tpath = ${file}\n`)
  }
  return () => {
    writeFileSync(config, before)
    rmSync(file, { force: true })
  }
}

async function refuseMoved({ ref, sha, directory }: CheckoutOptions): Promise<void> {
  const branch = shortName(ref, 'refs/heads/')
  const local = branch === undefined ? ref : `refs/remotes/origin/${branch}`
  if (sha === undefined || (branch === undefined && !ref.startsWith('refs/tags/'))) return
  if ((await git(['rev-parse', `${local}^{commit}`], { cwd: directory })) === sha) return
  throw new Error(
    `The ref '${ref}' does not point to the expected commit '${sha}'. The ref may have been updated after the workflow was triggered.`,
  )
}

/**
 * Makes a working copy as actions/checkout 7 does (`src/git-source-provider.ts`): shallow, tags only
 * where they are asked for, a branch checked out as a local branch, a tag or commit as a detached HEAD.
 * Returns the commit that is checked out.
 */
export async function checkout(options: CheckoutOptions): Promise<string> {
  const { directory, depth = 1, token } = options
  const cwd = directory
  mkdirSync(directory, { recursive: true })
  await git(['init', '--quiet', directory])
  await git(['remote', 'add', 'origin', options.repository.url.replace(/\.git$/, '')], { cwd })
  await git(['config', '--local', 'gc.auto', '0'], { cwd })
  const removeAuth = token === undefined ? () => undefined : authenticate(options, token)
  const fetch = ['-c', 'protocol.version=2', 'fetch', '--no-tags', '--prune', '--no-recurse-submodules']
  const specs = depth > 0 ? [`--depth=${String(depth)}`, 'origin', ...refspecs(options)] : ['origin', ...ALL]
  try {
    await git([...fetch, ...specs], { cwd })
    await refuseMoved(options)
    await git(['checkout', '--progress', '--force', ...(await target(options.ref, directory))], { cwd })
  } finally {
    if (options.persistCredentials !== true) removeAuth()
  }
  return await git(['rev-parse', 'HEAD'], { cwd })
}
