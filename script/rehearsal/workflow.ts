import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from '../../src/json.ts'

/** The job of the project's own workflows that releases it. */
export interface Workflow {
  /** File name, as the trusted publisher form wants it. */
  file: string
  environment: string | undefined
  /** `with:` of the step. */
  inputs: Record<string, string>
  /** Inputs the rehearsal cannot take over. */
  leftOut: readonly string[]
  /** Whether the project has such a workflow. */
  found: boolean
}

const STEP = /(^|\/)release-gem@/
/** The sandbox gives these itself; prebuilt gems come from a job that does not run here. */
const OURS = new Set(['gem-server', 'audience', 'role-to-assume', 'api-token', 'token', 'trusted-publisher', 'gems'])

/** Finds the step that releases, of this action or of the one it replaces. */
export function findWorkflow(root: string): Workflow {
  for (const { file, jobs } of workflows(root)) {
    for (const job of jobs) {
      const step = objectsAt(job, 'steps').find(({ uses }) => typeof uses === 'string' && STEP.test(uses))
      if (step) return { file, environment: environmentOf(job), ...inputsOf(step), found: true }
    }
  }
  return { file: 'release.yml', environment: undefined, inputs: {}, leftOut: [], found: false }
}

function workflows(root: string): { file: string; jobs: JsonObject[] }[] {
  const directory = path.join(root, '.github', 'workflows')
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  const files = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name))
  return files.toSorted().map((file) => {
    const jobs = objectAt(readYaml(path.join(directory, file)), 'jobs')
    return { file, jobs: Object.values(jobs).filter(isObject) }
  })
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch {
    // GitHub would not run it either.
    return undefined
  }
}

function environmentOf(job: JsonObject): string | undefined {
  const name = stringAt(job, 'environment') ?? stringAt(job, 'environment', 'name')
  return name?.includes('${{') ? undefined : name
}

function inputsOf(step: JsonObject): Pick<Workflow, 'inputs' | 'leftOut'> {
  const given = Object.entries(objectAt(step, 'with')).map(([name, value]) => [name, String(value)] as const)
  const usable = given.filter(([name, value]) => !OURS.has(name) && !value.includes('${{'))
  const inputs = Object.fromEntries(usable)
  return { inputs, leftOut: given.map(([name]) => name).filter((name) => !Object.hasOwn(inputs, name)) }
}
