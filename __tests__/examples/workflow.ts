import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from '../../src/json.ts'

export const ROOT = path.resolve(import.meta.dirname, '../..')

export interface Step {
  id: string | undefined
  uses: string | undefined
  run: string | undefined
  with: Record<string, string>
  env: Record<string, string>
  directory: string | undefined
  /** `if:`; undefined where it always runs. */
  condition: string | undefined
}

export interface Job {
  id: string
  needs: readonly string[]
  permissions: Record<string, string>
  /** Each entry of the matrix, or the expression that gives them; one empty entry where there is none. */
  matrix: readonly Record<string, string>[] | string
  outputs: Record<string, string>
  steps: readonly Step[]
  /** A reusable workflow that is called instead of steps. */
  uses: string | undefined
  with: Record<string, string>
}

/** A workflow file of this repository, as far as the tests of the examples need it. */
export interface WorkflowFile {
  document: JsonObject
  events: readonly string[]
  jobs: readonly Job[]
}

export function readWorkflow(file: string): WorkflowFile {
  return asWorkflow(readFileSync(path.join(ROOT, file), 'utf8'))
}

export function asWorkflow(text: string): WorkflowFile {
  const document: unknown = parse(text)
  if (!isObject(document)) throw new Error(`no workflow: ${text}`)
  const on = document['on']
  return {
    document,
    events: typeof on === 'string' ? [on] : Object.keys(objectAt(document, 'on')),
    jobs: Object.entries(objectAt(document, 'jobs')).map(([id, job]) => asJob(id, job)),
  }
}

function asJob(id: string, job: unknown): Job {
  const needs = stringAt(job, 'needs')
  return {
    id,
    needs: needs === undefined ? [] : [needs],
    permissions: texts(objectAt(job, 'permissions')),
    matrix: stringAt(job, 'strategy', 'matrix', 'include') ?? entriesOf(objectAt(job, 'strategy', 'matrix')),
    outputs: texts(objectAt(job, 'outputs')),
    steps: objectsAt(job, 'steps').map(asStep),
    uses: stringAt(job, 'uses'),
    with: texts(objectAt(job, 'with')),
  }
}

/** What a matrix includes, or each value of its one axis. */
function entriesOf({ include, ...axes }: JsonObject): Record<string, string>[] {
  const [axis, ...more] = Object.entries(axes)
  if (more.length > 0) throw new Error('a matrix with more axes than these tests can multiply')
  if (axis === undefined) return Array.isArray(include) ? include.filter(isObject).map(texts) : [{}]
  const [name, values] = axis
  return Array.isArray(values) ? values.map((value) => ({ [name]: String(value) })) : []
}

function asStep(step: JsonObject): Step {
  return {
    id: stringAt(step, 'id'),
    uses: stringAt(step, 'uses'),
    run: stringAt(step, 'run'),
    with: texts(objectAt(step, 'with')),
    env: texts(objectAt(step, 'env')),
    directory: stringAt(step, 'working-directory'),
    condition: stringAt(step, 'if'),
  }
}

export function texts(values: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}
