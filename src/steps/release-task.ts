import path from 'node:path'
import { type Problem, ReleaseError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { committer, gitCredentials } from '../git/authenticated.ts'
import { keepForLaterSteps, putBack } from '../persisted-credentials.ts'
import { publishedVersion, pushHostProblems, title, versionTaken } from '../plan/gems.ts'
import type { Plan } from '../plan.ts'
import type { Release } from '../release.ts'
import { releaseTaskEnvironment } from '../rubygems/child-environment.ts'
import { readGem } from '../rubygems/gem-file.ts'
import { gemServer } from '../server.ts'
import type { Finished } from '../world/processes.ts'
import { listenForPushes, type PushReply, type PushRequest } from '../world/push-socket.ts'
import { findBuilt } from './build.ts'
import { privateCopy, type ReleaseGem } from './inspect.ts'
import { push } from './push.ts'

/**
 * Runs `rake release` as the project wrote it. Its `gem push` reaches this process through GEM_COMMAND and is carried
 * out like any other push; a task that calls `gem` by itself finds the key in the credentials file. Returns what was
 * released. Throws ReleaseError: `release-task-failed`, or what stopped a push.
 */
export async function runReleaseTask(it: Release, plan: Plan, facts: Facts): Promise<ReleaseGem[]> {
  const { world, inputs } = it
  const receipt = inputs.persistCredentials
    ? undefined
    : await keepForLaterSteps(await it.keys.current(), inputs.server, world)
  try {
    const pushes = new TaskPushes(it, plan, facts)
    const since = Date.now()
    const finished = await runTask(it, plan, facts, pushes)
    if (pushes.failure) throw pushes.failure.error
    if (finished.code !== 0) throw new ReleaseError(failed(plan, finished))
    return [...pushes.gems, ...(await pushedByTask(it, plan, pushes.gems, since))]
  } finally {
    if (receipt) world.runner.info(await putBack(receipt))
  }
}

async function runTask(it: Release, plan: Plan, facts: Facts, pushes: TaskPushes): Promise<Finished> {
  const { world, run, inputs } = it
  const { runner, processes } = world
  const cwd = inputs.workingDirectory
  await using socket = await listenForPushes(world.privateDirectory, (request) => pushes.carryOut(request))
  const base = releaseTaskEnvironment(runner.env, {
    ...gitCredentials(run, inputs.githubToken, runner),
    SOURCE_DATE_EPOCH: String(facts.checkout?.committedAt ?? 0),
    GEM_COMMAND: [process.execPath, world.assets.gemCommand].map(shellWord).join(' '),
    RELEASE_GEM_SOCKET: socket.address,
  })
  const env = { ...base, ...(await committer(cwd, base)) }
  const [program = '', ...args] = taskCommand(plan)
  return runner.foreign(async (print) => {
    // Without the tags of the remote Bundler would take a released version for a new one and be refused.
    await processes.run({ program: 'git', args: ['fetch', '--tags', '--force', '--quiet'], cwd, env, onLine: print })
    return processes.run({ program, args, cwd, env, onLine: print })
  })
}

function taskCommand(plan: Plan): string[] {
  const bundler = plan.build.kind === 'release-task' && plan.build.bundler
  return bundler ? ['bundle', 'exec', 'rake', 'release'] : ['rake', 'release']
}

/** One word for Ruby's Shellwords, which Bundler splits GEM_COMMAND with. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** The pushes that came through GEM_COMMAND. */
class TaskPushes {
  readonly gems: ReleaseGem[] = []
  failure: { error: unknown } | undefined
  readonly #it: Release
  readonly #plan: Plan
  readonly #facts: Facts

  constructor(it: Release, plan: Plan, facts: Facts) {
    this.#it = it
    this.#plan = plan
    this.#facts = facts
  }

  async carryOut(request: PushRequest): Promise<PushReply> {
    try {
      const gem = await this.#inspect(request)
      await this.#push(gem)
      this.gems.push(gem)
      return { message: `${title(gem)} is on ${this.#it.inputs.server.host}.`, exitCode: 0 }
    } catch (error) {
      this.failure ??= { error }
      return { message: ReleaseError.from(error).message, exitCode: 1 }
    }
  }

  async #inspect({ args, cwd }: PushRequest): Promise<ReleaseGem> {
    const file = args.find(
      (argument, index) => !argument.startsWith('-') && !/^(-k|--key|--host|--otp)$/.test(args[index - 1] ?? ''),
    )
    const builtPath = path.resolve(cwd, file ?? '')
    const { inputs, world } = this.#it
    const gem = await readGem(builtPath, { copyTo: privateCopy(world) })
    const live = publishedVersion(gem, this.#facts.published)
    const problems = [...pushHostProblems(gem, gem.metadata, inputs.server), ...this.#unwanted(gem, args)]
    if (live && live.sha256 !== gem.sha256)
      problems.push(versionTaken(gem, gem.sha256, live.sha256, inputs.server.host))
    ReleaseError.throwIfAny(problems)
    return { ...gem, builtPath, alreadyPublished: live !== undefined }
  }

  #unwanted(gem: { name: string; version: string; platform: string }, args: readonly string[]): Problem[] {
    const { server } = this.#it.inputs
    const host = args[args.indexOf('--host') + 1]
    const elsewhere =
      args.includes('--host') &&
      (URL.parse(host ?? '') === null || gemServer(new URL(host ?? '')).origin !== server.origin)
    const planned = this.#plan.gems.some(({ name, version }) => name === gem.name && version === gem.version)
    return [
      ...(planned ? [] : [notPlanned(gem, this.#plan)]),
      ...(elsewhere ? [otherHost(gem, host ?? '', server.origin)] : []),
    ]
  }

  async #push(gem: ReleaseGem): Promise<void> {
    const { ledger, keys, registry, world } = this.#it
    if (gem.alreadyPublished) return ledger.gem(gem, 'already-published')
    try {
      await ledger.gem(gem, await push(gem, keys, registry, world))
    } catch (error) {
      await ledger.gem(gem, 'failed')
      throw error
    }
  }
}

/** Gems the task pushed with a `gem` of its own: found where they were built; `verify` compares them afterwards. */
async function pushedByTask(
  it: Release,
  plan: Plan,
  known: readonly ReleaseGem[],
  since: number,
): Promise<ReleaseGem[]> {
  const missing = plan.gems.filter(
    (gem) => !known.some(({ name, version }) => name === gem.name && version === gem.version),
  )
  const gems: ReleaseGem[] = []
  for (const planned of missing) {
    const { path: builtPath } = await findBuilt(planned, it.inputs.workingDirectory, since)
    const file = await readGem(builtPath, { copyTo: privateCopy(it.world) })
    const gem = { ...file, builtPath, alreadyPublished: false }
    await it.ledger.gem(gem, 'pushed')
    gems.push(gem)
  }
  return gems
}

function failed(plan: Plan, finished: Finished): Problem {
  return {
    code: 'release-task-failed',
    what: `\`${taskCommand(plan).join(' ')}\` failed with exit code ${String(finished.code)}.`,
    why: finished.tail.slice(-8).join('\n'),
    fix: 'Correct what the task reports and re-run the job: gems that are out already are recognised by their digest.',
  }
}

function notPlanned(gem: { name: string; version: string; platform: string }, plan: Plan): Problem {
  return {
    code: 'gem-unexpected',
    what: `The release task tried to push ${title(gem)}, but this run releases ${plan.gems.map(title).join(', ')}.`,
    why: 'The key could push every gem that trusts this workflow; only those the project’s gemspecs name are let through.',
    fix: 'Release that gem from its own directory (`working-directory:`).',
  }
}

function otherHost(gem: { name: string; version: string; platform: string }, host: string, origin: string): Problem {
  return {
    code: 'push-host-mismatch',
    what: `The release task tried to push ${title(gem)} to ${JSON.stringify(host)}, but \`gem-server\` is ${origin}.`,
    fix: 'Make the two agree.',
  }
}
