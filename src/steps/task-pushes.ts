import path from 'node:path'
import { type Problem, ReleaseError } from '../errors.ts'
import { attestAll } from '../attestations.ts'
import type { Facts } from '../facts.ts'
import { headOf } from '../git/head.ts'
import { pushHostProblems } from '../plan/gems.ts'
import { publishedVersion, title, versionTaken } from '../rubygems/versions.ts'
import type { Plan } from '../plan/planned.ts'
import type { Release } from '../release-context.ts'
import { type GemFile, readGem } from '../rubygems/gem-file.ts'
import { hasCredential } from '../rubygems/existing-key.ts'
import { type PushArguments, readPushArguments } from '../rubygems/push-arguments.ts'
import { FINAL, otherCommit, UNATTESTED } from '../sigstore/policy.ts'
import { allowsPushTo } from '../server.ts'
import type { PushReply, PushRequest } from '../world/push-socket.ts'
import { privateCopy, type ReleaseGem } from './inspect.ts'
import { pushAndRecord } from './push-and-record.ts'

/**
 * Where `gem push` without `--host` sends a gem (lib/rubygems/commands/push_command.rb). Between the two comes
 * `allowed_push_host`, which is held against the server of this release in any case.
 */
function hostFor({ metadata }: GemFile, environmentHost: string | undefined): string | undefined {
  return metadata.get('default_gem_server') || (metadata.get('allowed_push_host') ? undefined : environmentHost)
}

interface Named {
  name: string
  version: string
  platform: string
}

/** The pushes of a release task that reached our stand-in for `gem`: compared with the plan, and carried out by our hands. */
export class TaskPushes {
  /** Those that are on the registry. */
  readonly gems: ReleaseGem[] = []
  /** Those whose push was begun. */
  readonly tried: ReleaseGem[] = []
  /** The first push that was refused or failed. */
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
      this.#it.world.runner.expectUntouched()
      const gem = await this.#attested(await this.#inspect(request))
      if (gem.alreadyPublished) await this.#it.ledger.gem(gem, 'already-published')
      else {
        this.tried.push(gem)
        await pushAndRecord(gem, this.#it)
      }
      this.gems.push(gem)
      return { message: `${title(gem)} is on ${this.#it.inputs.server.host}.`, exitCode: 0 }
    } catch (error) {
      if (error instanceof NotOurs && request.byName && !(await this.#wouldGetOurKey(error.server, request))) {
        return leftToGem(error)
      }
      this.failure ??= { error }
      return { message: ReleaseError.from(error).message, exitCode: 1 }
    }
  }

  /** For a server it has no key of, `gem push` takes that of RubyGems.org (lib/rubygems/gemcutter_utilities.rb). */
  async #wouldGetOurKey(server: string | undefined, { args, ownKey }: PushRequest): Promise<boolean> {
    const { inputs, world } = this.#it
    if (server === undefined || inputs.server.kind !== 'rubygems.org' || allowsPushTo(server, inputs.server))
      return false
    if (ownKey || readPushArguments(args).namesKey) return false
    // A file that cannot be read as RubyGems would is no reason to let the key go.
    return !(await hasCredential(server, world).catch(() => false))
  }

  async #attested(gem: ReleaseGem): Promise<ReleaseGem> {
    if (gem.alreadyPublished || (await this.#isOfOtherCommit(gem))) return gem
    const [attested = gem] = await attestAll([gem], this.#plan, this.#it)
    return attested
  }

  /** Where the task has committed meanwhile. Throws ReleaseError (`attestation-failed`) where that must not be. */
  async #isOfOtherCommit(gem: ReleaseGem): Promise<boolean> {
    const { inputs, run, world } = this.#it
    if (!this.#plan.attest || inputs.attestationBundles.length > 0) return false
    const head = await headOf(inputs.workingDirectory, run.workspace)
    if (head === undefined || head === run.sha) return false
    const { because, fix, code } = otherCommit(head, run.sha)
    if (inputs.attestations === 'required') {
      throw new ReleaseError({ code, what: `Attestations are required, but ${because}.`, fix })
    }
    world.runner.warning(UNATTESTED, [`${title(gem)} is published without: ${because}.`, FINAL].join('\n'))
    return true
  }

  async #inspect({ args, cwd, environmentHost }: PushRequest): Promise<ReleaseGem> {
    const { inputs, world } = this.#it
    const asked = readPushArguments(args)
    const [file, ...others] = asked.files
    if (file === undefined || others.length > 0 || asked.unknown.length > 0)
      throw new NotOurs(notUnderstood(asked), asked.host ?? environmentHost)
    const builtPath = path.resolve(cwd, file)
    const gem = await readGem(builtPath, { copyTo: privateCopy(world) })
    const host = asked.host ?? hostFor(gem, environmentHost)
    const [unwanted, ...more] = this.#unwanted(gem, host)
    if (unwanted) throw new NotOurs([unwanted, ...more], host)
    const live = publishedVersion(gem, this.#facts.published)
    ReleaseError.throwIfAny([
      ...pushHostProblems(gem, gem.metadata, inputs.server),
      ...(live && live.sha256 !== gem.sha256 ? [versionTaken(gem, gem.sha256, live.sha256, inputs.server.host)] : []),
    ])
    return { ...gem, builtPath, alreadyPublished: live !== undefined }
  }

  #unwanted(gem: Named, host: string | undefined): Problem[] {
    const { origin } = this.#it.inputs.server
    const url = URL.parse(host ?? origin)
    const elsewhere = host !== undefined && !allowsPushTo(host, this.#it.inputs.server)
    const planned = this.#plan.gems.some(({ name, version }) => name === gem.name && version === gem.version)
    return [
      ...(planned ? [] : [notPlanned(gem, this.#plan)]),
      ...(elsewhere ? [otherHost(gem, url === null || url.password ? '(no address)' : host, origin)] : []),
    ]
  }
}

/** A push that is no part of what this run releases, or is to be done in a way that is not ours. */
class NotOurs extends ReleaseError {
  /** Where it was to go, if that was said. */
  readonly server: string | undefined

  constructor(problems: Problem | readonly [Problem, ...Problem[]], server?: string) {
    super(problems)
    this.server = server
  }
}

/** Who calls `gem` by its name gets `gem`, as without us; who runs GEM_COMMAND asked for what stands there. */
function leftToGem({ problems }: NotOurs): PushReply {
  const said = problems.map(({ what }) => what).join(' ')
  return { message: `release-gem: ${said} It is left to \`gem\` itself.`, exitCode: 'by-gem' }
}

function notUnderstood({ files, unknown }: PushArguments): Problem {
  return {
    code: 'release-task-failed',
    what:
      unknown.length > 0
        ? `The release task called \`gem push\` with ${unknown.join(', ')}, which this action does not carry out.`
        : `The release task called \`gem push\` with ${String(files.length)} files instead of one.`,
    why: 'The action pushes in place of `gem`; an option it does not know must not be lost silently.',
    fix: 'Call `gem push FILE` without it, or push with `strategy: direct`.',
  }
}

function notPlanned(gem: Named, plan: Plan): Problem {
  return {
    code: 'gem-unexpected',
    what: `The release task tried to push ${title(gem)}, but this run releases ${plan.gems.map(title).join(', ')}.`,
    why: 'The key could push every gem that trusts this workflow; only those the project’s gemspecs name are let through.',
    fix: 'Release that gem from its own directory (`working-directory:`).',
  }
}

function otherHost(gem: Named, host: string, origin: string): Problem {
  return {
    code: 'push-host-mismatch',
    what: `The release task tried to push ${title(gem)} to ${JSON.stringify(host)}, but \`gem-server\` is ${origin}.`,
    why: '`gem` itself would send it the key of RubyGems.org where it has none for that server.',
    fix: 'Make the two agree; or give that push a key of its own, with `GEM_HOST_API_KEY` or an entry for the server in the credentials file.',
  }
}
