import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { awaiting } from './cases/await.ts'
import { growth } from './cases/growth.ts'
import { type Large, largeGem } from './cases/large-gem.ts'
import { type ManyGems, manyGems } from './cases/many-gems.ts'
import { oneGem } from './cases/one-gem.ts'
import { platforms } from './cases/platforms.ts'
import { start } from './cases/start.ts'
import { survey } from './cases/survey.ts'
import { circumstances, currentLoad } from './machine.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { markdown, type Section } from './report.ts'

/** Runs all cases, prints what they found as they end, and writes it to RESULTS.md with the plots beside it. */

async function main(args: string[]): Promise<void> {
  const options = readOptions(args)
  if (options === 'help') {
    process.stdout.write(USAGE)
    return
  }
  const head = circumstances(options, currentLoad())
  process.stdout.write(`${head.join('\n')}\n\n`)
  const started = performance.now()
  const sections: Section[] = []
  for (const [name, measure] of Object.entries(cases(options))) {
    if (options.only.length > 0 && !options.only.includes(name)) continue
    const section = await measure()
    sections.push(section)
    process.stdout.write(`${markdown(section)}\n\n`)
  }
  const took = `All of it took ${((performance.now() - started) / 60_000).toFixed(1)} minutes.`
  process.stdout.write(`${took}\n`)
  if (options.write) writeFileSync(path.join(import.meta.dirname, 'RESULTS.md'), document(head, sections, took))
}

function cases(options: Options): Record<string, () => Promise<Section>> {
  const large: Large[] = []
  const many: ManyGems[] = []
  return {
    start: () => start(options),
    'one-gem': () => oneGem(options),
    'many-gems': () => manyGems(options, many),
    platforms: () => platforms(options),
    'large-gem': () => largeGem(options, large),
    await: () => awaiting(options),
    survey: () => survey(options),
    growth: () => growth(options, { large, many }, import.meta.dirname),
  }
}

function document(head: readonly string[], sections: readonly Section[], took: string): string {
  const missed = sections.flatMap(({ title, targets }) =>
    targets.filter(({ met }) => !met).map(({ aim, measured }) => `* ${title}: ${aim}: ${measured}`),
  )
  return `${[
    '# Results of the benchmark',
    'Written by `script/bench`; do not edit.',
    head.join('\n'),
    missed.length === 0 ? 'All targets are met.' : `Missed targets, with their limits below:\n\n${missed.join('\n')}`,
    ...sections.map(markdown),
    took,
  ].join('\n\n')}\n`
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
