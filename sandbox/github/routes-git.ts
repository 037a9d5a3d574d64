import { levelOf } from './access.ts'
import { type Answer, Refusal, created, notFound, ok } from './answers.ts'
import { type CommitObject, type ObjectType, type Person, type Ref, type TagObject, isSha } from './bare.ts'
import { UNSIGNED } from './bodies.ts'
import { type Call, type Route, nodeId, refuseEmpty } from './routes.ts'
import { isObject } from './schema.ts'

/** Who an app's token speaks for where a request names nobody. */
const BOT = { name: 'github-actions[bot]', email: '41898282+github-actions[bot]@users.noreply.github.com' }

const TYPES: Record<ObjectType, string> = { commit: 'commits', tree: 'trees', blob: 'blobs', tag: 'tags' }

function link(call: Call, sha: string, type: ObjectType) {
  return { sha, type, url: `${call.api}/git/${TYPES[type]}/${sha}` }
}

function refBody(call: Call, { ref, sha, type }: Ref) {
  const url = `${call.api}/git/${ref}`
  return { ref, node_id: nodeId('REF', call.repository.id, ref), url, object: link(call, sha, type) }
}

function tagBody(call: Call, sha: string, tag: TagObject) {
  return {
    node_id: nodeId('TA', call.repository.id, sha),
    sha,
    url: `${call.api}/git/tags/${sha}`,
    tagger: tag.tagger ?? { name: '', email: '', date: '' },
    object: link(call, tag.object, tag.type),
    tag: tag.tag,
    message: tag.message,
    verification: UNSIGNED,
  }
}

function commitBody(call: Call, sha: string, commit: CommitObject) {
  return {
    sha,
    node_id: nodeId('C', call.repository.id, sha),
    url: `${call.api}/git/commits/${sha}`,
    html_url: `${call.html}/commit/${sha}`,
    author: commit.author,
    committer: commit.committer,
    tree: { sha: commit.tree, url: `${call.api}/git/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: `${call.api}/git/commits/${parent}`,
      html_url: `${call.html}/commit/${parent}`,
    })),
    verification: UNSIGNED,
  }
}

/** `GET …/git/ref/tags/v1`: that very ref; a prefix of one is not found, and a commit is no ref. */
async function getRef(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const ref = await call.bare.ref(`refs/${call.params['ref'] ?? ''}`)
  if (!ref) throw notFound()
  return ok(refBody(call, ref))
}

/** `GET …/git/matching-refs/tags/v1`: every ref that starts so, an empty list where none does. */
async function matchingRefs(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const refs = await call.bare.refs(`refs/${call.params['ref'] ?? ''}`)
  return ok(refs.map((ref) => refBody(call, ref)))
}

async function getCommit(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const sha = call.params['commit_sha'] ?? ''
  if ((await call.bare.typeOf(sha)) !== 'commit') throw notFound()
  return ok(commitBody(call, sha, await call.bare.readCommit(sha)))
}

async function getTag(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const sha = call.params['tag_sha'] ?? ''
  if ((await call.bare.typeOf(sha)) !== 'tag') throw notFound()
  return ok(tagBody(call, sha, await call.bare.readTag(sha)))
}

function requireSha(text: string): void {
  if (text.length < 40) {
    throw new Refusal(
      422,
      `Invalid request.\n\nAt least 40 characters are required; only ${String(text.length)} were supplied.`,
    )
  }
  if (!isSha(text)) throw new Refusal(422, 'The sha parameter must be exactly 40 characters and contain only [0-9a-f].')
}

function taggerOf(call: Call): Person {
  const given = isObject(call.body['tagger']) ? call.body['tagger'] : BOT
  const { name, email } = given
  const date = isObject(call.body['tagger']) ? call.body['tagger']['date'] : undefined
  const at = typeof date === 'string' ? Date.parse(date) : Date.now()
  if (Number.isNaN(at)) throw new Refusal(422, `Invalid request.\n\n${JSON.stringify(date)} is not a valid date-time.`)
  const seconds = new Date(Math.floor(at / 1000) * 1000).toISOString().replace('.000Z', 'Z')
  return { name: String(name), email: String(email), date: seconds }
}

/**
 * `POST …/git/tags` makes a tag object and no ref: the tag is not there before `POST …/git/refs`
 * (https://docs.github.com/rest/git/tags#create-a-tag-object).
 */
async function createTag(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const object = call.text('object') ?? ''
  const tag = call.text('tag') ?? ''
  requireSha(object)
  const type = await call.bare.typeOf(object)
  if (type === undefined || type !== call.body['type']) throw new Refusal(422, 'Could not verify object')
  if (!(await call.bare.isValidRefName(`refs/tags/${tag}`))) throw new Refusal(422, 'Could not verify tag name')
  const written = { object, type, tag, tagger: taggerOf(call), message: call.text('message') ?? '' }
  const sha = await call.bare.writeTag(written)
  if (sha === undefined) throw new Refusal(422, 'Could not verify object')
  return created(tagBody(call, sha, written))
}

/**
 * A tag or release of a commit whose workflows differ from the default branch's needs `workflows: write`,
 * which no token of a workflow run can have: "adds or modifies any file under `.github/workflows/`
 * relative to the repository's default branch" (https://docs.github.com/rest/releases/releases#create-a-release;
 * that it holds for refs too is what JuliaRegistries/TagBot ran into).
 */
export async function refuseWorkflowChange(call: Call, commit: string): Promise<void> {
  if (levelOf(call.caller, call.repository, 'workflows') === 'write') return
  if (await call.bare.changesUnder('.github/workflows', `refs/heads/${call.repository.defaultBranch}`, commit)) {
    throw new Refusal(403, 'Resource not accessible by integration')
  }
}

/** The refusals of `POST …/git/refs`, in the words GitHub's API was seen to use. */
async function createRef(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const ref = call.text('ref') ?? ''
  const sha = call.text('sha') ?? ''
  if (!ref.startsWith('refs/')) throw new Refusal(422, "Reference name must start with 'refs/'.")
  if (ref.split('/').length < 3) {
    throw new Refusal(422, 'Reference name must contain at least three slash-separated components.')
  }
  if (!(await call.bare.isValidRefName(ref))) throw new Refusal(422, `${ref} is not a valid ref name.`)
  requireSha(sha)
  const type = await call.bare.typeOf(sha)
  if (type === undefined) throw new Refusal(422, 'Object does not exist')
  if (await call.bare.ref(ref)) throw new Refusal(422, 'Reference already exists')
  const commit = await call.bare.commitOf(sha)
  if (commit !== undefined) await refuseWorkflowChange(call, commit)
  const broken = call.refuseProtected(ref)
  if (broken !== undefined) throw new Refusal(422, `Repository rule violations found\n\n${broken}\n\n`)
  if (!(await call.bare.createRef(ref, sha))) {
    const exists = await call.bare.ref(ref)
    throw new Refusal(422, exists ? 'Reference already exists' : 'Reference update failed')
  }
  return created(refBody(call, { ref, sha, type }))
}

export const GIT_ROUTES: Record<string, Route> = {
  'GET /repos/{owner}/{repo}/git/ref/{ref}': { permission: 'contents=read', handle: getRef },
  'GET /repos/{owner}/{repo}/git/matching-refs/{ref}': { permission: 'contents=read', handle: matchingRefs },
  'GET /repos/{owner}/{repo}/git/commits/{commit_sha}': { permission: 'contents=read', handle: getCommit },
  'GET /repos/{owner}/{repo}/git/tags/{tag_sha}': { permission: 'contents=read', handle: getTag },
  'POST /repos/{owner}/{repo}/git/tags': { permission: 'contents=write', handle: createTag },
  'POST /repos/{owner}/{repo}/git/refs': { permission: 'contents=write', workflows: true, handle: createRef },
}
