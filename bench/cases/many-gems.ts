import path from 'node:path'
import { buildLoop, pushLoop } from '../baselines.ts'
import { monorepo, names, writeGem } from '../material.ts'
import type { Options } from '../options.ts'
import type { Ran } from '../program.ts'
import type { Section } from '../report.ts'
import { Scene } from '../scene.ts'
import { inTurn, median, repeat, seconds, times } from '../statistics.ts'

/** Bytes of content of each gem. */
const SIZE = 30_000
const FACTOR = 8

export interface Release extends Ran {
  /** Requests by kind, such as `push`. */
  requests: Record<string, number>
}

/** A release of many gems of one repository: prebuilt, and from gemspecs. */
export async function manyGems(options: Options): Promise<Section> {
  const [some, many] = options.quick ? [10, 20] : [100, 400]
  const built = await inTurn(
    options.runs,
    () => fromGemspecs(some, options),
    () => buildAndPushLoops(some, options),
  )
  const prebuilt = await repeat(options.runs, () => ofPrebuilt(some, options))
  const large = {
    built: await repeat(options.runs, () => fromGemspecs(many, options)),
    prebuilt: await repeat(options.runs, () => ofPrebuilt(many, options)),
  }
  const pushes = median(built.other.map(({ push }) => push.wall))
  const both = median(built.other.map(({ build, push }) => build.wall + push.wall))
  const growth = many / some
  const counts = prebuilt[0]?.requests ?? {}
  const countsLarge = large.prebuilt[0]?.requests ?? {}
  const target = (aim: string, ratio: number): Section['targets'][number] => ({
    aim,
    measured: times(ratio),
    met: ratio >= FACTOR,
  })
  return {
    title: `3. ${String(some)} and ${String(many)} gems of one repository`,
    about: `Gems of ${String(SIZE / 1000)} kB with a name each. The other side runs \`gem push\` for each file, and \`gem build\` for each gemspec before; it neither verifies nor tags nor waits.`,
    tables: [
      {
        head: ['', 'release-gem', 'loops', 'ratio'],
        rows: [
          [`${String(some)} gems, prebuilt`, seconds(wall(prebuilt)), seconds(pushes), times(pushes / wall(prebuilt))],
          [
            `${String(some)} gems, from gemspecs`,
            seconds(wall(built.one)),
            seconds(both),
            times(both / wall(built.one)),
          ],
          [`${String(many)} gems, prebuilt`, seconds(wall(large.prebuilt)), `${seconds(pushes * growth)} (scaled)`, ''],
          [`${String(many)} gems, from gemspecs`, seconds(wall(large.built)), `${seconds(both * growth)} (scaled)`, ''],
        ],
      },
      {
        caption: 'Requests of a release of prebuilt gems:',
        head: ['', `${String(some)} gems`, `${String(many)} gems`, 'per gem'],
        rows: Object.keys(countsLarge).map((kind) => [
          kind,
          String(counts[kind] ?? 0),
          String(countsLarge[kind] ?? 0),
          ((countsLarge[kind] ?? 0) / many).toFixed(2),
        ]),
      },
    ],
    targets: [
      target(`at least ${String(FACTOR)}× faster, prebuilt`, pushes / wall(prebuilt)),
      target(`at least ${String(FACTOR)}× faster, from gemspecs`, both / wall(built.one)),
      {
        aim: `time grows linearly: ${String(growth)} times the gems in at most ${String(growth * 1.1)} times the time`,
        measured: `${(wall(large.prebuilt) / wall(prebuilt)).toFixed(1)} prebuilt, ${(wall(large.built) / wall(built.one)).toFixed(1)} from gemspecs`,
        met:
          wall(large.prebuilt) / wall(prebuilt) <= growth * 1.1 && wall(large.built) / wall(built.one) <= growth * 1.1,
      },
    ],
  }
}

function wall(runs: readonly Ran[]): number {
  return median(runs.map((run) => run.wall))
}

export async function ofPrebuilt(count: number, options: Options, size = SIZE): Promise<Release> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: all })
  const directory = path.join(scene.workspace, 'pkg')
  for (const name of all) writeGem(directory, { name, bytes: size })
  const ran = await scene.release({ gems: 'pkg/*.gem' })
  return { ...ran, requests: requestsOf(scene, ran) }
}

export async function fromGemspecs(count: number, options: Options): Promise<Release> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: all, files: monorepo(all) })
  const ran = await scene.release()
  return { ...ran, requests: requestsOf(scene, ran) }
}

export async function buildAndPushLoops(
  count: number,
  options: Options,
): Promise<{ build: Ran; push: Ran; requests: number }> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: [], files: monorepo(all) })
  const key = scene.userKey(all)
  const build = await buildLoop(scene)
  const push = await pushLoop(scene, scene.workspace, key)
  return { build, push, requests: scene.requestsSince(push.from).length }
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^POST \/api\/v1\/gems$/, 'push'],
  [/^GET \/api\/v1\/versions\//, 'versions of a name, before the release'],
  [/^GET \/api\/v2\/rubygems\//, 'digest of a version, after its push'],
  [/^GET \/info\//, 'index of a name'],
  [/\/oidc\/|\/token\b/, 'ID token and exchange'],
  [/\/git\//, 'GitHub: commit and tags'],
]

export function requestsOf(scene: Scene, { from }: Ran): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { method, path: at } of scene.requestsSince(from)) {
    const line = `${method} ${at.split('?')[0] ?? ''}`
    const kind = KINDS.find(([pattern]) => pattern.test(line))?.[1] ?? line
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
