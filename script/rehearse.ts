import { LogRenderer, renderSummary } from '../sandbox/runner/render.ts'
import { examine } from './rehearsal/examine.ts'
import { listFaults } from './rehearsal/faults.ts'
import { installAll } from './rehearsal/install.ts'
import { type Options, readOptions, Stop, USAGE } from './rehearsal/options.ts'
import { openProject } from './rehearsal/project.ts'
import { runAction } from './rehearsal/release.ts'
import { type Result, result } from './rehearsal/report.ts'
import { describe, heading, tell } from './rehearsal/tell.ts'
import { Workplace } from './rehearsal/workplace.ts'
import { prepareWorld } from './rehearsal/world.ts'

/** Releases a gem to a sandbox on this machine, with the bundle GitHub would run, and installs it from there. */

async function rehearse(options: Options, print: (text: string) => void): Promise<Result> {
  using place = new Workplace(options.keep)
  const project = await openProject(options.project, place)
  await using world = await prepareWorld(project, options, place)
  print(`${describe(world)}\n${heading('Log of the job')}\n`)

  const log = new LogRenderer(print)
  const run = await runAction(world, place, (line) => log.line(line))
  print(`${heading('Annotations and summary')}\n${renderSummary(run.steps)}`)
  place.goOn()

  const installed = run.succeeded ? await installAll(run.gems, world, place) : []
  const examination = await examine(world, run, place)
  place.goOn()
  return result({ world, run, installed, examination, kept: options.keep ? place.directory : undefined })
}

async function main(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (options === 'help' || options === 'faults') {
    process.stdout.write(options === 'help' ? USAGE : listFaults())
    return 0
  }
  const stream = options.json ? process.stderr : process.stdout
  const found = await rehearse(options, (text) => stream.write(text))
  process.stdout.write(options.json ? `${JSON.stringify(found, null, 2)}\n` : tell(found))
  return found.ok ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Stop)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode
}
