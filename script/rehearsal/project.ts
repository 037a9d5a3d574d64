import { cpSync, statSync } from 'node:fs'
import path from 'node:path'
import { Stop } from './options.ts'
import type { Workplace } from './workplace.ts'

const SAMPLE = path.resolve(import.meta.dirname, '../../sandbox/sample-gem')
const SAMPLE_REPOSITORY = 'you/paper-boat'

/** A git repository whose HEAD is to be released. */
export interface Project {
  /** Top level of the working copy. */
  root: string
  /** Where the gemspecs are looked for, relative to `root`; empty for `root` itself. */
  directory: string
  /** `OWNER/NAME` it has in the sandbox's GitHub. */
  repository: string
  /** Whether it is the one it has at the real GitHub, as its remote says; made up otherwise. */
  known: boolean
  commit: string
  branch: string
  /** Files that are not as HEAD has them: the release will not contain what they hold. */
  uncommitted: readonly string[]
  /** Whether it is the sample gem, whose executable is known to be harmless. */
  sample: boolean
}

/** The project at `directory`, or the sample gem in a repository of its own. Throws Stop. */
export async function openProject(directory: string | undefined, place: Workplace): Promise<Project> {
  if (directory === undefined) return openSample(place)
  const given = path.resolve(directory)
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Stop(`There is no directory ${directory}.`, 2)
  }
  const root = await ask(place, given, 'rev-parse', '--show-toplevel')
  if (root === undefined) throw new Stop(`${directory} is in no git repository: a release is made of a commit.`, 2)
  const inside = (await ask(place, given, 'rev-parse', '--show-prefix')) ?? ''
  const origin = (await ask(place, root, 'config', '--get', 'remote.origin.url')) ?? ''
  return {
    ...(await headOf(root, place)),
    root,
    directory: inside.replace(/\/$/, ''),
    ...repositoryName(origin, root),
    uncommitted: await uncommitted(root, place),
    sample: false,
  }
}

async function openSample(place: Workplace): Promise<Project> {
  const root = place.below('sample-gem')
  cpSync(SAMPLE, root, { recursive: true })
  const who = ['-c', 'user.name=Ada Gemwright', '-c', 'user.email=ada@example.com']
  await must(place, root, 'init', '--quiet', '--initial-branch=main')
  await must(place, root, 'add', '--all')
  await must(place, root, ...who, 'commit', '--quiet', '--message', 'Build a paper boat')
  const head = await headOf(root, place)
  return { ...head, root, directory: '', repository: SAMPLE_REPOSITORY, known: false, uncommitted: [], sample: true }
}

async function headOf(root: string, place: Workplace): Promise<Pick<Project, 'commit' | 'branch'>> {
  const commit = await ask(place, root, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}')
  if (commit === undefined) throw new Stop(`${root} has no commit yet, and a release is made of a commit.`, 2)
  return { commit, branch: (await ask(place, root, 'symbolic-ref', '--quiet', '--short', 'HEAD')) ?? 'main' }
}

/** `git@github.com:OWNER/NAME.git`, `https://github.com/OWNER/NAME` and their like; `you/NAME` for anything else. */
function repositoryName(origin: string, root: string): Pick<Project, 'repository' | 'known'> {
  const [, owner, name] = /github\.[\w.-]+[/:]([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(origin) ?? []
  if (owner !== undefined && name !== undefined) return { repository: `${owner}/${name}`, known: true }
  return { repository: `you/${path.basename(root).replaceAll(/[^\w.-]/g, '-')}`, known: false }
}

async function uncommitted(root: string, place: Workplace): Promise<string[]> {
  const status = await must(place, root, '-c', 'core.fsmonitor=false', 'status', '--porcelain=v1', '-z')
  return status
    .split('\0')
    .filter((entry) => /^.. /.test(entry))
    .map((entry) => entry.slice(3))
}

async function ask(place: Workplace, cwd: string, ...args: string[]): Promise<string | undefined> {
  const { code, output } = await place.run('git', args, cwd)
  return code === 0 ? output : undefined
}

async function must(place: Workplace, cwd: string, ...args: string[]): Promise<string> {
  const { code, output } = await place.run('git', args, cwd)
  if (code !== 0) throw new Stop(`git ${args.join(' ')} failed in ${cwd}: ${output}`)
  return output
}
