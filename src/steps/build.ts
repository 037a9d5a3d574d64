import path from 'node:path'
import { ReleaseError } from '../errors.ts'
import { title } from '../rubygems/versions.ts'
import type { Plan, PlannedGem } from '../plan/planned.ts'
import { buildEnvironment } from '../rubygems/child-environment.ts'
import { trustForeignCheckout } from '../git/foreign-owner.ts'
import { files } from '../world/files.ts'
import { lastWords } from '../world/last-words.ts'
import { type Finished, ProgramNotFound } from '../world/processes.ts'
import type { World } from '../world/world.ts'

export interface BuiltGem {
  planned: PlannedGem
  /** Absolute path of the file the build left. */
  path: string
}

/** Bundler's task and this action leave gems here. */
const PACKAGES = 'pkg'

/**
 * Builds what the plan says with the project's own tools, without any credential in their environment, and finds the
 * files they made. Throws ReleaseError: `build-failed`, `ruby-unavailable`.
 */
export async function build(
  plan: Pick<Plan, 'gems' | 'build'>,
  workingDirectory: string,
  committedAt: number,
  world: World,
): Promise<BuiltGem[]> {
  const env = await projectEnvironment(workingDirectory, committedAt, world)
  const run = (command: readonly string[]): Promise<void> => runBuild(command, workingDirectory, env, world)
  switch (plan.build.kind) {
    case 'prebuilt':
    case 'release-task':
      return plan.gems.flatMap((planned) => (planned.file ? [{ planned, path: planned.file.givenPath }] : []))
    case 'gem-build':
      return buildEach(plan, workingDirectory, env, world)
    case 'rake-build': {
      const before = Date.now()
      await run(plan.build.bundler ? ['bundle', 'exec', 'rake', 'build'] : ['rake', 'build'])
      return Promise.all(plan.gems.map((planned) => findBuilt(planned, workingDirectory, before)))
    }
  }
}

/** What programs of the project get that read or build it. `committedAt` in seconds since 1970. */
export async function projectEnvironment(
  directory: string,
  committedAt: number,
  { runner }: World,
): Promise<Record<string, string>> {
  const env = buildEnvironment(runner.env, { SOURCE_DATE_EPOCH: String(committedAt) })
  return { ...env, ...(await trustForeignCheckout(directory, env)) }
}

/** Runs `gem build` of each gemspec, in the order of the plan; with more than one, Ruby starts once for all of them. */
async function buildEach(
  plan: Pick<Plan, 'gems' | 'build'>,
  workingDirectory: string,
  env: Record<string, string>,
  world: World,
): Promise<BuiltGem[]> {
  const builds = plan.gems.flatMap((planned) => {
    const target = path.join(PACKAGES, fileName(planned))
    return planned.gemspec === undefined ? [] : [{ planned, gemspec: planned.gemspec, target }]
  })
  await files.makeDirectory(path.join(workingDirectory, PACKAGES))
  const commands = builds.map(({ gemspec, target }) => ['gem', 'build', operand(gemspec), '--output', target])
  const [only = [], ...more] = commands
  if (more.length > 0) await runBuilds(commands, workingDirectory, env, world)
  else await runBuild(only, workingDirectory, env, world)
  return builds.map(({ planned, target }) => ({ planned, path: path.join(workingDirectory, target) }))
}

/** A file name that no program takes for an option. */
function operand(file: string): string {
  return file.startsWith('-') ? `./${file}` : file
}

/** What RubyGems calls the file (`Gem::Specification#file_name`). */
export function fileName({ name, version, platform }: { name: string; version: string; platform: string }): string {
  return `${name}-${version}${platform === 'ruby' ? '' : `-${platform}`}.gem`
}

/** Last part of a path of this or another platform. */
export function baseName(file: string): string {
  return file.split(/[\\/]/).at(-1) ?? file
}

/** The file `rake build` made: in `pkg/` by Bundler's habit, beside the gemspec otherwise; a leftover does not count. */
export async function findBuilt(planned: PlannedGem, workingDirectory: string, since: number): Promise<BuiltGem> {
  for (const directory of [PACKAGES, '.']) {
    const candidate = path.join(workingDirectory, directory, fileName(planned))
    const writtenAt = await files.writtenAt(candidate)
    // File systems keep times in steps of up to two seconds.
    if (writtenAt !== undefined && writtenAt >= since - 2000) return { planned, path: candidate }
  }
  throw new ReleaseError({
    code: 'build-failed',
    what: `The build ended well, but left no new file ${fileName(planned)} for ${title(planned)}, neither in \`pkg\` nor beside the gemspec.`,
    fix: 'Let the project’s `build` task write there, or build in a step of your own and hand the files over with `gems:`.',
  })
}

async function runBuild(
  command: readonly string[],
  cwd: string,
  env: Record<string, string>,
  world: World,
): Promise<void> {
  const [program = '', ...args] = command
  world.runner.info(`$ ${command.join(' ')}`)
  const finished = await runProgram(program, args, cwd, env, world)
  if (finished.code !== 0) throw failed(command, finished)
}

/** What `build.rb` does in one process; it stops at the first that fails, and says which one that was. */
async function runBuilds(
  commands: readonly (readonly string[])[],
  cwd: string,
  env: Record<string, string>,
  world: World,
): Promise<void> {
  for (const command of commands) world.runner.info(`$ ${command.join(' ')}`)
  const script = path.join(path.dirname(world.assets.probe), 'build.rb')
  const answer = path.join(world.privateDirectory, 'build.txt')
  const pairs = commands.flatMap(([, , gemspec = '', , target = '']) => [gemspec, target])
  const finished = await runProgram('ruby', [script, answer, ...pairs], cwd, env, world)
  if (finished.code === 0) return
  throw failed(commands[Number(await files.answer(answer))] ?? ['ruby', 'build.rb'], finished)
}

async function runProgram(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  { runner, processes }: World,
): Promise<Finished> {
  return runner
    .foreign((print) => processes.run({ program, args, cwd, env, onLine: print }))
    .catch((error: unknown) => {
      throw error instanceof ProgramNotFound ? notFound(program, error) : error
    })
}

function notFound(program: string, cause: Error): ReleaseError {
  return new ReleaseError(
    {
      code: 'ruby-unavailable',
      what: `There is no \`${program}\` on PATH, and the project is built with it.`,
      fix: 'Add a `ruby/setup-ruby` step before this one, or build in another job and hand the files over with `gems:`.',
    },
    { cause },
  )
}

function failed(command: readonly string[], finished: Finished): ReleaseError {
  return new ReleaseError({
    code: 'build-failed',
    what: `\`${command.join(' ')}\` failed with exit code ${String(finished.code)}.`,
    why: lastWords(finished),
    fix: 'Make this command work in a clean checkout of the commit.',
  })
}
