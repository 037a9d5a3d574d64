import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Options } from '../options.ts'
import { OURS, type Plot, svg, THEIRS } from '../plot.ts'
import type { Section } from '../report.ts'
import { median, repeat, seconds } from '../statistics.ts'
import type { Large } from './large-gem.ts'
import type { ManyGems } from './many-gems.ts'
import { buildAndPushLoops, fromGemspecs, type Loops, type Release, totalRequests } from './releases.ts'

interface Point {
  gems: number
  wall: number
  requests: number
  peak: number
}

const THEIRS_ONCE = 20

/** What one more gem and one more megabyte cost. */
export async function growth(
  options: Options,
  known: { large: readonly Large[]; many: readonly ManyGems[] },
  directory: string,
): Promise<Section> {
  const runs = Math.min(options.runs, 3)
  const ours: Point[] = []
  const theirs: Point[] = []
  for (const gems of options.quick ? [1, 5] : [1, 25, 50]) {
    ours.push(ourPoint(gems, await repeat(runs, () => fromGemspecs(gems, options))))
  }
  for (const gems of options.quick ? [1, 5] : [1, 10, 25]) {
    theirs.push(theirPoint(gems, await repeat(gems > THEIRS_ONCE ? 1 : runs, () => buildAndPushLoops(gems, options))))
  }
  for (const { some, many, built, builtMany, loops } of known.many) {
    ours.push(ourPoint(some, built), ourPoint(many, builtMany))
    theirs.push(theirPoint(some, loops))
  }
  if (options.write) {
    writeFileSync(path.join(directory, 'growth-gems.svg'), svg(byGems(ours, theirs)))
    writeFileSync(path.join(directory, 'growth-size.svg'), svg(bySize(known.large)))
  }
  return section(ours, theirs)
}

function ourPoint(gems: number, runs: readonly Release[]): Point {
  return {
    gems,
    wall: median(runs.map(({ wall }) => wall)),
    requests: median(runs.map(totalRequests)),
    peak: median(runs.map(({ peak }) => peak)),
  }
}

function theirPoint(gems: number, runs: readonly Loops[]): Point {
  return {
    gems,
    wall: median(runs.map(({ build, push }) => build.wall + push.wall)),
    requests: median(runs.map(({ requests }) => requests)),
    peak: median(runs.map(({ build, push }) => Math.max(build.peak, push.peak))),
  }
}

function section(ours: readonly Point[], theirs: readonly Point[]): Section {
  const row = (who: string, { gems, wall, requests, peak }: Point): string[] => [
    `${who}, ${String(gems)}`,
    seconds(wall),
    String(requests),
    `${peak.toFixed(0)} MiB`,
  ]
  return {
    title: '8. Cost of growth',
    about: `Gems from gemspecs: built, pushed, verified, tagged and awaited by ours; built and pushed by the loops, which neither verify nor tag nor wait. The dashed part of a loop’s line was not measured: it goes on as it was. The points between the smallest and those of section 3 are of three runs, or of one where a loop takes long.\n\n![wall time, requests and memory against the number of gems](growth-gems.svg)\n\n![wall time and memory against the size of one gem](growth-size.svg)`,
    tables: [
      {
        head: ['gems', 'wall time', 'requests', 'peak memory of a process'],
        rows: [...ours.map((point) => row('release-gem', point)), ...theirs.map((point) => row('loops', point))],
      },
    ],
    targets: [],
  }
}

function byGems(ours: readonly Point[], theirs: readonly Point[]): Plot[] {
  const plot = (title: string, y: string, value: (point: Point) => number): Plot => ({
    title,
    x: 'gems',
    y,
    lines: [
      { name: 'release-gem', color: OURS, points: ours.map((point) => [point.gems, value(point)]) },
      {
        name: 'gem build and gem push loops',
        color: THEIRS,
        points: theirs.map((point) => [point.gems, value(point)]),
        dashed: further(theirs, ours.at(-1)?.gems ?? 0, value),
      },
    ],
  })
  return [
    plot('Wall time', 'seconds', ({ wall }) => wall / 1000),
    plot('Requests', 'requests', ({ requests }) => requests),
    plot('Peak memory of a process', 'MiB', ({ peak }) => peak),
  ]
}

/** A loop goes on as it was: every gem costs what the last ones did. */
function further(points: readonly Point[], to: number, value: (point: Point) => number): [number, number][] {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || last.gems >= to || last.gems === first.gems) return []
  const each = (value(last) - value(first)) / (last.gems - first.gems)
  return [[to, value(last) + each * (to - last.gems)]]
}

function bySize(large: readonly Large[]): Plot[] {
  const plot = (title: string, y: string, ours: (one: Large) => number, theirs: (one: Large) => number): Plot => ({
    title,
    x: 'size of the gem in MB',
    y,
    lines: [
      { name: 'release-gem', color: OURS, points: large.map((one) => [one.megabytes, ours(one)]) },
      { name: 'curl', color: THEIRS, points: large.map((one) => [one.megabytes, theirs(one)]) },
    ],
  })
  return [
    plot(
      'Wall time',
      'seconds',
      (one) => one.wall / 1000,
      (one) => one.curl / 1000,
    ),
    plot(
      'Peak memory',
      'MiB',
      (one) => one.peak,
      (one) => one.curlPeak,
    ),
  ]
}
