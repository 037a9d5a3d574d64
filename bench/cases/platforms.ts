import path from 'node:path'
import { pushLoop } from '../baselines.ts'
import { writeGem } from '../material.ts'
import type { Options } from '../options.ts'
import type { Ran } from '../program.ts'
import type { Section } from '../report.ts'
import { Scene } from '../scene.ts'
import { inTurn, median, seconds, times } from '../statistics.ts'

const GEM = 'rack-lens'
const SIZE = 200_000
const FACTOR = 2
const PLATFORMS = [
  'ruby',
  'x86_64-linux',
  'x86_64-linux-musl',
  'aarch64-linux',
  'aarch64-linux-musl',
  'arm-linux',
  'arm-linux-musl',
  'x86_64-darwin',
  'arm64-darwin',
  'x64-mingw-ucrt',
  'x64-mingw32',
  'java',
]

/** All platforms of one gem, which the registry takes one after the other. */
export async function platforms(options: Options): Promise<Section> {
  const { one: ours, other: theirs } = await inTurn(
    options.runs,
    () => release(options),
    () => loop(options),
  )
  const [wall, baseline] = [median(ours.map((one) => one.wall)), median(theirs.map((one) => one.wall))]
  const pushing = median(ours.map((one) => one.pushing))
  return {
    title: '4. A dozen platform gems of one name',
    about: `Prebuilt gems of ${String(SIZE / 1000)} kB: one at a time by the registry’s rule, on both sides. Ours also verifies, tags and waits.`,
    tables: [
      {
        head: ['', 'release-gem', '`gem push` loop', 'ratio'],
        rows: [
          ['wall time', seconds(wall), seconds(baseline), times(baseline / wall)],
          ['of which from the first push to the last answer', seconds(pushing), '', ''],
        ],
      },
    ],
    targets: [
      {
        aim: `at least ${String(FACTOR)}× faster than the loop`,
        measured: times(baseline / wall),
        met: baseline / wall >= FACTOR,
        limit: `The pushes alone take ${seconds(pushing)}: ${String(PLATFORMS.length)} times ${String(options.latencyMs)} ms of latency and the upload of ${String(SIZE / 1000)} kB.`,
      },
    ],
  }
}

function write(directory: string): void {
  for (const platform of PLATFORMS) writeGem(directory, { name: GEM, platform, bytes: SIZE })
}

async function release(options: Options): Promise<Ran & { pushing: number }> {
  await using scene = await Scene.open({ ...options, gems: [GEM] })
  write(path.join(scene.workspace, 'pkg'))
  const ran = await scene.release({ gems: 'pkg/*.gem' })
  const pushes = scene
    .requestsSince(ran.from)
    .filter(({ method, path: at }) => method === 'POST' && at === '/api/v1/gems')
  return { ...ran, pushing: (pushes.at(-1)?.endedAt ?? 0) - (pushes[0]?.startedAt ?? 0) }
}

async function loop(options: Options): Promise<Ran> {
  await using scene = await Scene.open({ ...options, gems: [] })
  const key = scene.userKey([GEM])
  const directory = path.join(scene.workspace, 'pkg')
  write(directory)
  return await pushLoop(scene, directory, key)
}
