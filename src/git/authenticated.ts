import { getExecOutput } from '@actions/exec'
import type { RunContext } from '../github/run-context.ts'
import type { Runner } from '../world/runner.ts'
import type { Secret } from '../world/secret.ts'

/**
 * Variables that let git in one child process authenticate at this GitHub and nowhere else: configuration from the
 * environment (git 2.31), so that nothing is written to `.git/config`, and nothing is on a command line. The empty
 * value first drops the header that actions/checkout may have left, which would be sent as a second one.
 */
export function gitCredentials(run: RunContext, token: Secret | undefined, runner: Runner): Record<string, string> {
  if (!token) return {}
  const basic = Buffer.from(`x-access-token:${token.reveal()}`).toString('base64')
  runner.mask(basic)
  const header = `http.${run.serverUrl}/.extraheader`
  return {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: header,
    GIT_CONFIG_VALUE_0: '',
    GIT_CONFIG_KEY_1: header,
    GIT_CONFIG_VALUE_1: `AUTHORIZATION: basic ${basic}`,
    GIT_TERMINAL_PROMPT: '0',
  }
}

/** Who tags, where git knows nobody: the author of the released commit, as under the incumbent action. */
export async function committer(directory: string, env: Record<string, string>): Promise<Record<string, string>> {
  const ask = async (...args: string[]): Promise<string> => {
    const { stdout } = await getExecOutput('git', args, { cwd: directory, env, silent: true, ignoreReturnCode: true })
    return stdout.trim()
  }
  if (await ask('config', '--get', 'user.email')) return {}
  const [name = '', email = ''] = (await ask('log', '-1', '--format=%an%x00%ae', 'HEAD')).split('\0')
  return name && email
    ? { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email, GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email }
    : {}
}
