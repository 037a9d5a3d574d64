import { type Answer, Refusal, notFound, ok } from './answers.ts'
import { UNSIGNED, repositoryBody, userBody } from './bodies.ts'
import { type Call, type Route, nodeId, refuseEmpty } from './routes.ts'

async function commitBody(call: Call, sha: string) {
  const commit = await call.bare.readCommit(sha)
  const url = `${call.api}/commits/${sha}`
  return {
    url,
    sha,
    node_id: nodeId('C', call.repository.id, sha),
    html_url: `${call.html}/commit/${sha}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${call.api}/git/commits/${sha}`,
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      tree: { sha: commit.tree, url: `${call.api}/git/trees/${commit.tree}` },
      comment_count: 0,
      verification: UNSIGNED,
    },
    // GitHub says null for an address that belongs to no account.
    author: null,
    committer: null,
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: `${call.api}/commits/${parent}`,
      html_url: `${call.html}/commit/${parent}`,
    })),
  }
}

/** `GET …/commits/{ref}` takes a commit, a short one, a branch, a tag, `heads/…`, `tags/…`, and says 422 where there is none. */
async function getCommit(call: Call): Promise<Answer> {
  await refuseEmpty(call)
  const ref = call.params['ref'] ?? ''
  // A commit, branch or tag, and none of git's other ways to say one (`main~3`, `:/fix`, `HEAD@{1}`).
  const names = [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`, ref].filter((name) => !/[~^:@{]/.test(name))
  for (const name of /^[0-9a-f]{7,40}$/.test(ref) ? [ref, ...names] : names) {
    const sha = await call.bare.commitOf(name)
    if (sha === undefined) continue
    if (call.request.headers.accept === 'application/vnd.github.sha') return { status: 200, text: sha }
    return ok(await commitBody(call, sha))
  }
  throw new Refusal(422, `No commit found for SHA: ${ref}`)
}

async function getBranch(call: Call): Promise<Answer> {
  const name = call.params['branch'] ?? ''
  const branch = await call.bare.ref(`refs/heads/${name}`)
  if (!branch) throw new Refusal(404, 'Branch not found')
  const self = `${call.api}/branches/${name}`
  return ok({
    name,
    commit: await commitBody(call, branch.sha),
    _links: { self, html: `${call.html}/tree/${name}` },
    protected: false,
    protection: { enabled: false, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } },
    protection_url: `${self}/protection`,
  })
}

function getRepository(call: Call): Answer {
  const [login = ''] = call.repository.name.split('/')
  if (login === '') throw notFound()
  return ok(
    repositoryBody(call, userBody(call.request.url.origin, call.serverUrl, login, call.repository.ownerId, 'User')),
  )
}

export const REPOSITORY_ROUTES: Record<string, Route> = {
  'GET /repos/{owner}/{repo}': { permission: 'metadata=read', handle: getRepository },
  'GET /repos/{owner}/{repo}/commits/{ref}': { permission: 'contents=read', handle: getCommit },
  'GET /repos/{owner}/{repo}/branches/{branch}': { permission: 'contents=read', handle: getBranch },
}
