import { type Answer, Refusal, created, notFound, ok, validationFailed } from './answers.ts'
import { releaseBody } from './bodies-releases.ts'
import { isSha } from './bare.ts'
import { refuseWorkflowChange } from './routes-git.ts'
import type { Call, Route } from './routes.ts'
import type { StoredRelease } from './world.ts'

const NO_TAG = { resource: 'Release', code: 'custom', message: 'Published releases must have a valid tag' }
const TAKEN = { resource: 'Release', code: 'already_exists', field: 'tag_name' }
const BAD_TARGET = { resource: 'Release', code: 'invalid', field: 'target_commitish' }

function now(): string {
  return new Date().toISOString().replace(/\.\d+/, '')
}

/**
 * The release a path names. A draft is there only for those who may push: "users with push access"
 * (https://docs.github.com/rest/releases/releases#list-releases).
 */
export function releaseOf(call: Call): StoredRelease {
  const id = Number(call.params['release_id'])
  const release = call.repository.releases.find((one) => one.id === id && (!one.draft || call.canPush))
  if (!release) throw notFound()
  return release
}

/** `target_commitish` is "any branch or commit SHA"; a tag, a short commit and `HEAD` are invalid. */
async function commitOfTarget(call: Call, target: string): Promise<string | undefined> {
  if (isSha(target)) return await call.bare.commitOf(target)
  return (await call.bare.ref(`refs/heads/${target}`))?.sha
}

/** The commit a release is of: its tag's where that exists, its target's otherwise. */
async function commitOfRelease(
  call: Call,
  release: Pick<StoredRelease, 'tag' | 'target'>,
): Promise<string | undefined> {
  return (await call.bare.commitOf(`refs/tags/${release.tag}`)) ?? (await commitOfTarget(call, release.target))
}

/** Makes the tag that a published release needs, as GitHub does: a lightweight one at the target; an existing one stays as it is. */
async function ensureTag(call: Call, release: Pick<StoredRelease, 'tag' | 'target'>): Promise<void> {
  const ref = `refs/tags/${release.tag}`
  if (await call.bare.ref(ref)) return
  const commit = await commitOfTarget(call, release.target)
  const notATag = { resource: 'Release', code: 'custom', field: 'tag_name', message: 'tag_name is not a valid tag' }
  if (commit === undefined) throw validationFailed(notATag, NO_TAG, BAD_TARGET)
  await refuseWorkflowChange(call, commit)
  const broken = call.refuseProtected(ref)
  if (broken !== undefined) {
    const message = `pre_receive Repository rule violations found\n\n${broken}\n\n`
    throw validationFailed({ resource: 'Release', code: 'custom', field: 'pre_receive', message }, NO_TAG)
  }
  const made = (await call.bare.createRef(ref, commit)) || (await call.bare.ref(ref))
  if (!made) throw validationFailed(notATag, NO_TAG)
}

function isTaken(releases: StoredRelease[], { id, tag }: Pick<StoredRelease, 'id' | 'tag'>): boolean {
  return releases.some((one) => one.tag === tag && !one.draft && one.id !== id)
}

/** Refuses what GitHub refuses of a release, then makes its tag if it is to be public. */
async function prepare(call: Call, release: StoredRelease, targetGiven: boolean): Promise<void> {
  if (await call.bare.isEmpty()) throw new Refusal(422, 'Repository is empty.')
  if (!(await call.bare.isValidRefName(`refs/tags/${release.tag}`))) {
    const malformed = { resource: 'Release', code: 'custom', field: 'tag_name', message: 'tag_name is not well-formed' }
    throw release.draft ? validationFailed(malformed) : validationFailed(malformed, NO_TAG)
  }
  // Without discussions no category is valid, and the description has 404 for that.
  if (call.text('discussion_category_name') !== undefined) throw notFound()
  if (!release.draft && isTaken(call.repository.releases, release)) throw validationFailed(TAKEN)
  if (!release.draft) await ensureTag(call, release)
  if (targetGiven && (await commitOfTarget(call, release.target)) === undefined) throw validationFailed(BAD_TARGET)
}

/** `created_at` is the date of the commit, not of the release. */
async function dateOfCommit(call: Call, release: Pick<StoredRelease, 'tag' | 'target'>): Promise<string> {
  const commit = await commitOfRelease(call, release)
  return commit === undefined ? now() : (await call.bare.readCommit(commit)).committer.date
}

async function notesOf(call: Call, tag: string): Promise<string> {
  const published = call.repository.releases.filter((one) => !one.draft && one.tag !== tag)
  const previous = call.text('previous_tag_name') ?? published.at(-1)?.tag
  if (previous === undefined) return `**Full Changelog**: ${call.html}/commits/${tag}`
  if (!(await call.bare.ref(`refs/tags/${previous}`))) throw new Refusal(422, 'Invalid previous_tag parameter')
  return `**Full Changelog**: ${call.html}/compare/${previous}...${tag}`
}

/** Notes list merged pull requests, and the sandbox has none: what is left is the comparison. */
async function generateNotes(call: Call): Promise<Answer> {
  const tag = call.text('tag_name') ?? ''
  const target = call.text('target_commitish') ?? call.repository.defaultBranch
  if (!(await commitOfRelease(call, { tag, target }))) throw new Refusal(422, 'Invalid target_commitish parameter')
  return ok({ name: tag, body: await notesOf(call, tag) })
}

async function createRelease(call: Call): Promise<Answer> {
  const tag = call.text('tag_name') ?? ''
  const generated = call.body['generate_release_notes'] === true
  const draft = call.body['draft'] === true
  const target = call.text('target_commitish') ?? call.repository.defaultBranch
  const notes = generated ? [await notesOf(call, tag)] : []
  const release: StoredRelease = {
    id: 240_000_000 + call.world.takeId(),
    tag,
    target,
    name: call.text('name') ?? (generated ? tag : null),
    body: generated ? [call.text('body') ?? [], notes].flat(2).join('\n\n') : (call.text('body') ?? null),
    draft,
    prerelease: call.body['prerelease'] === true,
    createdAt: '',
    publishedAt: draft ? null : now(),
    updatedAt: now(),
    assets: [],
  }
  await prepare(call, release, call.text('target_commitish') !== undefined)
  release.createdAt = await dateOfCommit(call, release)
  call.world.changeRepository(call.repository.name, ({ releases }) => {
    if (!draft && isTaken(releases, release)) throw validationFailed(TAKEN)
    releases.push(release)
  })
  return created(releaseBody(call, release))
}

async function updateRelease(call: Call): Promise<Answer> {
  const before = releaseOf(call)
  const { draft, prerelease } = call.body
  const after: StoredRelease = {
    ...before,
    tag: call.text('tag_name') ?? before.tag,
    target: call.text('target_commitish') ?? before.target,
    name: call.text('name') ?? before.name,
    body: call.text('body') ?? before.body,
    draft: typeof draft === 'boolean' ? draft : before.draft,
    prerelease: typeof prerelease === 'boolean' ? prerelease : before.prerelease,
    updatedAt: now(),
  }
  await prepare(call, after, call.text('target_commitish') !== undefined)
  after.createdAt = await dateOfCommit(call, after)
  after.publishedAt = after.draft ? before.publishedAt : (before.publishedAt ?? now())
  call.world.changeRepository(call.repository.name, ({ releases }) => {
    if (!after.draft && isTaken(releases, after)) throw validationFailed(TAKEN)
    const at = releases.findIndex((one) => one.id === after.id)
    // Assets may have come in while the tag was made.
    releases[at] = { ...after, assets: releases[at]?.assets ?? [] }
  })
  return ok(releaseBody(call, after))
}

function listReleases(call: Call): Answer {
  const visible = call.repository.releases.filter((one) => !one.draft || call.canPush)
  return call.page(visible.toReversed().map((one) => releaseBody(call, one)))
}

/** Never a draft, not even for those who may see it in the list. */
function getReleaseByTag(call: Call): Answer {
  const release = call.repository.releases.find((one) => one.tag === call.params['tag'] && !one.draft)
  if (!release) throw notFound()
  return ok(releaseBody(call, release))
}

const RELEASES = '/repos/{owner}/{repo}/releases'

export const RELEASE_ROUTES: Record<string, Route> = {
  [`GET ${RELEASES}`]: { permission: 'contents=read', handle: listReleases },
  [`GET ${RELEASES}/tags/{tag}`]: { permission: 'contents=read', handle: getReleaseByTag },
  [`GET ${RELEASES}/{release_id}`]: {
    permission: 'contents=read',
    handle: (call) => ok(releaseBody(call, releaseOf(call))),
  },
  [`POST ${RELEASES}`]: { permission: 'contents=write', workflows: true, handle: createRelease },
  [`PATCH ${RELEASES}/{release_id}`]: { permission: 'contents=write', workflows: true, handle: updateRelease },
  [`POST ${RELEASES}/generate-notes`]: { permission: 'contents=write', handle: generateNotes },
}
