import { type Problem, ReleaseError } from '../errors.ts'
import { title } from '../rubygems/versions.ts'
import { checksumOf } from '../rubygems/compact-index.ts'
import type { InfoAnswer, Registry } from '../rubygems/registry.ts'
import { duration } from '../world/clock.ts'
import { HttpFault } from '../world/http-fault.ts'
import type { World } from '../world/world.ts'
import type { ReleaseGem } from './inspect.ts'

/** Waits between looks at the index, in ms; the last one repeats. */
const INTERVALS = [1_000, 2_000, 4_000, 8_000, 15_000]
/** A server without a compact index answers 404 for good; the others only until the gem's first version is indexed. */
const PATIENCE_WITH_OTHERS = 3

/**
 * Waits until `gem install` and Bundler will find every gem: its line in `/info/NAME` carries our checksum. Returns
 * the gems that were not there in time; the release itself is finished all the same.
 * Throws ReleaseError (`verification-failed`) where the index has another checksum.
 */
export async function awaitIndex(
  gems: readonly ReleaseGem[],
  seconds: number,
  registry: Registry,
  world: World,
): Promise<readonly ReleaseGem[]> {
  const deadline = world.clock.now() + seconds * 1000
  const names = Map.groupBy(gems, (gem) => gem.name)
  const late = await Promise.all([...names.values()].map((sameName) => awaitName(sameName, deadline, registry, world)))
  return late.flat()
}

async function awaitName(
  gems: readonly ReleaseGem[],
  deadline: number,
  registry: Registry,
  world: World,
): Promise<readonly ReleaseGem[]> {
  const { clock, runner } = world
  const name = gems[0]?.name ?? ''
  const started = clock.now()
  let missing = gems
  let etag: string | undefined
  for (let look = 0; ; look++) {
    const answer = await readInfo(name, etag, registry)
    if (answer.state === 'text') {
      etag = answer.etag
      missing = missing.filter((gem) => !isIndexed(gem, answer.text, registry))
      if (missing.length === 0) {
        runner.info(
          `${gems.map(title).join(', ')} can be installed (index checked after ${duration(clock.now() - started)}).`,
        )
        return []
      }
    }
    const interval = INTERVALS[Math.min(look, INTERVALS.length - 1)] ?? 0
    const hopeless = registry.server.kind === 'other' && answer.state === 'none' && look + 1 >= PATIENCE_WITH_OTHERS
    if (hopeless || clock.now() + interval > deadline) return missing
    if (look === 0)
      runner.info(`Waiting until the index of ${registry.server.host} lists ${missing.map(title).join(', ')}.`)
    await clock.sleep(interval, world.signal)
  }
}

async function readInfo(name: string, etag: string | undefined, registry: Registry): Promise<InfoAnswer> {
  try {
    return await registry.info(name, etag)
  } catch (error) {
    if (error instanceof HttpFault) return { state: 'none', reason: error.message }
    throw error
  }
}

function isIndexed(gem: ReleaseGem, info: string, registry: Registry): boolean {
  const checksum = checksumOf(info, gem.version, gem.originalPlatform)
  if (checksum === undefined) return false
  if (checksum === gem.sha256) return true
  const problem: Problem = {
    code: 'verification-failed',
    what: `The index of ${registry.server.host} lists ${title(gem)} with SHA-256 ${checksum}, but ${gem.sha256} was published.`,
    why: 'Whoever installs this version gets other bytes than this run pushed, or an error.',
    fix: 'Do not use this version until it is explained; report it to the registry.',
  }
  throw new ReleaseError(problem)
}

/** What to report about gems the index did not list in time. */
export function lateProblem(late: readonly ReleaseGem[], seconds: number, host: string): Problem {
  return {
    code: 'await-timeout',
    what: `${late.map(title).join(', ')} ${late.length === 1 ? 'is' : 'are'} published, but the index of ${host} did not list ${late.length === 1 ? 'it' : 'them'} within ${String(seconds)} s.`,
    why: 'The registry updates its index in the background; this can take minutes, on bad days hours.',
    fix: 'Nothing has to be done: `gem install` will find it. Do not publish it again.',
  }
}
