import { type Problem, ReleaseError } from '../errors.ts'
import { title } from '../rubygems/versions.ts'
import type { Registry } from '../rubygems/registry.ts'
import { isPassing } from '../world/http.ts'
import { HttpFault } from '../world/http-fault.ts'
import { type Attempt, persist } from '../world/retry.ts'
import type { World } from '../world/world.ts'
import type { ReleaseGem } from './inspect.ts'

/** Waits between looks for a version that is not shown yet, in ms: a minute and a half in all. */
const INTERVALS = [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000, 15_000]
/** Looks at a server that may show no digests at all. */
const LOOKS_WITH_OTHERS = 2

/** Whether the registry's own digest was seen to be ours; `unverifiable` on servers that publish none. */
export type Verified = 'verified' | 'unverifiable'

/** The registry has the version, but not our bytes. */
export class OtherBytes extends ReleaseError {}

/**
 * Compares the registry's SHA-256 with ours, waiting for it to appear. RubyGems.org shows a version before it answers
 * the push; other servers may show none at all. Throws ReleaseError (`verification-failed`, also as `OtherBytes`).
 */
export async function verify(gem: ReleaseGem, registry: Registry, world: World): Promise<Verified> {
  const digest = await publishedDigest(gem, registry, world)
  if (digest === gem.sha256) {
    world.runner.info(`${registry.server.host} has ${title(gem)} with our SHA-256.`)
    return 'verified'
  }
  if (digest === undefined && registry.server.kind === 'other') {
    world.runner.warning(
      'Not verified',
      `${registry.server.host} accepted ${title(gem)} but shows no digest of it: its word is all there is.`,
    )
    return 'unverifiable'
  }
  if (digest === undefined) throw new ReleaseError(absent(gem, registry))
  throw new OtherBytes(different(gem, digest, registry))
}

/**
 * The registry's digest of a version, looked for up to `looks` times until it is there; then undefined, which is no
 * "no": a cache may hold an answer from before the push. Throws ReleaseError (`registry-unavailable`).
 */
export async function publishedDigest(
  gem: ReleaseGem,
  registry: Registry,
  world: World,
  looks: number = INTERVALS.length + 1,
): Promise<string | undefined> {
  const patience = registry.server.kind === 'other' ? Math.min(looks, LOOKS_WITH_OTHERS) : looks
  for (let look = 1; ; look++) {
    const digest = await readDigest(gem, registry, world)
    const interval = INTERVALS[look - 1]
    if (digest !== undefined || look >= patience || interval === undefined) return digest
    if (look === 1) world.runner.info(`${registry.server.host} does not show ${title(gem)} yet. Looking again.`)
    await world.clock.sleep(interval, world.signal)
  }
}

/** One look that gets an answer, whatever it takes. */
async function readDigest(gem: ReleaseGem, registry: Registry, world: World): Promise<string | undefined> {
  const failure = (reason: string): Problem => ({
    code: 'registry-unavailable',
    what: `${registry.server.host} could not be asked whether it has ${title(gem)}: ${reason}.`,
    why: 'The gem may or may not be published.',
    fix: 'Re-run the job: it asks again, and sends the gem only if it is not there.',
  })
  const log = (line: string): void => {
    world.runner.info(line)
  }
  return persist<string | undefined>(
    { edge: 'verify', purpose: `see ${title(gem)} on ${registry.server.host}`, failure },
    { clock: world.clock, signal: world.signal, log },
    async (): Promise<Attempt<string | undefined>> => {
      try {
        return await registry.digest(gem)
      } catch (error) {
        if (error instanceof HttpFault && isPassing(error, 'verify')) return { again: error.message }
        throw error instanceof HttpFault ? new ReleaseError(failure(error.message)) : error
      }
    },
  )
}

function absent(gem: ReleaseGem, { server }: Registry): Problem {
  return {
    code: 'verification-failed',
    what: `${server.host} accepted ${title(gem)} but does not show it.`,
    why: 'Its read side may lag behind. The gem is most likely published.',
    fix: 'Re-run the job: it compares again and does not send the gem twice.',
  }
}

function different(gem: ReleaseGem, digest: string, { server }: Registry): Problem {
  return {
    code: 'verification-failed',
    what: `${server.host} shows ${title(gem)} with SHA-256 ${digest}, but ${gem.sha256} was sent.`,
    why: 'Somebody else published this version at the same moment, or the registry changed the file.',
    fix: `Do not use this version until it is explained. Compare \`gem fetch ${gem.name} -v ${gem.version}\` with the file of this run, and write to security@rubygems.org if it is not yours.`,
  }
}
