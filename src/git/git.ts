import { getExecOutput } from '@actions/exec'
import { findProgram } from '../world/programs.ts'

/** Asks git about a checkout. Nothing of the repository's or the user's configuration may run a program. */
export interface Git {
  /** Standard output of a git command, trimmed at the end; undefined where it failed or git is missing. */
  ask(...args: string[]): Promise<string | undefined>
  /** The same git with further settings, which win. */
  with(settings: ReadonlyMap<string, string>): Git
  /** Settings whose names match, as everybody else's git has them: the machine's, the user's and the repository's. */
  settings(pattern: string): Promise<Map<string, string>>
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
  // The owner of a checkout differs from the user of a container job; reading it inertly is safe all the same.
  'safe.directory': '*',
}

type Environment = Readonly<Record<string, string | undefined>>

/** Variables that make git quiet, read-only and independent of the machine's and the user's configuration. */
function inertEnvironment(env: Environment): Record<string, string> {
  return {
    PATH: env['PATH'] ?? '',
    ...(env['SystemRoot'] === undefined ? {} : { SystemRoot: env['SystemRoot'] }),
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    // A partial clone fetches what it lacks when it is read, by whatever program its configuration names.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    LC_ALL: 'C',
  }
}

/** Git for the checkout in `directory`, without its configuration's teeth. */
export function readOnlyGit(directory: string, env: Environment): Git {
  return configured(directory, env, new Map())
}

function configured(directory: string, env: Environment, settings: ReadonlyMap<string, string>): Git {
  const inert = Object.entries(INERT).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const run = async (args: string[], variables: Record<string, string>): Promise<string | undefined> => {
    const program = await findProgram('git', env['PATH'])
    if (program === undefined) return undefined
    const options = { cwd: directory, env: variables, silent: true, ignoreReturnCode: true }
    const { exitCode, stdout } = await getExecOutput(program, args, options)
    return exitCode === 0 ? stdout.trimEnd() : undefined
  }
  return {
    ask: (...args) => run([...inert, ...args], { ...inertEnvironment(env), ...asVariables(settings) }),
    with: (more) => configured(directory, env, new Map([...settings, ...more])),
    async settings(pattern) {
      // To read settings runs nothing that they name.
      const found = await run(['config', '--null', '--get-regexp', pattern], defined(env))
      const pairs = (found ?? '').split('\0').filter((entry) => entry !== '')
      return new Map(pairs.map(asSetting))
    },
  }
}

/** `KEY` and `VALUE` on a line each, or a key alone, which is one that is true. */
function asSetting(entry: string): [string, string] {
  const end = entry.indexOf('\n')
  return end < 0 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]
}

function defined(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/**
 * Settings as git (2.31) reads them from its environment: with `-c`, a key could not hold an equals sign, and a value
 * would be on a command line. They come after those that `env` has already.
 */
export function asVariables(
  settings: Iterable<readonly [string, string]>,
  env: Environment = {},
): Record<string, string> {
  const given = Number.parseInt(env['GIT_CONFIG_COUNT'] ?? '', 10)
  const first = given > 0 ? given : 0
  const list = [...settings]
  const pairs = list.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${String(first + index)}`, key],
    [`GIT_CONFIG_VALUE_${String(first + index)}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(first + list.length), ...Object.fromEntries(pairs) }
}
