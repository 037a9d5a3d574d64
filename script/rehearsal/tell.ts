import { type Finding, some, type Weight } from './findings/finding.ts'
import type { Installed } from './install.ts'
import { type Result, startedBy } from './report.ts'
import type { World } from './world.ts'

/** What is about to be rehearsed. */
export function describe(world: World): string {
  const { project, workflow, gemspecs } = world
  const gems = gemspecs.loaded.map(({ name, version }) => `${name} ${version}`).join(', ')
  return [
    `Rehearsing the release of ${gems === '' ? 'a project whose gemspecs cannot be loaded' : gems}`,
    `  from        ${project.sample ? 'the sample gem' : project.root}, commit ${project.commit.slice(0, 12)}`,
    `  as          ${project.repository}, started by ${startedBy(world)}`,
    `  configured  ${configuration(world)}`,
    ...(workflow.leftOut.length > 0 ? [`  left out    ${workflow.leftOut.join(', ')}: values only GitHub has`] : []),
    ...(world.fault ? [`  goes wrong  ${world.fault.name}`] : []),
    ...uncommitted(project.uncommitted),
  ].join('\n')
}

function configuration({ workflow }: World): string {
  if (!workflow.job) return 'with every input at its default'
  const names = Object.keys(workflow.inputs)
  return `as in .github/workflows/${workflow.job.file}${names.length > 0 ? ` (${names.join(', ')})` : ''}`
}

function uncommitted(files: readonly string[]): string[] {
  if (files.length === 0) return []
  const shown = files.slice(0, 5).join(', ') + (files.length > 5 ? `, and ${String(files.length - 5)} more` : '')
  return [`  not in it   uncommitted changes, which a release does not contain: ${shown}`]
}

/** What came of it, below the log. */
export function tell(found: Result): string {
  const { tag, trustedPublisher: form, installed, verdict, directory, workflow } = found
  return [
    heading('Tag on GitHub'),
    tag ? `${tag.name} on ${tag.commit.slice(0, 12)} (${tag.annotated ? 'annotated' : 'lightweight'})` : 'none',
    heading('Installing from the sandbox'),
    ...(installed.length === 0 ? ['nothing to install'] : installed.map(transcript)),
    ...TITLES.flatMap(([weight, title]) => section(weight, title, found.findings)),
    ...(workflow === null ? [] : [heading('Workflow file to add: .github/workflows/release.yml'), workflow.trimEnd()]),
    heading('Trusted publisher form for the real release'),
    `For ${form.gems.length === 0 ? 'the gem' : some(form.gems, 10)}, under "Trusted publishers" of the gem's page; for a gem that was`,
    'never published, as a pending one in your profile, which is good for 12 hours:',
    `  Repository owner   ${form.repositoryOwner}`,
    `  Repository name    ${form.repositoryName}`,
    `  Workflow filename  ${form.workflowFile}`,
    `  Environment        ${form.environment === '' ? '(leave empty)' : form.environment}`,
    ...(form.workflowRepository === '' ? [] : [`  Workflow repository  ${form.workflowRepository}`]),
    ...(form.known ? [] : ['Owner and name are made up: the project has no remote at GitHub.']),
    '',
    ...(directory === null ? [] : [`Everything is kept in ${directory}`]),
    verdict,
    '',
  ].join('\n')
}

const TITLES: readonly [Weight, string][] = [
  ['stops', 'What would stop the real release'],
  ['surprise', 'What may surprise you'],
  ['todo', 'Still to do'],
  ['unchecked', 'Could not be checked here'],
]

function section(weight: Weight, title: string, found: readonly Finding[]): string[] {
  const its = found.filter((finding) => finding.weight === weight)
  if (its.length === 0) return []
  return [heading(title), ...its.flatMap(({ code, what, fix }) => [`* ${what} (${code})`, `  ${fix}`])]
}

export function heading(text: string): string {
  return `\n── ${text} ${'─'.repeat(Math.max(2, 72 - text.length))}`
}

function transcript({ missing, transcript: text }: Installed): string {
  if (missing.length === 0) return text
  return `Not in the sandbox, so installed without: ${missing.join(', ')}\n${text}`
}
