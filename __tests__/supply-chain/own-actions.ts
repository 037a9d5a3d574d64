import { existsSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { objectAt, objectsAt, stringAt } from '../../src/json.ts'
import { Workflow } from './workflow.ts'
import { read, ROOT, type WorkflowText } from './workflow-texts.ts'

/** What one of our actions or reusable workflows takes and gives. */
interface Interface {
  inputs: readonly string[]
  outputs: readonly string[]
}

/** Path in this repository of what a `uses:` names; undefined where it is somebody else's. */
function ownPath(uses: string): string | undefined {
  const [, tagged, self] = /^(?:OWNER\/release-gem(?:\/([^@]*))?@v\d+|\$\/(.*))$/.exec(uses) ?? []
  return tagged ?? self ?? (uses.startsWith('OWNER/release-gem@') ? '' : undefined)
}

function interfaceAt(at: string): Interface | undefined {
  const file = at.endsWith('.yml') ? at : path.join(at, 'action.yml')
  if (!existsSync(path.join(ROOT, file))) return undefined
  const value: unknown = parse(read(file))
  const holder = at.endsWith('.yml') ? objectAt(value, 'on', 'workflow_call') : value
  return { inputs: Object.keys(objectAt(holder, 'inputs')), outputs: Object.keys(objectAt(holder, 'outputs')) }
}

/**
 * Where a workflow uses this repository's actions otherwise than they are declared: actionlint cannot know them, since
 * they have no address yet, and GitHub only warns about an input that does not exist.
 */
export function misuses(text: WorkflowText): string[] {
  const { jobs } = new Workflow(text)
  const steps = jobs.flatMap(([, job]) => [...(stringAt(job, 'uses') ? [job] : []), ...objectsAt(job, 'steps')])
  return steps.flatMap((step) => {
    const uses = stringAt(step, 'uses') ?? ''
    const at = ownPath(uses)
    if (at === undefined) return []
    const ours = interfaceAt(at)
    if (ours === undefined) return [`${text.name}: ${uses} is not in this repository`]
    const given = Object.keys(objectAt(step, 'with')).filter((name) => !ours.inputs.includes(name))
    const taken = outputsRead(text.text, stringAt(step, 'id')).filter(
      (name) => !ours.outputs.includes(name.replace(/^(checksums|commit)-\d+$/, '$1')),
    )
    return [...given, ...taken].map((name) => `${text.name}: ${uses} has no \`${name}\``)
  })
}

/** Where a build job hands over what it has built, and not from which commit: another one might be tagged. */
export function halfHandovers({ name, text }: WorkflowText): string[] {
  if (!/\bneeds\.\w+\.outputs\.checksums/.test(text)) return []
  const handed = text.match(/\b(?:needs|steps)\.\w+\.outputs\.checksums(?:-\d+)?(?= }})/g) ?? []
  const missing = handed
    .map((reference) => reference.replace('checksums', 'commit'))
    .filter((reference) => !text.includes(`${reference} }}`))
  return missing.map((reference) => `${name}: nothing takes ${reference}`)
}

function outputsRead(text: string, id: string | undefined): string[] {
  if (id === undefined) return []
  return [...text.matchAll(new RegExp(`steps\\.${id}\\.outputs\\.([\\w-]+)`, 'g'))].map(([, name = '']) => name)
}
