import { getExecOutput } from '@actions/exec'
import { type Problem, ReleaseError } from '../errors.ts'
import { files } from '../world/files.ts'
import { findProgram } from '../world/programs.ts'
import { asVariables } from './git.ts'

/**
 * Variables by which the git of the project's programs reads a checkout that belongs to another user. In a container job
 * every checkout does, and actions/checkout leaves no exception behind; `git ls-files` in a gemspec would list nothing,
 * and the gem would be empty. `env` is what those programs get besides.
 * Throws ReleaseError (`no-checkout`) where git does not take the exception from its environment (before 2.38).
 */
export async function trustForeignCheckout(
  directory: string,
  env: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const owner = await files.owner(directory)
  if (owner === undefined || owner === process.geteuid?.()) return {}
  const program = await findProgram('git', env['PATH'])
  if (program === undefined) return {}
  const variables = asVariables([['safe.directory', '*']], env)
  const { stderr } = await getExecOutput(program, ['rev-parse', '--git-dir'], {
    cwd: directory,
    env: { ...env, ...variables, LC_ALL: 'C' },
    silent: true,
    ignoreReturnCode: true,
  })
  if (/dubious ownership|unsafe repository/.test(stderr)) throw new ReleaseError(refusedByGit())
  return variables
}

function refusedByGit(): Problem {
  return {
    code: 'no-checkout',
    what: 'The checkout belongs to another user than this job runs as, and the git that is installed here does not read it for that reason.',
    why: 'A gemspec that lists its files with `git ls-files` would make an empty gem. In a container job every checkout belongs to the user of the host.',
    fix: 'Use an image with git 2.38 or later, or build in a job without `container:`.',
  }
}
