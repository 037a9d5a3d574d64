import type { Problem } from '../errors.ts'
import { ReleaseError } from '../errors.ts'
import { Lanes } from '../lanes.ts'
import type { Registry } from '../rubygems/registry.ts'
import type { ServedGem } from '../rubygems/served-gem.ts'
import { title } from '../rubygems/versions.ts'
import { HttpFault } from '../world/http-fault.ts'
import { AT_ONCE } from '../world/traffic.ts'
import type { World } from '../world/world.ts'
import type { ReleaseGem } from './inspect.ts'

/** Waits between looks, in ms; the last one repeats. */
const INTERVALS = [1_000, 2_000, 4_000, 8_000, 15_000]
/** Larger gems are only read back where the workflow insists: 450 MB twice would be most of their release's time. */
const LARGEST = 64 * 1024 * 1024
/** Other servers may ask for credentials, or give files out elsewhere. */
const PATIENCE_WITH_OTHERS = 2

export interface Downloads {
  /** How long all of them may take. */
  seconds: number
  /** Read back gems of any size. */
  everySize: boolean
}

/**
 * Downloads each published gem as those who install it will, and compares its SHA-256 with ours. Returns the gems that
 * were not given out in time, which may only mean that a cache is late.
 * Throws ReleaseError (`verification-failed`) where twice the same other bytes came.
 */
export async function downloadAndCompare(
  gems: readonly ReleaseGem[],
  { seconds, everySize }: Downloads,
  registry: Registry,
  world: World,
): Promise<readonly ReleaseGem[]> {
  const deadline = world.clock.now() + seconds * 1000
  const lanes = new Lanes(AT_ONCE)
  const late = await Promise.all(
    gems.map(async (gem) => {
      if (everySize || gem.size <= LARGEST) return lanes.run(() => isLate(gem, deadline, registry, world))
      world.runner.info(
        `${title(gem)} is not downloaded again to compare it: it is large, and \`await-release\` is not \`strict\`.`,
      )
      return false
    }),
  )
  return gems.filter((_, index) => late[index])
}

async function isLate(gem: ReleaseGem, deadline: number, registry: Registry, world: World): Promise<boolean> {
  const { clock, runner } = world
  const { host, kind } = registry.server
  let other: string | undefined
  for (let look = 0; ; look++) {
    const served = await read(gem, deadline, registry)
    if (served.state === 'served' && served.sha256 === gem.sha256) {
      runner.info(`${host} gives out ${title(gem)} with exactly our bytes.`)
      return false
    }
    // Once may be an accident on the way; the same accident does not happen twice.
    if (served.state === 'served' && served.sha256 === other) throw new ReleaseError(different(gem, served, host))
    if (served.state === 'served') other = served.sha256
    if (kind === 'other' && served.state === 'none' && look + 1 >= PATIENCE_WITH_OTHERS) {
      runner.info(`${title(gem)} could not be downloaded from ${host} to compare it: ${served.reason}.`)
      return false
    }
    const interval = INTERVALS[Math.min(look, INTERVALS.length - 1)] ?? 0
    if (clock.now() + interval > deadline) return true
    if (look === 0 && served.state === 'none')
      runner.info(`${host} does not give out ${title(gem)} yet: ${served.reason}. Looking again.`)
    await clock.sleep(interval, world.signal)
  }
}

async function read(gem: ReleaseGem, deadline: number, registry: Registry): Promise<ServedGem> {
  try {
    return await registry.served(gem, deadline)
  } catch (error) {
    if (error instanceof HttpFault) return { state: 'none', reason: error.message }
    throw error
  }
}

function different(gem: ReleaseGem, { sha256, longer }: { sha256: string; longer: boolean }, host: string): Problem {
  const found = longer ? `more than the ${String(gem.size)} bytes that it has` : `bytes with SHA-256 ${sha256}`
  return {
    code: 'verification-failed',
    what: `${host} gives out ${found} as ${title(gem)}, whose SHA-256 is ${gem.sha256}.`,
    why: 'The registry lists the right digest, so that a cache or a store behind it holds a wrong file. Whoever installs this version gets that file, or an error.',
    fix: `Do not use this version until it is explained. Compare \`gem fetch ${gem.name} -v ${gem.version}\` with the file of this run, and write to security@rubygems.org.`,
  }
}

/** What to report about gems that could not be downloaded in time. */
export function notServedProblem(late: readonly ReleaseGem[], seconds: number, host: string): Problem {
  return {
    code: 'await-timeout',
    what: `${late.map(title).join(', ')} ${late.length === 1 ? 'is' : 'are'} published, but ${host} did not give out ${late.length === 1 ? 'its file' : 'their files'} within ${String(seconds)} s.`,
    why: 'Most often a cache in front of the registry is late.',
    fix: `Nothing has to be done; to be sure, download it later: \`gem fetch ${late[0]?.name ?? ''} -v ${late[0]?.version ?? ''}\`. Do not publish it again.`,
  }
}
