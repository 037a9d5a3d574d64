import { incumbent } from '../baselines.ts'
import { oneGemProject } from '../material.ts'
import type { Options } from '../options.ts'
import { type Ran, script } from '../program.ts'
import type { Section, Table } from '../report.ts'
import { Scene, type Trace } from '../scene.ts'
import { covered, inTurn, median, repeat, seconds, type Span, times } from '../statistics.ts'

const GEM = 'rack-lens'
const OWN_LIMIT = 350

interface Part extends Span {
  what: string
  kind: 'ruby' | 'git' | 'request'
}

/** One gem from a checkout, from the start of the step to its being installable. */
export async function oneGem(options: Options): Promise<Section> {
  const { one: ours, other: theirs } = await inTurn(
    options.runs,
    () => release(options),
    () => today(options),
  )
  const traced = await repeat(options.runs, () => traceOne(options))
  const [wall, baseline] = [median(ours.map((one) => one.wall)), median(theirs.map((one) => one.wall))]
  const own = median(traced.map(ownTime))
  const requests = median(ours.map((one) => one.requests))
  return {
    title: '2. One gem',
    about:
      'A gem with Bundler’s release task, started by hand on a branch: built, pushed, verified, tagged and awaited. ' +
      'The other side is what rubygems/release-gem does, with curl in place of its Node.js actions and of rubygems-await: ' +
      'ID token, exchange, `git fetch --tags`, `bundle exec rake release`, poll of the index. It verifies no digest and signs nothing; nor does ours here.',
    tables: [
      {
        head: ['', 'release-gem', 'incumbent’s sequence', 'ratio'],
        rows: [
          ['wall time', seconds(wall), seconds(baseline), times(baseline / wall)],
          ['requests', String(requests), String(median(theirs.map((one) => one.requests))), ''],
        ],
      },
      timeline(traced),
      shares(traced),
    ],
    targets: [
      {
        aim: 'at most 0.35 s of our own beyond Ruby’s processes and the requests',
        measured: seconds(own),
        met: own <= OWN_LIMIT,
      },
      { aim: 'faster than the incumbent’s sequence', measured: times(baseline / wall), met: wall < baseline },
    ],
  }
}

/** A checkout whose bundle is installed, as `bundler-cache: true` of ruby/setup-ruby leaves it. */
async function open(options: Options): Promise<Scene> {
  const scene = await Scene.open({ ...options, gems: [GEM], files: oneGemProject(GEM), persistCredentials: true })
  await script('bundle install --local --quiet', scene.workspace, scene.environment())
  return scene
}

async function release(options: Options): Promise<Ran & { requests: number }> {
  await using scene = await open(options)
  const ran = await scene.release()
  return { ...ran, requests: scene.requestsSince(ran.from).length }
}

async function today(options: Options): Promise<Ran & { requests: number }> {
  await using scene = await open(options)
  const ran = await incumbent(scene, GEM)
  return { ...ran, requests: scene.requestsSince(ran.from).length }
}

interface Traced extends Span {
  parts: Part[]
  /** Node.js itself, before the first module of ours is loaded. */
  boot: number
}

async function traceOne(options: Options): Promise<Traced> {
  await using scene = await open(options)
  const { trace, from, to } = await scene.trace()
  const requests = scene.requestsSince(from).map(({ service, method, path, startedAt, endedAt }) => ({
    what: `${service}: ${method} ${
      path
        .split('?')[0]
        ?.replace('/repos/octo/rack-lens', '')
        .replace(/[0-9a-f]{40}/, 'SHA') ?? ''
    }`,
    kind: 'request' as const,
    from: startedAt,
    to: endedAt,
  }))
  const parts = [...requests, ...children(trace)].toSorted((one, other) => one.from - other.from)
  return { from, to, parts, boot: trace.from - from }
}

function children({ children: all }: Trace): Part[] {
  return all.map(({ argv, from, to }) => {
    const kind = argv[0] === 'git' ? ('git' as const) : ('ruby' as const)
    const words = argv.filter((word, index) => word !== '-c' && argv[index - 1] !== '-c').slice(0, 4)
    return { what: words.map((word) => word.split('/').at(-1) ?? '').join(' '), kind, from, to }
  })
}

function ownTime({ parts, from, to }: Traced): number {
  return to - from - covered(parts, from, to)
}

/** Where every millisecond goes: all that the release waits for, in the order of one run; times are medians. */
function timeline(runs: readonly Traced[]): Table {
  const all = runs.flatMap((run) => {
    const seen = new Map<string, number>()
    return run.parts.map((part) => {
      const count = (seen.get(part.what) ?? 0) + 1
      seen.set(part.what, count)
      return {
        key: `${part.what} ${String(count)}`,
        what: part.what,
        start: part.from - run.from,
        took: part.to - part.from,
      }
    })
  })
  const rows = [...Map.groupBy(all, ({ key }) => key).values()]
    .map((same) => ({
      what: same[0]?.what ?? '',
      start: median(same.map(({ start }) => start)),
      took: median(same.map(({ took }) => took)),
    }))
    .toSorted((one, other) => one.start - other.start)
  return {
    caption: 'What it waits for, in the order it starts; what overlaps runs at the same time:',
    head: ['process or request', 'from', 'takes'],
    rows: rows.map(({ what, start, took }) => [`\`${what}\``, seconds(start), seconds(took)]),
  }
}

/** Time with nothing but this kind (or what stands before it in the list) under way. */
function shares(runs: readonly Traced[]): Table {
  const alone = (run: Traced, kinds: readonly Part['kind'][]): number =>
    covered(
      run.parts.filter(({ kind }) => kinds.includes(kind)),
      run.from,
      run.to,
    )
  const share = (name: string, value: (run: Traced) => number): string[] => [name, seconds(median(runs.map(value)))]
  return {
    caption: 'Where the time goes (traced runs):',
    head: ['', 'time'],
    rows: [
      share('Ruby’s processes', (run) => alone(run, ['ruby'])),
      share('git, while no Ruby runs', (run) => alone(run, ['ruby', 'git']) - alone(run, ['ruby'])),
      share(
        'requests, while neither runs',
        (run) => alone(run, ['ruby', 'git', 'request']) - alone(run, ['ruby', 'git']),
      ),
      share('Node.js, before it loads our first module', ({ boot }) => boot),
      share('our own time, all that is left', (run) => ownTime(run) - run.boot),
      share('all', ({ from, to }) => to - from),
    ],
  }
}
