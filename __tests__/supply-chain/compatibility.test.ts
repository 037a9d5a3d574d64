import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ERROR_CODES } from '../../src/errors.ts'
import { objectAt, stringAt } from '../../src/json.ts'
import { read, trackedFiles } from './workflow-texts.ts'

/** What workflows can rely on: names, and what happens when they say nothing. */
interface Contract {
  /** By manifest: inputs with their defaults (null where they are required), and outputs. */
  actions: Record<string, { inputs: Record<string, string | null>; outputs: string[] }>
  workflow: { inputs: Record<string, string | null>; outputs: string[] }
  errorCodes: string[]
}

/** As it was when `v1` began. Only a new major version may replace it. */
const PROMISED = path.join(import.meta.dirname, 'v1.json')

function parameters(holder: unknown): { inputs: Record<string, string | null>; outputs: string[] } {
  const inputs = Object.entries(objectAt(holder, 'inputs')).map(([name, input]) => {
    const required = objectAt(input)['required'] === true
    return [name, required ? null : (stringAt(input, 'default') ?? '')]
  })
  return { inputs: Object.fromEntries(inputs), outputs: Object.keys(objectAt(holder, 'outputs')) }
}

function current(): Contract {
  const manifests = trackedFiles('action.yml', 'build/action.yml', 'credentials/action.yml', 'publish/action.yml')
  return {
    actions: Object.fromEntries(manifests.map((name) => [name, parameters(parse(read(name)))])),
    workflow: parameters(objectAt(parse(read('.github/workflows/release.yml')), 'on', 'workflow_call')),
    errorCodes: [...ERROR_CODES],
  }
}

/** What of `before` is not in `now` any more. */
function broken(before: Contract, now: Contract): string[] {
  const compare = (where: string, old: Contract['workflow'], fresh: Contract['workflow'] | undefined): string[] => [
    ...Object.entries(old.inputs)
      .filter(([name, value]) => fresh?.inputs[name] !== value)
      .map(([name]) => `${where}: input ${name}`),
    ...Object.entries(fresh?.inputs ?? {})
      .filter(([name, value]) => value === null && !(name in old.inputs))
      .map(([name]) => `${where}: input ${name} is new and required`),
    ...old.outputs.filter((name) => !fresh?.outputs.includes(name)).map((name) => `${where}: output ${name}`),
  ]
  return [
    ...Object.entries(before.actions).flatMap(([name, old]) => compare(name, old, now.actions[name])),
    ...compare('release.yml', before.workflow, now.workflow),
    ...before.errorCodes.filter((code) => !now.errorCodes.includes(code)).map((code) => `error code ${code}`),
  ]
}

const promised: Contract = JSON.parse(readFileSync(PROMISED, 'utf8'))

describe('what v1 promises', () => {
  it('is kept', () => {
    expect(broken(promised, current())).toEqual([])
  })

  it.each<[string, (now: Contract) => void]>([
    ['action.yml: input tag', (now) => delete now.actions['action.yml']?.inputs['tag']],
    ['build/action.yml: output checksums', (now) => now.actions['build/action.yml']?.outputs.splice(0)],
    [
      'action.yml: input await-release',
      (now) => Object.assign(now.actions['action.yml']?.inputs ?? {}, { 'await-release': 'strict' }),
    ],
    [
      'action.yml: input colour is new and required',
      (now) => Object.assign(now.actions['action.yml']?.inputs ?? {}, { colour: null }),
    ],
    ['release.yml: input matrix', (now) => delete now.workflow.inputs['matrix']],
    ['error code exchange-refused', (now) => now.errorCodes.splice(0)],
    ['publish/action.yml: output gems', (now) => delete now.actions['publish/action.yml']],
  ])('is broken by %s', (problem, change) => {
    const now = structuredClone(promised)
    change(now)
    expect(broken(promised, now)).toContain(problem)
  })

  it('may be added to', () => {
    const now = structuredClone(promised)
    Object.assign(now.actions['action.yml']?.inputs ?? {}, { colour: 'red' })
    now.actions['action.yml']?.outputs.push('colour')
    now.errorCodes.push('colour-unknown')
    expect(broken(promised, now)).toEqual([])
  })
})
