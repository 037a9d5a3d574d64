import type { Options } from '../options.ts'
import type { Ran } from '../program.ts'
import type { Section, Table, Target } from '../report.ts'
import { inTurn, median, repeat, seconds, times } from '../statistics.ts'
import { buildAndPushLoops, fromGemspecs, type Loops, ofPrebuilt, type Release, SIZE } from './releases.ts'

const FACTOR = 8
/** What growth may add to what is in proportion. */
const SLACK = 1.1

/** Runs that the plots of growth need as well. */
export interface ManyGems {
  some: number
  many: number
  built: readonly Release[]
  builtMany: readonly Release[]
  loops: readonly Loops[]
}

/** A release of many gems of one repository: prebuilt, and from gemspecs. */
export async function manyGems(options: Options, found: ManyGems[]): Promise<Section> {
  const { runs } = options
  const [some, many] = options.quick ? [10, 20] : [100, 400]
  const { one: built, other: loops } = await inTurn(
    runs,
    () => fromGemspecs(some, options),
    () => buildAndPushLoops(some, options),
  )
  const prebuilt = await repeat(runs, () => ofPrebuilt(some, options))
  const builtMany = await repeat(runs, () => fromGemspecs(many, options))
  const prebuiltMany = await repeat(runs, () => ofPrebuilt(many, options))
  const limited = await repeat(runs, () => ofPrebuilt(some, options, { nginxLimits: true }))
  found.push({ some, many, built, builtMany, loops })
  const pushes = median(loops.map(({ push }) => push.wall))
  const both = median(loops.map(({ build, push }) => build.wall + push.wall))
  const row = (what: string, ours: readonly Ran[], theirs: number, scale = 1): string[] => [
    what,
    seconds(wall(ours)),
    `${seconds(theirs * scale)}${scale === 1 ? '' : ' (scaled)'}`,
    times((theirs * scale) / wall(ours)),
  ]
  return {
    title: `3. ${String(some)} and ${String(many)} gems of one repository`,
    about: `Gems of ${String(SIZE / 1000)} kB with a name each. The other side runs \`gem push\` for each file, and \`gem build\` for each gemspec before; it neither verifies nor tags nor waits.`,
    tables: [
      {
        head: ['', 'release-gem', 'loops', 'ratio'],
        rows: [
          row(`${String(some)} gems, prebuilt`, prebuilt, pushes),
          row(`${String(some)} gems, from gemspecs`, built, both),
          row(`${String(many)} gems, prebuilt`, prebuiltMany, pushes, many / some),
          row(`${String(many)} gems, from gemspecs`, builtMany, both, many / some),
          row(`${String(some)} gems, prebuilt, at most 30 API requests a second`, limited, pushes),
        ],
      },
      requests([some, prebuilt], [many, prebuiltMany], [some, limited]),
    ],
    targets: [
      target(`at least ${String(FACTOR)}× faster, prebuilt`, pushes / wall(prebuilt)),
      target(`at least ${String(FACTOR)}× faster, from gemspecs`, both / wall(built)),
      linear(many / some, wall(prebuiltMany) / wall(prebuilt), wall(builtMany) / wall(built)),
    ],
  }
}

function wall(runs: readonly Ran[]): number {
  return median(runs.map((run) => run.wall))
}

function target(aim: string, ratio: number): Target {
  return { aim, measured: times(ratio), met: ratio >= FACTOR }
}

function linear(growth: number, prebuilt: number, built: number): Target {
  return {
    aim: `time grows linearly: ${String(growth)} times the gems in at most ${(growth * SLACK).toFixed(1)} times the time`,
    measured: `${prebuilt.toFixed(1)} prebuilt, ${built.toFixed(1)} from gemspecs`,
    met: Math.max(prebuilt, built) <= growth * SLACK,
  }
}

type Counted = readonly [gems: number, runs: readonly Release[]]

function requests(some: Counted, many: Counted, limited: Counted): Table {
  const count = ([, runs]: Counted, kind: string): number => median(runs.map((run) => run.requests[kind] ?? 0))
  const kinds = Object.keys(many[1][0]?.requests ?? {})
  return {
    caption: 'Requests of a release of prebuilt gems (RubyGems.org refuses what exceeds 30 API requests a second):',
    head: ['', `${String(some[0])} gems`, `${String(many[0])} gems`, 'per gem', `${String(limited[0])} gems, limited`],
    rows: [...kinds, 'refused with 429'].map((kind) => [
      kind,
      String(count(some, kind)),
      String(count(many, kind)),
      (count(many, kind) / many[0]).toFixed(2),
      String(count(limited, kind)),
    ]),
  }
}
