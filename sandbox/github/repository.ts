import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BareRepository, ObjectType, Person } from './bare.ts'
import { git } from './git.ts'
import type { StoredRelease, World } from './world.ts'

/** A tag as it is on the remote. */
export interface Tag {
  /** What the ref points at: a commit for a lightweight tag, a tag object for an annotated one. */
  object: string
  type: ObjectType
  message?: string
  tagger?: Person
  /** The commit it leads to. */
  commit: string
}

export interface CommitOptions {
  message?: string
  /** Branch that the commit goes on top of; the default branch when absent. */
  branch?: string
  /** When it was made; now when absent. */
  date?: Date
}

/** Settings of a repository that GitHub's own have, seen from a client. */
const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[http]
	receivepack = true
[uploadpack]
	# actions/checkout fetches by commit.
	allowAnySHA1InWant = true
	allowFilter = true
[receive]
	autogc = false
	# "deny updating a hidden ref", as GitHub says to a push of refs/pull/*.
	hideRefs = refs/pull
[gc]
	# A tag object that the API made is not referenced until the client creates its ref.
	auto = 0
`
const HOOK = '#!/bin/sh\nexec "$SANDBOX_NODE" "$SANDBOX_HOOK"\n'

/** Makes the bare repository on disk. */
export async function initialize(directory: string, defaultBranch: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  await git(['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`, directory])
  writeFileSync(join(directory, 'config'), CONFIG)
  mkdirSync(join(directory, 'hooks'), { recursive: true })
  writeFileSync(join(directory, 'hooks', 'proc-receive'), HOOK)
  chmodSync(join(directory, 'hooks', 'proc-receive'), 0o755)
}

/** A blob or message in git fast-import's format. */
function data(text: string): string {
  return `data ${String(Buffer.byteLength(text))}\n${text}\n`
}

/** A repository of the sandbox, for tests to set up and to look at. */
export class Repository {
  readonly name: string
  readonly bareDirectory: string
  /** Where it is cloned from. */
  readonly url: string
  private readonly world: World
  private readonly bare: BareRepository

  constructor(world: World, name: string, serverUrl: string) {
    this.world = world
    this.name = name
    this.bareDirectory = world.bareDirectory(name)
    this.url = `${serverUrl}/${name}.git`
    this.bare = world.bare(name)
  }

  async refs(): Promise<Record<string, string>> {
    const all = await this.bare.refs()
    return Object.fromEntries(all.map(({ ref, sha }) => [ref, sha]))
  }

  /** The commit that a ref leads to. */
  async commitOf(ref: string): Promise<string | undefined> {
    return this.bare.commitOf(ref)
  }

  async tag(name: string): Promise<Tag | undefined> {
    const ref = await this.bare.ref(`refs/tags/${name}`)
    if (!ref) return undefined
    const commit = (await this.bare.commitOf(ref.sha)) ?? ''
    if (ref.type !== 'tag') return { object: ref.sha, type: ref.type, commit }
    const { message, tagger } = await this.bare.readTag(ref.sha)
    return { object: ref.sha, type: 'tag', message, ...(tagger ? { tagger } : {}), commit }
  }

  /** Restricts creation, update and deletion of matching tags, as a ruleset does: `v*`, or `**` for all. */
  protectTags(pattern: string): void {
    this.world.changeRepository(this.name, (stored) => stored.protectedTags.push(pattern))
  }

  /** Tags a commit as a maintainer's `git tag -a` and `git push` would; `lightweight` for a ref without an object. */
  async createTag(
    name: string,
    commit: string,
    options: { lightweight?: boolean; message?: string } = {},
  ): Promise<void> {
    const { lightweight = false, message = `Version ${name.replace(/^v/, '')}` } = options
    const who = ['-c', 'user.name=Octo Cat', '-c', 'user.email=octocat@example.com']
    const how = lightweight ? [] : ['-a', '-m', message]
    await git([...who, 'tag', ...how, name, commit], { cwd: this.bareDirectory })
  }

  /** Takes all releases away, drafts included, as somebody may by hand; tags stay. */
  deleteReleases(): void {
    this.world.changeRepository(this.name, (stored) => {
      stored.releases = []
    })
  }

  /** Releases with their assets, drafts included, oldest first. */
  releases(): StoredRelease[] {
    return this.world.repository(this.name)?.releases ?? []
  }

  /** Commits files straight into the remote, on top of what they join; `null` deletes. Returns the commit. */
  async commit(files: Record<string, string | null>, options: CommitOptions = {}): Promise<string> {
    const branch = options.branch ?? this.world.repository(this.name)?.defaultBranch ?? 'main'
    const ref = `refs/heads/${branch}`
    const seconds = Math.floor((options.date?.getTime() ?? Date.now()) / 1000)
    const who = `Octo Cat <octocat@example.com> ${String(seconds)} +0000`
    const parent = await this.bare.ref(ref)
    const changes = Object.entries(files).map(([path, text]) =>
      text === null
        ? `D ${path}\n`
        : `M ${path.startsWith('bin/') ? '100755' : '100644'} inline ${path}\n${data(text)}`,
    )
    const head = [`commit ${ref}\n`, `committer ${who}\n`, data(options.message ?? 'Change files')]
    const from = parent ? [`from ${parent.sha}\n`] : []
    const input = [...head, ...from, ...changes, '\n'].join('')
    await git(['fast-import', '--quiet', '--date-format=raw'], { cwd: this.bareDirectory, input })
    return (await this.bare.commitOf(ref)) ?? ''
  }
}
