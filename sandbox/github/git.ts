import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'

export interface GitResult {
  code: number | null
  stdout: Buffer
  stderr: string
}

export interface GitOptions {
  cwd?: string
  input?: string | Buffer
  env?: Record<string, string>
}

/**
 * An environment in which git sees no configuration but the repository's own: no host's user name,
 * credential helper, proxy or signing key may decide what the sandbox does.
 */
export function gitEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: tmpdir(),
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Octo Cat',
    GIT_AUTHOR_EMAIL: 'octocat@example.com',
    GIT_COMMITTER_NAME: 'Octo Cat',
    GIT_COMMITTER_EMAIL: 'octocat@example.com',
    ...extra,
  }
}

/** Runs git and reports how it ended, whatever that was. */
export async function tryGit(args: string[], options: GitOptions = {}): Promise<GitResult> {
  const child = spawn('git', args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: gitEnvironment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // git may refuse before it has read everything; its exit code and stderr then say more than EPIPE.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  return await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() })
    })
  })
}

/** Runs git and returns what it printed, without the last newline; throws with git's own words where it fails. */
export async function git(args: string[], options: GitOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryGit(args, options)
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${String(code)}: ${stderr.trim()}`)
  return stdout.toString().replace(/\n$/, '')
}
