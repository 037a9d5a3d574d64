import { getExecOutput } from '@actions/exec'
import type { Facts } from '../facts.ts'
import type { RunContext } from '../github/run-context.ts'
import type { Plan } from '../plan/planned.ts'
import type { Runner } from '../world/runner.ts'
import { findProgram } from '../world/programs.ts'
import type { Secret } from '../world/secret.ts'
import type { World } from '../world/world.ts'
import { asVariables, readOnlyGit } from './git.ts'

/** How often the tags are asked for, and the first wait between, in ms. */
const FETCHES = 3
const FIRST_WAIT = 1_000
/** A connection that moves less than this is given up; git itself would wait forever. */
const STALLED = { GIT_HTTP_LOW_SPEED_LIMIT: '100', GIT_HTTP_LOW_SPEED_TIME: '20' }

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
  const settings = [
    [header, ''],
    [header, `AUTHORIZATION: basic ${basic}`],
  ] as const
  return { ...asVariables(settings, runner.env), GIT_TERMINAL_PROMPT: '0' }
}

/** Who tags, where git knows nobody: the author of the released commit, as under the incumbent action. */
export async function committer(directory: string, env: Record<string, string>): Promise<Record<string, string>> {
  const program = await findProgram('git', env['PATH'])
  if (program === undefined) return {}
  const ask = async (...args: string[]): Promise<string> => {
    const { stdout } = await getExecOutput(program, args, { cwd: directory, env, silent: true, ignoreReturnCode: true })
    return stdout.trim()
  }
  if (await ask('config', '--get', 'user.email')) return {}
  const [name = '', email = ''] = (await ask('log', '-1', '--no-show-signature', '--format=%an%x00%ae', 'HEAD')).split(
    '\0',
  )
  return name && email
    ? { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email, GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email }
    : {}
}

export interface FetchTags {
  plan: Plan
  facts: Facts
  env: Readonly<Record<string, string>>
  cwd: string
}

/**
 * Brings the remote's tags into the checkout, which as a rule has none: without them Bundler would take a tag that is
 * there for one to be made, and be refused. A shallow checkout gets the tags of this release only, since others would
 * bring the history with them. A failure is told and no more: what it means is for the release task to find out.
 */
export async function fetchTags({ plan, facts, env, cwd }: FetchTags, world: World): Promise<void> {
  const { runner, processes, clock, signal } = world
  const git = readOnlyGit(cwd, runner.env)
  const branch = facts.checkout?.branch
  const configured = branch === undefined ? undefined : await git.ask('config', '--get', `branch.${branch}.remote`)
  const remote = configured || 'origin'
  if ((await git.ask('config', '--get', `remote.${remote}.url`)) === undefined) return
  const shallow = (await git.ask('rev-parse', '--is-shallow-repository')) === 'true'
  const rake = facts.project?.rake
  const mine = [...plan.tags.map(({ name }) => name), ...(rake?.state === 'loaded' && rake.tag ? [rake.tag] : [])]
  const patterns = shallow ? [...new Set(mine)].map((name) => `${name}*`) : ['*']
  // What follows is no option, whatever it looks like.
  const args = ['fetch', '--quiet', '--no-tags', '--', remote]
  // A pattern fails where the remote cannot be read, but not where it has no such tag.
  for (const pattern of patterns) args.push(`+refs/tags/${pattern}:refs/tags/${pattern}`)
  for (let number = 1; ; number++) {
    const { code, tail } = await runner.foreign((print) =>
      processes.run({ program: 'git', args, cwd, env: { ...env, ...STALLED }, onLine: print }),
    )
    if (code === 0) return
    if (number === FETCHES) {
      runner.warning(
        'Tags not fetched',
        [`git fetch failed with exit code ${String(code)}.`, ...tail.slice(-3)].join('\n'),
      )
      return
    }
    await clock.sleep(FIRST_WAIT * 2 ** (number - 1), signal)
  }
}
