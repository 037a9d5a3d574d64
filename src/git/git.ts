import { getExecOutput } from '@actions/exec'

/** Asks git about a checkout. Nothing of the repository's or the user's configuration may run a program. */
export interface Git {
  /** Standard output of a git command, trimmed at the end; undefined where it failed or git is missing. */
  ask(...args: string[]): Promise<string | undefined>
}

/**
 * Settings that keep a repository's own configuration from running programs while git reads it: hooks, a file
 * system monitor, credential helpers, external transports and maintenance.
 */
const INERT = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'credential.helper': '',
  'protocol.ext.allow': 'never',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'diff.external': '',
}

/** Variables that make git quiet, read-only and independent of the machine's and the user's configuration. */
function inertEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return {
    PATH: env['PATH'] ?? '',
    ...(env['SystemRoot'] === undefined ? {} : { SystemRoot: env['SystemRoot'] }),
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
}

/** Git for the checkout in `directory`, without its configuration's teeth. */
export function readOnlyGit(directory: string, env: Readonly<Record<string, string | undefined>>): Git {
  // The owner of a checkout differs from the user of a container job; reading it inertly is safe all the same.
  const settings = Object.entries({ ...INERT, 'safe.directory': '*' }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ])
  const environment = inertEnvironment(env)
  return {
    async ask(...args) {
      try {
        const { exitCode, stdout } = await getExecOutput('git', [...settings, ...args], {
          cwd: directory,
          env: environment,
          silent: true,
          ignoreReturnCode: true,
        })
        return exitCode === 0 ? stdout.trimEnd() : undefined
      } catch {
        // @actions/exec throws where the program is missing: to the caller the same as "no checkout".
        return undefined
      }
    },
  }
}
