import path from 'node:path'
import { curlUpload } from '../baselines.ts'
import { writeLargeGem } from '../material.ts'
import type { Options } from '../options.ts'
import type { Ran } from '../program.ts'
import type { Section } from '../report.ts'
import { Scene } from '../scene.ts'
import { inTurn, median, seconds, times } from '../statistics.ts'

const GEM = 'rack-lens'
const MEMORY_LIMIT = 150
const TIME_LIMIT = 1.1

export interface Large {
  megabytes: number
  /** Medians, in ms and MiB. */
  wall: number
  upload: number
  peak: number
  curl: number
  curlPeak: number
}

/** Gems of many megabytes, at the full speed of this machine. */
export async function largeGem(options: Options, found: Large[]): Promise<Section> {
  const sizes = options.quick ? [20, 60] : [50, 150, 450]
  for (const megabytes of sizes) found.push(await measure(megabytes, options))
  const peak = Math.max(...found.map((one) => one.peak))
  const largest = found.at(-1)
  const ratio = (largest?.wall ?? 0) / (largest?.curl ?? 1)
  return {
    title: '5. A large gem',
    about:
      'One prebuilt gem, without a limit of bandwidth. The other side is curl sending the same bytes, and nothing else.',
    tables: [
      {
        head: ['gem', 'release-gem', 'of which upload', 'curl', 'ratio', 'peak memory', 'of curl'],
        rows: found.map((one) => [
          `${String(one.megabytes)} MB`,
          seconds(one.wall),
          seconds(one.upload),
          seconds(one.curl),
          times(one.wall / one.curl),
          `${one.peak.toFixed(0)} MiB`,
          `${one.curlPeak.toFixed(0)} MiB`,
        ]),
      },
    ],
    targets: [
      {
        aim: `peak memory at most ${String(MEMORY_LIMIT)} MB, whatever the size`,
        measured: `${((peak * 1024 * 1024) / 1_000_000).toFixed(0)} MB`,
        met: (peak * 1024 * 1024) / 1_000_000 <= MEMORY_LIMIT,
      },
      {
        aim: `wall time at most ${String(TIME_LIMIT)} times that of curl`,
        measured: times(ratio),
        met: ratio <= TIME_LIMIT,
        limit: `The upload itself takes ${seconds(largest?.upload ?? 0)}, curl’s ${seconds(largest?.curl ?? 0)}. The rest is what has to be done before the first byte may leave (reading the gem, its SHA-256 and those of its members, the private copy) and the requests around the push.`,
      },
    ],
  }
}

async function measure(megabytes: number, options: Options): Promise<Large> {
  const { one: ours, other: theirs } = await inTurn(
    options.runs,
    () => release(megabytes, options),
    () => curl(megabytes, options),
  )
  return {
    megabytes,
    wall: median(ours.map((one) => one.wall)),
    upload: median(ours.map((one) => one.upload)),
    peak: median(ours.map((one) => one.peak)),
    curl: median(theirs.map((one) => one.wall)),
    curlPeak: median(theirs.map((one) => one.peak)),
  }
}

async function release(megabytes: number, options: Options): Promise<Ran & { upload: number }> {
  await using scene = await Scene.open({ ...options, uploadBytesPerSecond: undefined, gems: [GEM] })
  const gem = writeLargeGem(path.join(scene.workspace, 'pkg'), GEM, megabytes)
  const ran = await scene.release({ gems: gem })
  const push = scene.requestsSince(ran.from).find(({ method, path: at }) => method === 'POST' && at === '/api/v1/gems')
  return { ...ran, upload: (push?.endedAt ?? 0) - (push?.startedAt ?? 0) }
}

async function curl(megabytes: number, options: Options): Promise<Ran> {
  await using scene = await Scene.open({ ...options, uploadBytesPerSecond: undefined, gems: [] })
  const key = scene.userKey([GEM])
  const gem = writeLargeGem(path.join(scene.workspace, 'pkg'), GEM, megabytes)
  return await curlUpload(scene, gem, key)
}
