import { type Call, nodeId } from './routes.ts'

/** What GitHub says of a commit or tag that carries no signature. */
export const UNSIGNED = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null }

/** A user or app as GitHub shows it inside other answers. */
export function userBody(api: string, server: string, login: string, id: number, type: 'User' | 'Bot') {
  const url = `${api}/users/${encodeURIComponent(login)}`
  return {
    login,
    id,
    node_id: nodeId('U', id),
    avatar_url: `${server}/avatars/${String(id)}`,
    gravatar_id: '',
    url,
    html_url: `${server}/${type === 'Bot' ? `apps/${login.replace('[bot]', '')}` : login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    user_view_type: 'public',
    site_admin: false,
  }
}

/** The account behind the token of a workflow run, with its real number. */
export function botBody(call: Call) {
  return userBody(call.request.url.origin, call.serverUrl, 'github-actions[bot]', 41898282, 'Bot')
}

function addresses(api: string, html: string) {
  const { host } = new URL(html)
  const path = new URL(html).pathname
  return {
    html_url: html,
    url: api,
    forks_url: `${api}/forks`,
    keys_url: `${api}/keys{/key_id}`,
    collaborators_url: `${api}/collaborators{/collaborator}`,
    teams_url: `${api}/teams`,
    hooks_url: `${api}/hooks`,
    issue_events_url: `${api}/issues/events{/number}`,
    events_url: `${api}/events`,
    assignees_url: `${api}/assignees{/user}`,
    branches_url: `${api}/branches{/branch}`,
    tags_url: `${api}/tags`,
    blobs_url: `${api}/git/blobs{/sha}`,
    git_tags_url: `${api}/git/tags{/sha}`,
    git_refs_url: `${api}/git/refs{/sha}`,
    trees_url: `${api}/git/trees{/sha}`,
    statuses_url: `${api}/statuses/{sha}`,
    languages_url: `${api}/languages`,
    stargazers_url: `${api}/stargazers`,
    contributors_url: `${api}/contributors`,
    subscribers_url: `${api}/subscribers`,
    subscription_url: `${api}/subscription`,
    commits_url: `${api}/commits{/sha}`,
    git_commits_url: `${api}/git/commits{/sha}`,
    comments_url: `${api}/comments{/number}`,
    issue_comment_url: `${api}/issues/comments{/number}`,
    contents_url: `${api}/contents/{+path}`,
    compare_url: `${api}/compare/{base}...{head}`,
    merges_url: `${api}/merges`,
    archive_url: `${api}/{archive_format}{/ref}`,
    downloads_url: `${api}/downloads`,
    issues_url: `${api}/issues{/number}`,
    pulls_url: `${api}/pulls{/number}`,
    milestones_url: `${api}/milestones{/number}`,
    notifications_url: `${api}/notifications{?since,all,participating}`,
    labels_url: `${api}/labels{/name}`,
    releases_url: `${api}/releases{/id}`,
    deployments_url: `${api}/deployments`,
    git_url: `git://${host}${path}.git`,
    ssh_url: `git@${host}:${path.slice(1)}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
  }
}

/** A repository as `GET /repos/{owner}/{repo}` shows it. */
export function repositoryBody(call: Call, owner: ReturnType<typeof userBody>) {
  const { id, name, private: hidden, createdAt, defaultBranch } = call.repository
  return {
    id,
    node_id: nodeId('R', id),
    name: name.split('/')[1] ?? '',
    full_name: name,
    private: hidden,
    visibility: hidden ? 'private' : 'public',
    owner,
    description: null,
    fork: false,
    ...addresses(call.api, call.html),
    created_at: createdAt,
    updated_at: createdAt,
    pushed_at: createdAt,
    homepage: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: 'Ruby',
    has_issues: true,
    has_projects: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: false,
    disabled: false,
    open_issues_count: 0,
    license: null,
    topics: [],
    forks: 0,
    open_issues: 0,
    watchers: 0,
    default_branch: defaultBranch,
    network_count: 0,
    subscribers_count: 0,
    permissions: { admin: false, maintain: false, push: call.canPush, triage: false, pull: true },
  }
}
