import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Examination } from './findings.ts'
import type { Gemspec } from './gemspecs.ts'
import type { Project } from './project.ts'
import { askPublished, type Published } from './published.ts'
import type { Run } from './release.ts'
import type { Workplace } from './workplace.ts'
import type { World } from './world.ts'

/** What is known of a project before anything is run. */
export type Known = Pick<
  World,
  'project' | 'workflow' | 'workingDirectory' | 'gemspecs' | 'copy' | 'server' | 'offline' | 'tag'
>

/** Gathers what the findings are made of, once the release to the sandbox has been tried. */
export async function examine(
  world: Known,
  run: Pick<Run, 'gems' | 'tag' | 'decisions' | 'bundleTrouble'>,
  place: Workplace,
): Promise<Examination> {
  const { project, workflow, gemspecs, workingDirectory } = world
  const beside = (name: string): boolean =>
    [workingDirectory, ''].some((directory) => existsSync(path.join(world.copy, directory, name)))
  const tag = world.tag ?? run.tag?.name
  const outputs = run.gems.filter(({ sha256 }) => sha256 !== '')
  return {
    gems: {
      gemspecs,
      committed: await committedFiles(world, place),
      local: await localFiles(project, workingDirectory, place),
      server: world.server,
      published: await published(world, place),
      built: new Map(outputs.map((gem) => [`${gem.name} ${gem.version} ${gem.platform}`, gem.sha256])),
      packed: packedFiles(gemspecs.loaded, place),
    },
    repository: {
      commit: project.commit,
      uncommitted: project.uncommitted,
      remote: await remoteState(project, place),
      tags: await tagsOf(project, place),
      tag: tag ?? likelyTag(gemspecs.loaded),
      gemspecs: gemspecs.loaded,
      lockfile: textOf(path.join(world.copy, workingDirectory, 'Gemfile.lock')),
      decisions: run.decisions,
      bundleTrouble: /gemspec|validation error/.test(run.bundleTrouble?.says ?? '') ? undefined : run.bundleTrouble,
    },
    workflow: { workflow, tag, gemfile: beside('Gemfile') || beside('gems.rb') },
  }
}

/** Where the run did not come as far as a tag, the form most projects have. */
function likelyTag([gem]: readonly Gemspec[]): string | undefined {
  return gem && `v${gem.version}`
}

async function published({ project, server, gemspecs, offline }: Known, place: Workplace): Promise<Published> {
  if (offline || project.sample) return { unknown: 'nobody was asked' }
  const names = gemspecs.loaded.map(({ name }) => name)
  return askPublished([...new Set(names)], server, place.signal)
}

async function committedFiles({ copy, workingDirectory }: Known, place: Workplace): Promise<Set<string>> {
  const directory = path.join(copy, workingDirectory)
  const files = await listed(place, directory, 'ls-files', '-z')
  return new Set(files.flatMap((file) => [file, ...directoriesOf(file)]))
}

/** `a/b` and `a` of `a/b/c`: a gemspec may list directories, which RubyGems leaves out. */
function directoriesOf(file: string): string[] {
  const directory = path.posix.dirname(file)
  return directory === '.' ? [] : [directory, ...directoriesOf(directory)]
}

/** Files below the gemspecs' directory that git does not track; whole directories of them, such as `pkg/`, are looked into. */
async function localFiles(
  { root, sample }: Project,
  workingDirectory: string,
  place: Workplace,
): Promise<Map<string, 'ignored' | 'untracked'>> {
  const directory = path.join(root, workingDirectory)
  if (sample || !existsSync(directory)) return new Map()
  const others = await listed(place, directory, 'ls-files', '-z', '--others', '--exclude-standard')
  const ignored = await listed(place, directory, 'ls-files', '-z', '--others', '--ignored', '--exclude-standard')
  return new Map([
    ...others.map((file) => [file, 'untracked'] as const),
    ...ignored.map((file) => [file, 'ignored'] as const),
  ])
}

/** What `gem install` has unpacked. */
function packedFiles(gemspecs: readonly Gemspec[], place: Workplace): Map<string, Set<string>> {
  const installed = place.below('gems', 'gems')
  return new Map(
    gemspecs.flatMap(({ name, version }) => {
      const directory = path.join(installed, `${name}-${version}`)
      return existsSync(directory) ? [[name, new Set(filesBelow(directory))]] : []
    }),
  )
}

function filesBelow(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => statSync(path.join(directory, name)).isFile())
}

async function remoteState({ root, commit, sample }: Project, place: Workplace) {
  if (sample) return 'has-commit' as const
  const remotes = await lines(place, root, 'remote')
  if (remotes.length === 0) return 'none' as const
  const branches = await lines(place, root, 'branch', '--remotes', '--contains', commit)
  return branches.length > 0 ? ('has-commit' as const) : ('lacks-commit' as const)
}

async function tagsOf({ root }: Project, place: Workplace): Promise<Map<string, string>> {
  const format = '%(refname:strip=2) %(objectname) %(*objectname)'
  const tags = await lines(place, root, 'for-each-ref', `--format=${format}`, 'refs/tags')
  return new Map(
    tags.map((line) => {
      const [name = '', object = '', commit = ''] = line.split(' ')
      return [name, commit === '' ? object : commit]
    }),
  )
}

async function lines(place: Workplace, cwd: string, ...args: string[]): Promise<string[]> {
  const { code, output } = await place.run('git', args, cwd)
  return code === 0 ? output.split('\n').filter((line) => line.trim() !== '') : []
}

async function listed(place: Workplace, cwd: string, ...args: string[]): Promise<string[]> {
  const { code, output } = await place.run('git', args, cwd)
  return code === 0 ? output.split('\0').filter((name) => name !== '') : []
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
