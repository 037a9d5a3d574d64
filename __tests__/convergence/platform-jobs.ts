import { copyFile, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { project } from '../scenarios/projects.ts'
import { expectGreen, newWorld, type Ran, type RunOptions, type ScenarioWorld } from '../scenarios/scenario.ts'

export const PLATFORMS = ['ruby', 'x86_64-linux', 'arm64-darwin'] as const

/** What the build jobs of a matrix hand over: artifacts in one directory, and one output of each job. */
export interface Handover {
  directory: string
  checksums: string
  commit: string
  jobs: readonly Ran[]
}

/** A project whose build job leaves a file that says what it builds for, as a cross compiler's step would. */
export async function platformWorld(): Promise<ScenarioWorld> {
  const world = await newWorld()
  await world.repository(
    project({ rakefile: false, gemspecLines: ['spec.platform = File.read(".platform") if File.exist?(".platform")'] }),
  )
  return world
}

/** A build job: read access to the repository, and no way to ask for an ID token. */
export async function buildJob(world: ScenarioWorld, options: RunOptions = {}): Promise<Ran> {
  return world.run({ action: 'build', permissions: { contents: 'read' }, ...options })
}

/** The build jobs of a matrix, as one artifact each, downloaded into one directory. */
export async function buildAll(world: ScenarioWorld, platforms: readonly string[]): Promise<Handover> {
  const directory = await mkdtemp(path.join(world.directory, 'artifacts-'))
  const jobs: Ran[] = []
  for (const [index, platform] of platforms.entries()) {
    const ran = await buildJob(world, {
      before: async ({ runner }) => writeFile(path.join(runner.workspace, '.platform'), platform),
      with: { 'matrix-index': String(index) },
      meanwhile: async ({ runner }) => copyAll(path.join(runner.workspace, 'pkg'), directory),
    })
    expectGreen(ran)
    jobs.push(ran)
  }
  const told = (name: string): string =>
    jobs.map(({ step }, index) => step.outputs[`${name}-${String(index)}`] ?? '').join('\n')
  return { directory, checksums: told('checksums'), commit: told('commit'), jobs }
}

/** What would have been handed over by some of the jobs, in a directory of its own. */
export async function partOf(
  { directory, checksums, commit, jobs }: Handover,
  platforms: readonly string[],
): Promise<Handover> {
  const part = await mkdtemp(`${directory}-`)
  const kept = jobs.filter(({ gems }) => gems.every(({ platform }) => platforms.includes(platform)))
  const names = kept.flatMap(({ gems }) => gems.map(({ file }) => path.basename(file)))
  for (const name of names) await copyFile(path.join(directory, name), path.join(part, name))
  const lines = checksums.split('\n').filter((line) => names.some((name) => line.endsWith(`  ${name}`)))
  return { directory: part, checksums: lines.join('\n'), commit, jobs: kept }
}

/** The publish job: the files and what was said about them; no checkout, no Ruby, no git. */
export async function publishJob(
  world: ScenarioWorld,
  { directory, checksums, commit }: Handover,
  options: RunOptions = {},
): Promise<Ran> {
  return world.run({
    action: 'publish',
    checkout: false,
    path: '/nonexistent',
    before: async ({ runner }) => copyAll(directory, path.join(runner.workspace, 'pkg')),
    ...options,
    with: { gems: 'pkg/*.gem', checksums, commit, platforms: PLATFORMS.join('\n'), ...options.with },
  })
}

async function copyAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) await copyFile(path.join(from, name), path.join(to, name))
}
