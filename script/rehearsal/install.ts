import path from 'node:path'
import type { ReleasedGem } from './release.ts'
import type { Workplace } from './workplace.ts'
import type { World } from './world.ts'

/** A gem as a stranger gets it: by name and version from the registry. */
export interface Installed {
  name: string
  version: string
  installed: boolean
  /** `unknown`: a gem it needs is not in the sandbox, and not on this machine; or `unfit` says why. */
  used: 'yes' | 'no' | 'unknown'
  /** What this machine lacks to install it, which the machine of somebody else has. */
  unfit: string | null
  /** Runtime dependencies the sandbox does not have. */
  missing: readonly string[]
  /** Commands and what they printed. */
  transcript: string
}

/** Installs every released gem with the real `gem install` into a fresh GEM_HOME, and uses it. */
export async function installAll(gems: readonly ReleasedGem[], world: World, place: Workplace): Promise<Installed[]> {
  const results: Installed[] = []
  const names = new Map(gems.map((gem) => [`${gem.name} ${gem.version}`, gem]))
  for (const gem of names.values()) results.push(await install(gem, world, place))
  return results
}

async function install({ name, version }: ReleasedGem, world: World, place: Workplace): Promise<Installed> {
  const { registry } = world.sandbox
  const needed = world.gemspecs.loaded.find((gemspec) => gemspec.name === name)?.dependencies ?? []
  const missing = needed.filter((dependency) => registry.versions(dependency).length === 0)
  const env = { GEM_HOME: place.below('gems') }
  const without = missing.length > 0 ? ['--ignore-dependencies'] : []
  const from = ['--clear-sources', '--source', registry.url]
  const command = ['install', name, '-v', version, '--no-document', ...without, ...from]
  const got = await place.run('gem', command, place.directory, env)
  const shown = [`$ gem ${command.join(' ')}`, got.output]
  const installed = got.code === 0
  if (!installed) {
    const unfit = unfitness(got.output)
    return { name, version, installed, used: unfit ? 'unknown' : 'no', unfit, missing, transcript: shown.join('\n') }
  }

  const [program = '', ...args] = usage(name, version, world, place)
  const run = await place.run(program, args, place.directory, env)
  shown.push(`$ ${[program, ...args].map((word) => path.basename(word)).join(' ')}`, run.output)
  const unknown = run.code === 3 || (run.code !== 0 && missing.length > 0)
  const used = run.code === 0 ? 'yes' : unknown ? 'unknown' : 'no'
  return { name, version, installed, used, unfit: null, missing, transcript: shown.join('\n') }
}

/** Why `gem install` failed, where that says nothing about the gem. */
function unfitness(output: string): string | null {
  const [, what, wanted, here] =
    /requires (Ruby|RubyGems) version (.+?)\. The current .+? version is (\S+?)\.?(?:\s|$)/.exec(output) ?? []
  if (what !== undefined) return `it needs ${what} ${wanted ?? ''}, and this is ${here ?? ''}`
  return /can't find header files for ruby/.test(output) ? 'the headers of Ruby are not installed' : null
}

/** Nobody knows what a stranger's executable does, so that of a project is left alone. */
function usage(name: string, version: string, { project }: World, place: Workplace): string[] {
  if (project.sample) return ['ruby', place.below('gems', 'bin', name), 'Rehearsal']
  return ['ruby', path.join(import.meta.dirname, 'use.rb'), name, version]
}
