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
}

export interface Job {
  id: string
  needs: readonly string[]
  permissions: Record<string, string>
  /** Each entry of the matrix; one empty entry where there is none. */
  matrix: readonly Record<string, string>[]
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
  const document: unknown = parse(readFileSync(path.join(ROOT, file), 'utf8'))
  if (!isObject(document)) throw new Error(`${file} is no workflow`)
  const on = document['on']
  return {
    document,
    events: typeof on === 'string' ? [on] : Object.keys(objectAt(document, 'on')),
    jobs: Object.entries(objectAt(document, 'jobs')).map(([id, job]) => asJob(id, job)),
  }
}

function asJob(id: string, job: unknown): Job {
  const needs = stringAt(job, 'needs')
  const matrix = objectsAt(job, 'strategy', 'matrix', 'include').map(texts)
  return {
    id,
    needs: needs === undefined ? [] : [needs],
    permissions: texts(objectAt(job, 'permissions')),
    matrix: matrix.length > 0 ? matrix : [{}],
    outputs: texts(objectAt(job, 'outputs')),
    steps: objectsAt(job, 'steps').map(asStep),
    uses: stringAt(job, 'uses'),
    with: texts(objectAt(job, 'with')),
  }
}

function asStep(step: JsonObject): Step {
  return {
    id: stringAt(step, 'id'),
    uses: stringAt(step, 'uses'),
    run: stringAt(step, 'run'),
    with: texts(objectAt(step, 'with')),
    env: texts(objectAt(step, 'env')),
    directory: stringAt(step, 'working-directory'),
  }
}

function texts(values: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}
