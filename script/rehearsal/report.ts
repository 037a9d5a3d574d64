import { type Examination, findings } from './findings.ts'
import type { Finding } from './findings/finding.ts'
import type { Installed } from './install.ts'
import type { Run } from './release.ts'
import { workflowToAdd } from './setup.ts'
import type { World } from './world.ts'

/** Everything the rehearsal found out; what `--json` prints, and `docs/rehearsal.md` describes. */
export interface Result {
  /** Raised when a field goes or changes its meaning. */
  format: 1
  /** Nothing stops the release. */
  ok: boolean
  /** The last line: how it ended, in one sentence. */
  verdict: string
  project: { path: string; repository: string; commit: string; uncommitted: readonly string[] }
  startedBy: string
  /** What was made to go wrong. */
  fault: string | null
  gems: Run['gems']
  tag: Run['tag'] | null
  /** How the action went about it, in its own words. */
  decisions: readonly string[]
  outputs: Record<string, string>
  annotations: { level: string; title: string; message: string }[]
  /** What would stop the real release or surprise its owner, the gravest first. */
  findings: readonly Finding[]
  /** The workflow file to add, where the project has none. */
  workflow: string | null
  /** What the form on the registry has to hold for the real release. */
  trustedPublisher: TrustedPublisher
  installed: readonly Installed[]
  /** Where everything is, with `--keep`. */
  directory: string | null
}

interface TrustedPublisher {
  gems: readonly string[]
  /** Owner and name are made up where the project has no remote at GitHub. */
  known: boolean
  repositoryOwner: string
  repositoryName: string
  workflowFile: string
  environment: string
  /** `OWNER/NAME`, where the workflow file is in another repository. */
  workflowRepository: string
}

export interface Ending {
  world: World
  run: Run
  installed: readonly Installed[]
  examination: Examination
  kept: string | undefined
}

export function result({ world, run, installed, examination, kept }: Ending): Result {
  const { project } = world
  const found = project.sample ? [] : findings(examination)
  return {
    format: 1,
    ...judge(run, installed, found),
    project: {
      path: project.root,
      repository: project.repository,
      commit: project.commit,
      uncommitted: project.uncommitted,
    },
    startedBy: startedBy(world),
    fault: world.fault?.name ?? null,
    gems: run.gems,
    tag: run.tag ?? null,
    decisions: run.decisions,
    outputs: run.outputs,
    annotations: run.steps
      .flatMap(({ annotations }) => annotations)
      .map(({ level, title = '', message }) => ({ level, title, message })),
    findings: found,
    workflow: world.workflow.job || project.sample ? null : workflowToAdd(world),
    trustedPublisher: trustedPublisher(world),
    installed,
    directory: kept ?? null,
  }
}

function judge(run: Run, installed: readonly Installed[], found: readonly Finding[]): Pick<Result, 'ok' | 'verdict'> {
  const stops = found.filter(({ weight }) => weight === 'stops').length
  if (!run.succeeded)
    return failed(
      `the action ended with an error, shown above${stops > 0 ? '; see what would stop the real release' : ''}`,
    )
  const released = [...new Set(run.gems.map(({ name, version }) => `${name} ${version}`))].join(', ')
  if (released === '') return failed('the action released nothing')
  const broken = installed.find((gem) => gem.used === 'no')
  if (broken) {
    const what = broken.installed ? 'was installed, but could not be loaded' : 'was released, but cannot be installed'
    return failed(`${broken.name} ${broken.version} ${what}`)
  }
  if (stops > 0) {
    const things = stops === 1 ? 'one thing' : `${String(stops)} things`
    return failed(`${released} was released to the sandbox, but ${things} would stop the real release, shown above`)
  }
  return { ok: true, verdict: `Rehearsal succeeded: ${released} was released to the sandbox, ${ending(installed)}.` }
}

function ending(installed: readonly Installed[]): string {
  const unfit = installed.find((gem) => gem.unfit !== null)
  if (unfit) return `but cannot be installed on this machine: ${unfit.unfit ?? ''}`
  const unknown = installed.some((gem) => gem.used === 'unknown')
  return unknown ? 'and installed; what it depends on is not here, so that it was not loaded' : 'installed and used'
}

function failed(how: string): Pick<Result, 'ok' | 'verdict'> {
  return { ok: false, verdict: `Rehearsal failed: ${how}.` }
}

export function startedBy({ tag, project }: World): string {
  return tag === undefined ? `workflow_dispatch on ${project.branch}` : `push of tag ${tag}`
}

function trustedPublisher({ project, workflow, gemspecs }: World): TrustedPublisher {
  const [repositoryOwner = '', repositoryName = ''] = project.repository.split('/')
  return {
    gems: gemspecs.loaded.map(({ name }) => name),
    known: project.known,
    repositoryOwner,
    repositoryName,
    workflowFile: workflow.file,
    environment: workflow.environment ?? '',
    workflowRepository: workflow.repository ?? '',
  }
}
