import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Handler, SandboxRequest, SandboxResponse } from '../messages.ts'
import { type Caller, callerOf, canSee, levelOf, mayBypass } from './access.ts'
import { tryGit } from './git.ts'
import type { StoredRepository, World } from './world.ts'

const PATH = /^\/(?<owner>[^/]+)\/(?<repo>[^/]+?)(?:\.git)?\/(?<what>info\/refs|git-upload-pack|git-receive-pack)$/
const MAX_PUSH_BYTES = 512 * 1024 * 1024
const HOOK = fileURLToPath(new URL('proc-receive.ts', import.meta.url))

function plain(status: number, text: string, headers: Record<string, string> = {}): SandboxResponse {
  return { status, body: `${text}\n`, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } }
}

function unauthorized(text: string): SandboxResponse {
  return plain(401, text, { 'www-authenticate': 'Basic realm="GitHub"' })
}

/** GitHub's refusals, which git prints as `remote: …`; nothing where the caller may go on. */
function refusal(caller: Caller, name: string, repository: StoredRepository | undefined, pushing: boolean) {
  if (caller.kind === 'unknown') {
    return unauthorized('Invalid username or token. Password authentication is not supported for Git operations.')
  }
  if (!repository || !canSee(caller, repository)) {
    // Without credentials GitHub does not say whether there is such a repository.
    return caller.kind === 'anonymous' ? unauthorized('Repository not found.') : plain(404, 'Repository not found.')
  }
  if (pushing && caller.kind === 'anonymous') return unauthorized('No anonymous write access.')
  const level = levelOf(caller, repository)
  if (pushing && level !== 'write') return plain(403, `Permission to ${name}.git denied to github-actions[bot].`)
  return level === 'none' ? plain(403, 'Write access to repository not granted.') : undefined
}

/** What `git http-backend` needs to know of a request (`git help http-backend`, RFC 3875). */
function cgi(request: SandboxRequest, path: string, root: string, size: number): Record<string, string> {
  const header = (name: string) => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : ''
  }
  return {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: path,
    REQUEST_METHOD: request.method,
    QUERY_STRING: request.url.search.slice(1),
    CONTENT_TYPE: header('content-type'),
    CONTENT_LENGTH: String(size),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    HTTP_GIT_PROTOCOL: header('git-protocol'),
    REMOTE_USER: 'github-actions[bot]',
    REMOTE_ADDR: '127.0.0.1',
  }
}

/** Settings of this one push; the hook costs a process, so only a repository with protected tags has it called. */
function rules(repository: StoredRepository, caller: Caller, origin: string): Record<string, string> {
  if (repository.protectedTags.length === 0) return {}
  const page = `${origin}/${repository.name}/rules`
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'receive.procReceiveRefs',
    GIT_CONFIG_VALUE_0: 'refs/tags',
    SANDBOX_NODE: execPath,
    SANDBOX_HOOK: HOOK,
    SANDBOX_RULES: JSON.stringify({ patterns: repository.protectedTags, bypass: mayBypass(caller), page }),
  }
}

function fromCgi(output: Buffer, stderr: string): SandboxResponse {
  const end = output.indexOf('\r\n\r\n')
  if (end === -1) return plain(500, `git http-backend gave no answer: ${stderr}`)
  const headers: Record<string, string> = {}
  let status = 200
  for (const line of output.subarray(0, end).toString('latin1').split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s)
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else headers[name.toLowerCase()] = value
  }
  return { status, headers, body: output.subarray(end + 4) }
}

/**
 * The git remote: real `git http-backend` on the world's bare repositories, behind GitHub's rules for
 * who may read and who may push. `https://github.com/OWNER/REPO.git` becomes `ORIGIN/OWNER/REPO.git`.
 */
export function gitRemote(world: World): Handler {
  return async (request) => {
    const { owner = '', repo = '', what = '' } = PATH.exec(request.url.pathname)?.groups ?? {}
    const service = what === 'info/refs' ? request.url.searchParams.get('service') : what
    if (owner === '') return plain(404, 'Not Found')
    if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
      return plain(403, 'Please upgrade your git client.\nGitHub.com no longer supports git over dumb-http.')
    }
    const caller = callerOf(world, request.headers.authorization)
    const repository = world.repository(`${owner}/${repo}`)
    const refused = refusal(caller, `${owner}/${repo}`, repository, service === 'git-receive-pack')
    if (refused || !repository) return refused ?? plain(404, 'Repository not found.')
    const input = await request.body(MAX_PUSH_BYTES)
    const path = `/${repository.name}.git/${what}`
    const env = {
      ...cgi(request, path, world.repositories, input.length),
      ...rules(repository, caller, request.url.origin),
    }
    const { stdout, stderr } = await tryGit(['http-backend'], { input, env })
    return fromCgi(stdout, stderr)
  }
}
