import type { Installed } from './install.ts'
import type { Run } from './release.ts'
import type { World } from './world.ts'

/** Everything the rehearsal found out; what `--json` prints. */
export interface Result {
  ok: boolean
  /** The last line: how it ended, in one sentence. */
  verdict: string
  project: { path: string; repository: string; commit: string; uncommitted: readonly string[] }
  startedBy: string
  gems: Run['gems']
  tag: Run['tag'] | null
  outputs: Record<string, string>
  annotations: { level: string; title: string; message: string }[]
  /** What the form on the registry has to hold for the real release. */
  trustedPublisher: TrustedPublisher
  installed: readonly Installed[]
  /** Where everything is, with `--keep`. */
  directory: string | null
}

interface TrustedPublisher {
  gems: readonly string[]
  repositoryOwner: string
  repositoryName: string
  workflowFile: string
  environment: string
}

export function result(world: World, run: Run, installed: readonly Installed[], kept: string | undefined): Result {
  const { project } = world
  return {
    ...judge(run, installed),
    project: {
      path: project.root,
      repository: project.repository,
      commit: project.commit,
      uncommitted: project.uncommitted,
    },
    startedBy: startedBy(world),
    gems: run.gems,
    tag: run.tag ?? null,
    outputs: run.outputs,
    annotations: run.steps
      .flatMap(({ annotations }) => annotations)
      .map(({ level, title = '', message }) => ({ level, title, message })),
    trustedPublisher: trustedPublisher(world),
    installed,
    directory: kept ?? null,
  }
}

function judge(run: Run, installed: readonly Installed[]): Pick<Result, 'ok' | 'verdict'> {
  const names = run.gems.map(({ name, version }) => `${name} ${version}`)
  const released = [...new Set(names)].join(', ')
  if (!run.succeeded) return { ok: false, verdict: 'Rehearsal failed: the action ended with an error, shown above.' }
  if (released === '') return { ok: false, verdict: 'Rehearsal failed: the action released nothing.' }
  const broken = installed.find((gem) => !gem.installed || gem.used === 'no')
  if (broken) {
    const what = broken.installed ? 'was installed, but could not be loaded' : 'was released, but cannot be installed'
    return { ok: false, verdict: `Rehearsal failed: ${broken.name} ${broken.version} ${what}.` }
  }
  const unknown = installed.some((gem) => gem.used === 'unknown')
  const end = unknown
    ? 'and installed; what it depends on is not here, so that it was not loaded'
    : 'installed and used'
  return { ok: true, verdict: `Rehearsal succeeded: ${released} was released to the sandbox, ${end}.` }
}

function startedBy({ tag, project }: World): string {
  return tag === undefined ? `workflow_dispatch on ${project.branch}` : `push of tag ${tag}`
}

function trustedPublisher({ project, workflow, gemspecs }: World): TrustedPublisher {
  const [repositoryOwner = '', repositoryName = ''] = project.repository.split('/')
  return {
    gems: gemspecs.map(({ name }) => name),
    repositoryOwner,
    repositoryName,
    workflowFile: workflow.file,
    environment: workflow.environment ?? '',
  }
}

/** What is about to be rehearsed. */
export function describe(world: World): string {
  const { project, workflow, gemspecs } = world
  const gems = gemspecs.map(({ name, version }) => `${name} ${version}`).join(', ')
  return [
    `Rehearsing the release of ${gems === '' ? 'a project whose gemspecs cannot be loaded' : gems}`,
    `  from        ${project.sample ? 'the sample gem' : project.root}, commit ${project.commit.slice(0, 12)}`,
    `  as          ${project.repository}, started by ${startedBy(world)}`,
    `  configured  ${configuration(world)}`,
    ...(workflow.leftOut.length > 0 ? [`  left out    ${workflow.leftOut.join(', ')}: values only GitHub has`] : []),
    ...uncommitted(project.uncommitted),
  ].join('\n')
}

function configuration({ workflow }: World): string {
  if (!workflow.found) return 'with every input at its default'
  const names = Object.keys(workflow.inputs)
  return `as in .github/workflows/${workflow.file}${names.length > 0 ? ` (${names.join(', ')})` : ''}`
}

function uncommitted(files: readonly string[]): string[] {
  if (files.length === 0) return []
  const shown = files.slice(0, 5).join(', ') + (files.length > 5 ? `, and ${String(files.length - 5)} more` : '')
  return [`  not in it   uncommitted changes, which a release does not contain: ${shown}`]
}

/** What came of it, below the log. */
export function tell({ tag, trustedPublisher: form, installed, verdict, directory }: Result): string {
  return [
    heading('Tag on GitHub'),
    tag ? `${tag.name} on ${tag.commit.slice(0, 12)} (${tag.annotated ? 'annotated' : 'lightweight'})` : 'none',
    heading('Trusted publisher form for the real release'),
    `For ${form.gems.length === 0 ? 'the gem' : form.gems.join(', ')}, under "Trusted publishers" of the gem's page:`,
    `  Repository owner   ${form.repositoryOwner}`,
    `  Repository name    ${form.repositoryName}`,
    `  Workflow filename  ${form.workflowFile}`,
    `  Environment        ${form.environment === '' ? '(leave empty)' : form.environment}`,
    heading('Installing from the sandbox'),
    ...(installed.length === 0 ? ['nothing to install'] : installed.map(transcript)),
    '',
    ...(directory === null ? [] : [`Everything is kept in ${directory}`]),
    verdict,
    '',
  ].join('\n')
}

export function heading(text: string): string {
  return `\n── ${text} ${'─'.repeat(Math.max(2, 72 - text.length))}`
}

function transcript({ missing, transcript: text }: Installed): string {
  if (missing.length === 0) return text
  return `Not in the sandbox, so installed without: ${missing.join(', ')}\n${text}`
}
