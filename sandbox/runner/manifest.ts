import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'

export interface ActionInput {
  /** Text of the default, `${{ }}` included; nothing where there is none. */
  default: string | undefined
  deprecationMessage: string | undefined
}

/** The parts of an `action.yml` that matter to a JavaScript action. */
export interface ActionManifest {
  directory: string
  inputs: Map<string, ActionInput>
  /** Absolute paths. */
  main: string
  post: string | undefined
  /** Condition of the post step; `always()` when the file gives none (`ActionManifestManager.cs`). */
  postIf: string
}

/** Reads `action.yml` or `action.yaml`; refuses what the emulator does not run. */
export async function readManifest(directory: string): Promise<ActionManifest> {
  const text = await readFile(join(directory, 'action.yml'), 'utf8').catch(() =>
    readFile(join(directory, 'action.yaml'), 'utf8'),
  )
  const document: unknown = parse(text)
  const runs = field(document, 'runs')
  const using = scalar(field(runs, 'using'))
  if (using !== 'node24') throw new Error(`${directory}: 'using: ${String(using)}' is not supported, use 'node24'`)
  if (field(runs, 'pre') !== undefined) throw new Error(`${directory}: 'pre' is not supported`)
  const main = scalar(field(runs, 'main'))
  if (main === undefined) throw new Error(`${directory}: no entry JavaScript file (runs.main)`)
  const post = scalar(field(runs, 'post'))
  return {
    directory,
    inputs: readInputs(field(document, 'inputs')),
    main: await script(directory, main),
    post: post === undefined ? undefined : await script(directory, post),
    postIf: scalar(field(runs, 'post-if')) ?? 'always()',
  }
}

function readInputs(inputs: unknown): Map<string, ActionInput> {
  const names = typeof inputs === 'object' && inputs !== null ? Object.keys(inputs) : []
  return new Map(
    names.map((name) => {
      const input = field(inputs, name)
      return [
        name,
        { default: scalar(field(input, 'default')), deprecationMessage: scalar(field(input, 'deprecationMessage')) },
      ]
    }),
  )
}

async function script(directory: string, path: string): Promise<string> {
  const file = join(directory, path)
  const found = await stat(file)
  if (!found.isFile()) throw new Error(`File not found: '${file}'`)
  return file
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return undefined
}
