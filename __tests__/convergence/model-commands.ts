import { type Arbitrary, type AsyncCommand, constant, constantFrom, integer, record, tuple } from 'fast-check'
import { EDGE_NAMES, type EdgeName, FINAL, meanwhile, PASSING, trouble, type TroubleName, UNTROUBLED } from './edges.ts'
import { run, type RunOptions, type Strike } from './inner-run.ts'
import { COMMIT, OTHER_COMMIT } from './inner-world.ts'
import { conflicts, judge, judgeRecord, type Model, observe, type PublicState, type Real, TAG } from './model-state.ts'

type Command = AsyncCommand<Model, Real>

function command(
  name: string,
  check: (model: Readonly<Model>) => boolean,
  act: (real: Real, model: Model) => Promise<void> | void,
): Command {
  return {
    check,
    run: async (model, real) => {
      await act(real, model)
      Object.assign(model, observe(real))
    },
    toString: () => name,
  }
}

/** A run, or a re-run; with a strike it ends at one of its requests. */
function release(strike?: Strike): Command {
  const name = strike ? `run, ${strike.how} ${strike.moment} request ${String(strike.request)}` : 'run'
  return command(
    name,
    () => true,
    async (real, model) => {
      await releaseAndJudge(real, model, strike ? { strike } : {})
    },
  )
}

export async function releaseAndJudge(real: Real, model: Model, options: RunOptions = {}): Promise<void> {
  const { world, gems } = real
  const before = observe(real)
  const posted = world.pushes.length
  const ended = await run(world, gems, options)
  real.runs += 1
  const after = observe(real)
  judge(ended, before, after, { final: model.final })
  if (ended.end !== 'killed') judgeRecord(ended, before, after, gems)
  if (ended.pushesAfterStrike > 0) throw new Error('a push was started after the cancellation')
  const visible = conflicts({ ...before, gems: before.gems.filter((state) => state === 'foreign') })
  if (visible.length > 0 && !real.stale && world.pushes.length > posted) {
    throw new Error(`pushed in spite of ${visible.join(', ')}`)
  }
  world.clearFaults()
  model.troubles.clear()
  model.final = false
}

function troubled(name: TroubleName, edge: EdgeName, times: number): Command {
  const isFinal = FINAL.some((other) => other === name)
  return command(
    `${String(times)} × ${name} at ${edge}`,
    ({ troubles }) => (troubles.get(edge) ?? 0) + times <= 2,
    ({ world }, model) => {
      world.inject(trouble(name, edge, times, world.clock))
      model.troubles.set(edge, (model.troubles.get(edge) ?? 0) + times)
      model.final ||= isFinal
    },
  )
}

const gemIs =
  (index: number, state: PublicState['gems'][number]) =>
  ({ gems }: Readonly<Model>): boolean =>
    gems[index] === state

function publishForeign({ world, gems }: Real, index: number): void {
  const gem = gems[index]
  if (gem && observe({ world, gems }).gems[index] === 'absent') {
    world.registry.addVersion({
      name: gem.name,
      number: gem.version,
      ...(gem.platform === undefined ? {} : { platform: gem.platform }),
    })
  }
}

/** With the purge of the CDN that follows it: whoever reads a page first may still be given the old one. */
async function yank({ world, gems }: Real, index: number): Promise<void> {
  const gem = gems[index]
  if (!gem) return
  world.registry.yank(gem.fullName)
  const { name, version, platform = 'ruby' } = gem
  const pages = [
    `/api/v1/versions/${name}.json`,
    `/api/v2/rubygems/${name}/versions/${version}.json?platform=${platform}`,
  ]
  for (const page of pages) await (await fetch(`${world.registry.url}${page}`, { headers: UNTROUBLED })).text()
}

function byOthers(index: number): Command[] {
  return [
    command(`somebody pushes gem ${String(index)} with other bytes`, gemIs(index, 'absent'), (real) => {
      publishForeign(real, index)
    }),
    command(`somebody pushes gem ${String(index)} while we do`, gemIs(index, 'absent'), (real) => {
      real.world.inject(meanwhile('push', () => publishForeign(real, index)))
    }),
    command(`gem ${String(index)} is yanked`, gemIs(index, 'ours'), async (real) => {
      await yank(real, index)
    }),
    command(`a push of gem ${String(index)} broke half-way`, gemIs(index, 'absent'), ({ world, gems }) => {
      world.registry.beginUnfinishedPush(gems[index]?.fullName ?? '')
    }),
  ]
}

const TAGS: readonly Command[] = [
  command(
    'somebody tags another commit',
    ({ tag }) => tag === 'absent',
    ({ world }) => void world.github.tags.set(TAG, OTHER_COMMIT),
  ),
  command(
    'somebody tags our commit',
    ({ tag }) => tag === 'absent',
    ({ world }) => void world.github.tags.set(TAG, COMMIT),
  ),
  command(
    'the tag is deleted',
    ({ tag }) => tag !== 'absent',
    ({ world }) => void world.github.tags.delete(TAG),
  ),
  command(
    'somebody tags another commit while we push',
    ({ tag }) => tag === 'absent',
    ({ world }) => {
      const tag = (): void => {
        if (!world.github.tags.has(TAG)) world.github.tags.set(TAG, OTHER_COMMIT)
      }
      world.inject(meanwhile('push', tag))
    },
  ),
]

/** The key is good when the push starts, and too old when the registry looks at it. */
const KEY_EXPIRES = command(
  'run, whose key expires on the way',
  ({ troubles }) => !troubles.has('push'),
  async (real, model) => {
    const { clock } = real.world
    real.world.inject(
      meanwhile('push', () => {
        clock.advance(135_000)
      }),
    )
    await releaseAndJudge(real, model, { keyAgeMs: 770_000 })
  },
)

export const COMMANDS: Arbitrary<Command>[] = [
  constant(release()),
  record({
    request: integer({ min: 1, max: 20 }),
    moment: constantFrom('before' as const, 'after' as const),
    how: constantFrom('kill' as const, 'cancel' as const),
  }).map(release),
  tuple(constantFrom(...PASSING, ...PASSING, ...FINAL), constantFrom(...EDGE_NAMES), integer({ min: 1, max: 2 })).map(
    ([name, edge, times]) => troubled(name, edge, times),
  ),
  constantFrom(0, 1, 2).chain((index) => constantFrom(...byOthers(index))),
  constantFrom(...TAGS, KEY_EXPIRES),
]
