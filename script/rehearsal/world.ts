import path from 'node:path'
import { Sandbox } from '../../sandbox/sandbox.ts'
import type { PublisherForm } from '../../sandbox/registry/administration.ts'
import { type Fault, findFault } from './faults.ts'
import { type Gemspec, type Gemspecs, readGemspecs } from './gemspecs.ts'
import { type Options, Stop } from './options.ts'
import type { Project } from './project.ts'
import { findWorkflow, type Workflow } from './workflow.ts'
import type { Workplace } from './workplace.ts'

/** A sandbox that knows the project, as GitHub and the registry will when the real release starts. */
export interface World extends AsyncDisposable {
  sandbox: Sandbox
  project: Project
  workflow: Workflow
  /** Where the gemspecs are, relative to the repository. */
  workingDirectory: string
  gemspecs: Gemspecs
  /** A fresh checkout of what is released. */
  copy: string
  /** Origin of the gem server of the real release. */
  server: string
  /** The real gem server is not to be asked. */
  offline: boolean
  /** What is to go wrong. */
  fault: Fault | undefined
  /** The tag that starts the run, where one does. */
  tag: string | undefined
}

/** Pushes the project's HEAD and tags to the sandbox's GitHub and fills in the trusted publisher forms. */
export async function prepareWorld(project: Project, options: Options, place: Workplace): Promise<World> {
  const fault = options.fault === undefined ? undefined : findFault(options.fault)
  const sandbox = await Sandbox.start({ directory: place.below('world'), sigstore: true })
  try {
    const copy = await publish(project, sandbox, place)
    const workflow = findWorkflow(copy)
    const workingDirectory = project.directory || (workflow.inputs['working-directory'] ?? '')
    const gemspecs = await readGemspecs(path.join(copy, workingDirectory), place)
    for (const gemspec of gemspecs.loaded) trust(gemspec, project, workflow, sandbox, fault)
    const tag = options.start === 'tag' ? await startingTag(project, gemspecs.loaded, sandbox) : undefined
    fault?.prepare?.({ sandbox, repository: project.repository, gems: gemspecs.loaded, commit: project.commit })
    return {
      sandbox,
      project,
      workflow,
      workingDirectory,
      gemspecs,
      copy,
      server: options.server ?? serverOf(workflow),
      offline: options.offline,
      fault,
      tag,
      [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
    }
  } catch (error) {
    await sandbox[Symbol.asyncDispose]()
    throw error
  }
}

function serverOf({ job }: Workflow): string {
  return URL.parse(job?.with['gem-server'] ?? '')?.origin ?? 'https://rubygems.org'
}

/** Returns a working copy of what GitHub now has; the project itself is read once, by `git fetch`. */
async function publish(project: Project, sandbox: Sandbox, place: Workplace): Promise<string> {
  const { repository, branch, root } = project
  const { bareDirectory } = await sandbox.github.createRepository(repository, { defaultBranch: branch })
  const refs = [`+HEAD:refs/heads/${branch}`, '+refs/tags/*:refs/tags/*']
  // A shallow clone is a project like any other.
  const fetched = await place.run(
    'git',
    ['fetch', '--quiet', '--no-tags', '--update-shallow', root, ...refs],
    bareDirectory,
  )
  if (fetched.code !== 0) throw new Stop(`${root} could not be read: ${fetched.output}`)
  const copy = place.below('copy')
  const cloned = await place.run('git', ['clone', '--quiet', '--branch', branch, bareDirectory, copy], place.directory)
  if (cloned.code !== 0) throw new Stop(`${root} could not be checked out: ${cloned.output}`)
  return copy
}

function trust(gem: Gemspec, project: Project, workflow: Workflow, { registry }: Sandbox, fault?: Fault): void {
  if (fault?.publisher === 'none') return
  const { environment, repository: workflowRepository } = workflow
  const form: PublisherForm = {
    gem: gem.name,
    repository: project.repository,
    workflow: workflow.file,
    ...(environment === undefined ? {} : { environment }),
    ...(workflowRepository === undefined ? {} : { workflowRepository }),
    ...fault?.publisher,
  }
  // The sandbox gives a gem that has a publisher a version 0.0.0 to be known by.
  if (gem.version === '0.0.0') registry.addPendingPublisher(form)
  else registry.addTrustedPublisher(form)
}

/** The tag of this version on HEAD; made where there is none, as the maintainer would push it. */
async function startingTag(project: Project, [gem]: readonly Gemspec[], { github }: Sandbox): Promise<string> {
  if (!gem) throw new Stop('No gemspec could be loaded, so there is no version to name a tag after.')
  const repository = github.repository(project.repository)
  const names = Object.keys(await repository.refs()).flatMap((ref) => /^refs\/tags\/(.*)$/.exec(ref)?.[1] ?? [])
  for (const name of names.filter((one) => one.endsWith(gem.version))) {
    if ((await repository.tag(name))?.commit === project.commit) return name
  }
  const tag = `v${gem.version}`
  if (names.includes(tag)) {
    throw new Stop(`The tag ${tag} is on another commit than HEAD (${project.commit.slice(0, 12)}): bump the version.`)
  }
  await repository.createTag(tag, project.commit)
  return tag
}
