import path from 'node:path'
import { names, writeGem } from '../material.ts'
import type { Options } from '../options.ts'
import type { Section } from '../report.ts'
import { Scene } from '../scene.ts'
import { median, seconds } from '../statistics.ts'

interface Awaited {
  /** How long after the push the index showed the gem, and how long after that it was seen. */
  lag: number
  seen: number
  /** Between the look that saw it and the one before. */
  interval: number
  looks: number
  conditional: number
  unchanged: number
}

/** How soon an index that is late is noticed. */
export async function awaiting(options: Options): Promise<Section> {
  const lags = options.quick ? [0, 2500] : [0, 2500, 6000]
  const found: Awaited[] = []
  for (const lag of lags) {
    // They do nothing but wait, so that they need not wait for each other.
    const runs = await Promise.all(Array.from({ length: options.runs }, () => one(lag, options)))
    const middle = (value: (run: Awaited) => number): number => median(runs.map(value))
    found.push({
      lag,
      seen: middle((run) => run.seen),
      interval: middle((run) => run.interval),
      looks: middle((run) => run.looks),
      conditional: middle((run) => run.conditional),
      unchanged: middle((run) => run.unchanged),
    })
  }
  return {
    title: '6. Waiting for the index',
    about: 'One gem that has older versions; the index shows the new one some time after the push.',
    tables: [
      {
        head: ['index late by', 'seen after', 'interval of that look', 'looks', 'conditional', 'answered 304'],
        rows: found.map((each) => [
          seconds(each.lag),
          seconds(each.seen),
          each.looks > 1 ? seconds(each.interval) : '',
          String(each.looks),
          String(each.conditional),
          String(each.unchanged),
        ]),
      },
    ],
    targets: [
      {
        aim: 'seen within one interval of its being there',
        measured: seconds(Math.max(...found.map(({ seen }) => seen))),
        met: found.every(({ seen, interval }) => seen <= interval + 2 * options.latencyMs),
      },
      {
        aim: 'every look but the first is conditional',
        measured: found.map(({ conditional, looks }) => `${String(conditional)} of ${String(looks)}`).join(', '),
        met: found.every(({ conditional, looks }) => conditional === looks - 1),
      },
    ],
  }
}

async function one(lag: number, options: Options): Promise<Awaited> {
  const [name = ''] = names(1)
  await using scene = await Scene.open({ ...options, gems: [name], registry: { indexLagMs: lag } })
  // The publisher came with a first version, which the index has by the time of the release.
  if (lag > 0) await new Promise((resolve) => setTimeout(resolve, lag))
  const gem = writeGem(path.join(scene.workspace, 'pkg'), { name, bytes: 30_000 })
  const ran = await scene.release({ gems: gem })
  const requests = scene.requestsSince(ran.from)
  const push = requests.find(({ method, path: at }) => method === 'POST' && at === '/api/v1/gems')
  const looks = requests.filter(({ path: at }) => at.startsWith('/info/'))
  const [last, before] = [looks.at(-1), looks.at(-2)]
  const there = Math.max((push?.endedAt ?? 0) + lag, looks.length > 1 ? 0 : (last?.startedAt ?? 0))
  return {
    lag,
    seen: Math.max(0, (last?.endedAt ?? 0) - there),
    interval: (last?.startedAt ?? 0) - (before?.startedAt ?? last?.startedAt ?? 0),
    looks: looks.length,
    conditional: looks.filter(({ headers }) => headers['if-none-match'] !== undefined).length,
    unchanged: looks.filter(({ status }) => status === 304).length,
  }
}
