import { type Problem, ReleaseError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { committer, fetchTags, gitCredentials } from '../git/authenticated.ts'
import { keepForLaterSteps, putBack } from '../persisted-credentials.ts'
import { trustForeignCheckout } from '../git/foreign-owner.ts'
import type { Plan } from '../plan/planned.ts'
import type { Release } from '../release-context.ts'
import { releaseTaskEnvironment } from '../rubygems/child-environment.ts'
import { standInForGem } from '../rubygems/stand-in.ts'
import { lastWords } from '../world/last-words.ts'
import { type Finished, ProgramNotFound } from '../world/processes.ts'
import { listenForPushes } from '../world/push-socket.ts'
import type { ReleaseGem } from './inspect.ts'
import { pushedByTask } from './pushed-by-task.ts'
import { TaskPushes } from './task-pushes.ts'

/**
 * Runs `rake release` as the project wrote it. Its `gem push` reaches this process through our stand-in for `gem` and is
 * carried out like any other push; a task that loads RubyGems' client by itself finds the key in the credentials file.
 * Throws ReleaseError: `release-task-failed`, or what stopped a push.
 */
export async function runReleaseTask(it: Release, plan: Plan, facts: Facts): Promise<ReleaseGem[]> {
  const { world, inputs, ledger } = it
  const env = await taskEnvironment(it, facts)
  await fetchTags({ plan, facts, env, cwd: inputs.workingDirectory }, world)
  const receipt = inputs.persistCredentials
    ? undefined
    : await keepForLaterSteps(await it.keys.current(), inputs.server, world)
  try {
    for (const gem of plan.gems) await ledger.sending(gem)
    const pushes = new TaskPushes(it, plan, facts)
    const since = Date.now()
    const finished = await runTask(it, plan, env, pushes)
    const failure =
      pushes.failure?.error ?? (finished.code === 0 ? undefined : new ReleaseError(failed(plan, finished)))
    const { gems, tried } = pushes
    const others = pushedByTask(it, { plan, facts, known: gems, tried, since, failed: failure !== undefined })
    if (failure !== undefined) {
      // What the task has published before it failed is worth knowing, but not more than why it failed.
      await others.catch(() => [])
      throw failure
    }
    return [...gems, ...(await others)]
  } finally {
    if (receipt) world.runner.info(await putBack(receipt))
  }
}

async function taskEnvironment({ world, run, inputs }: Release, facts: Facts): Promise<Record<string, string>> {
  const { runner } = world
  const elsewhere = inputs.server.kind !== 'rubygems.org' && !runner.env['RUBYGEMS_HOST']
  const base = releaseTaskEnvironment(runner.env, {
    ...gitCredentials(run, inputs.githubToken, runner),
    SOURCE_DATE_EPOCH: String(facts.checkout?.committedAt ?? 0),
    ...(await standInForGem(world, process.platform)),
    // A `gem push` that names no host means the server of this release.
    ...(elsewhere ? { RUBYGEMS_HOST: inputs.server.origin } : {}),
  })
  const env = { ...base, ...(await trustForeignCheckout(inputs.workingDirectory, base)) }
  return { ...env, ...(await committer(inputs.workingDirectory, env)) }
}

async function runTask(
  { world, inputs }: Release,
  plan: Plan,
  env: Readonly<Record<string, string>>,
  pushes: TaskPushes,
): Promise<Finished> {
  const { runner, processes, privateDirectory } = world
  await using socket = await listenForPushes(privateDirectory, (request) => pushes.carryOut(request))
  const [program = '', ...args] = taskCommand(plan)
  runner.info(`$ ${taskCommand(plan).join(' ')}`)
  return await runner
    .foreign((print) =>
      processes.run({
        program,
        args,
        cwd: inputs.workingDirectory,
        env: { ...env, RELEASE_GEM_SOCKET: socket.address },
        onLine: print,
      }),
    )
    .catch((error: unknown) => {
      throw error instanceof ProgramNotFound ? new ReleaseError(notFound(program), { cause: error }) : error
    })
}

function taskCommand(plan: Plan): string[] {
  const bundler = plan.build.kind === 'release-task' && plan.build.bundler
  return bundler ? ['bundle', 'exec', 'rake', 'release'] : ['rake', 'release']
}

function failed(plan: Plan, finished: Finished): Problem {
  return {
    code: 'release-task-failed',
    what: `\`${taskCommand(plan).join(' ')}\` failed with exit code ${String(finished.code)}.`,
    why: lastWords(finished),
    fix: 'Correct what the task reports and re-run the job: gems that are out already are recognised by their digest.',
  }
}

function notFound(program: string): Problem {
  return {
    code: 'ruby-unavailable',
    what: `There is no \`${program}\` on PATH, and the release task is run with it.`,
    fix: 'Add a `ruby/setup-ruby` step before this one, or set `strategy: direct`.',
  }
}
