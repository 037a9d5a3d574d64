import { getExecOutput } from '@actions/exec'
import { findProgram } from '../world/programs.ts'

/** Asks git about a checkout. Nothing of the repository's or the user's configuration may run a program. */
export interface Git {
  /** Standard output of a git command, trimmed at the end; undefined where it failed or git is missing. */
  ask(...args: string[]): Promise<string | undefined>
  /** The same git with further settings, which win. */
  with(settings: ReadonlyMap<string, string>): Git
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
  const run = async (...args: string[]): Promise<string | undefined> => {
    const program = await findProgram('git', env['PATH'])
    if (program === undefined) return undefined
    const { exitCode, stdout } = await getExecOutput(program, [...inert, ...args], {
      cwd: directory,
      env: { ...inertEnvironment(env), ...asVariables(settings) },
      silent: true,
      ignoreReturnCode: true,
    })
    return exitCode === 0 ? stdout.trimEnd() : undefined
  }
  return {
    ask: run,
    with: (more) => configured(directory, env, new Map([...settings, ...more])),
  }
}

/** Settings as git (2.31) reads them from its environment: with `-c`, a key could not hold an equals sign. */
function asVariables(settings: ReadonlyMap<string, string>): Record<string, string> {
  const pairs = [...settings].flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${String(index)}`, key],
    [`GIT_CONFIG_VALUE_${String(index)}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(settings.size), ...Object.fromEntries(pairs) }
}
