import path from 'node:path'
import { monorepo, names } from '../material.ts'
import type { Options } from '../options.ts'
import { run } from '../program.ts'
import type { Section } from '../report.ts'
import { Scene } from '../scene.ts'
import { median, repeat, seconds, times } from '../statistics.ts'

const LOADER = 'Dir["*.gemspec"].sort.each { |file| Gem::Specification.load(file) or abort file }'

/** Reading hundreds of gemspecs before anything is decided. */
export async function survey(options: Options): Promise<Section> {
  const count = options.quick ? 40 : 400
  const runs = await repeat(options.runs, () => one(count, options))
  const [probe, loader] = [median(runs.map((each) => each.probe)), median(runs.map((each) => each.loader))]
  const processes = Math.max(...runs.map((each) => each.processes))
  return {
    title: `7. Looking around among ${String(count)} gemspecs`,
    about:
      'The one Ruby process that reads the project, against `ruby -e` loading the same gemspecs with `Gem::Specification.load`. Of a dry run, so that nothing is sent.',
    tables: [
      {
        head: ['', 'release-gem', '`ruby -e`', 'ratio'],
        rows: [
          ['Ruby process that reads the gemspecs', seconds(probe), seconds(loader), times(probe / loader)],
          ['Ruby processes before the build', String(processes), '1', ''],
          ['phases “Look around” and “Plan”', seconds(median(runs.map((each) => each.phases))), '', ''],
        ],
      },
    ],
    targets: [{ aim: 'one Ruby process', measured: String(processes), met: processes === 1 }],
  }
}

async function one(
  count: number,
  options: Options,
): Promise<Record<'probe' | 'loader' | 'processes' | 'phases', number>> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: all, files: monorepo(all) })
  const ran = await scene.trace({ 'dry-run': 'true' })
  const rubies = ran.trace.children.filter(
    ({ argv }) => argv[0] === 'ruby' && argv.some((word) => word.endsWith('probe.rb')),
  )
  const at = (start: string): number => ran.lines.find(({ text }) => text.startsWith(start))?.at ?? 0
  const others = ran.trace.children.filter(
    ({ argv, from }) => !['git', 'ruby'].includes(path.basename(argv[0] ?? '')) && from < at('Plan: '),
  )
  const loader = await run({ file: 'ruby', args: ['-e', LOADER], cwd: scene.workspace, env: scene.environment() })
  return {
    probe: (rubies[0]?.to ?? 0) - (rubies[0]?.from ?? 0),
    loader: loader.wall,
    processes: rubies.length + others.length,
    phases: at('Plan: ') - at('::group::Look around'),
  }
}
