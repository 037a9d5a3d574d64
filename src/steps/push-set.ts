import { Lanes } from '../lanes.ts'
import type { ReleaseGem } from './inspect.ts'

/** How many gems are on their way at a time, over all names. */
export const LANES = 16

/** The end of a set, which any of its gems may bring about. */
export interface Stop {
  /** Aborts when it has come: what waits for its next attempt is not to make it. */
  readonly signal: AbortSignal
  /** For a failure that is found after a gem's push. */
  because: (error: unknown) => void
}

/**
 * Pushes a set in an order in which every prefix can be installed: one gem of a name at a time (the registry's update
 * of a gem's versions takes no lock), native platforms before `ruby`, so that Bundler never falls back to a source gem
 * while natives are missing, and a gem after those it depends on. Different names go in parallel. After the first
 * failure nothing new is started; what is under way ends, then the failure is thrown.
 */
export async function pushSet(
  gems: readonly ReleaseGem[],
  pushOne: (gem: ReleaseGem, stop: Stop) => Promise<void>,
): Promise<void> {
  const names = Map.groupBy(gems, (gem) => gem.name)
  const lanes = new Lanes(LANES)
  const started = new Map<string, Promise<void>>()
  let failure: { error: unknown } | undefined
  const stopping = new AbortController()
  const stop: Stop = {
    signal: stopping.signal,
    because(error) {
      failure ??= { error }
      stopping.abort()
    },
  }

  const release = (name: string, above: readonly string[]): Promise<void> => {
    const running = started.get(name)
    if (running) return running
    const job = (async () => {
      const sameName = rubyLast(names.get(name) ?? [])
      await Promise.all(
        dependenciesOf(sameName, names, [...above, name]).map((other) => release(other, [...above, name])),
      )
      for (const gem of sameName) {
        if (failure) return
        // Noted before the lane is free: whoever waits for it must know.
        await lanes.run(async () => {
          if (failure) return
          await pushOne(gem, stop).catch(stop.because)
        })
      }
    })()
    started.set(name, job)
    return job
  }

  await Promise.all([...names.keys()].map((name) => release(name, [])))
  if (failure) throw failure.error
}

function rubyLast(gems: readonly ReleaseGem[]): ReleaseGem[] {
  return gems.toSorted((one, other) => Number(one.platform === 'ruby') - Number(other.platform === 'ruby'))
}

/** Names in this release that these gems need at run time; `above` breaks cycles. */
function dependenciesOf(
  gems: readonly ReleaseGem[],
  names: ReadonlyMap<string, unknown>,
  above: readonly string[],
): string[] {
  const runtime = gems.flatMap((gem) => gem.dependencies.filter(({ type }) => type === 'runtime'))
  return [...new Set(runtime.map(({ name }) => name))].filter((name) => names.has(name) && !above.includes(name))
}
