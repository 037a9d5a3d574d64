import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Context } from './context.ts'
import { CaselessMap } from './effects.ts'
import { actionEnvironment, scriptEnvironment } from './environment.ts'
import { compileCache, node24 } from './execution.ts'
import { interpolate, type Scope } from './expressions.ts'
import { type JobState, scopeOf } from './job-state.ts'
import type { StepLog } from './log.ts'
import { type ActionManifest, readManifest } from './manifest.ts'
import type { CancelPlan, LogLine } from './step.ts'
import type { StepSpec } from './step-run.ts'

export interface StepOptions {
  /** `env:` of the step; `${{ }}` is evaluated here and in `with`. */
  env?: Record<string, string>
  /** `id:` of the step, for `${{ steps.ID.outputs.NAME }}`. */
  id?: string
  signal?: CancelPlan
  onLine?: (line: LogLine) => void
}

export interface UsesOptions extends StepOptions {
  with?: Record<string, string>
  /** The `uses:` line to show and to set `GITHUB_ACTION_REPOSITORY` from, such as `OWNER/release-gem@v1`. */
  reference?: string
}

export interface ActionSteps {
  main: StepSpec
  /** Made only when it runs: it sees the job's environment and its main's state as they are by then. */
  post: { condition: string; spec: () => StepSpec } | undefined
}

/** A `uses:` step (actions/runner `src/Runner.Worker/ActionRunner.cs` and `Handlers/NodeScriptActionHandler.cs`). */
export async function actionSteps(state: JobState, directory: string, options: UsesOptions): Promise<ActionSteps> {
  const manifest = await readManifest(directory)
  await writePayload(state)
  const name = options.reference ?? `./${relative(state.places.workspace, directory)}`
  const saved = new CaselessMap()
  const spec = (script: string): Omit<StepSpec, 'name' | 'phase' | 'header' | 'signal'> => {
    const env = stepEnv(state, options)
    const inputs = resolveInputs(manifest, options.with ?? {}, scopeOf(state, env))
    return {
      id: options.id,
      file: node24(),
      args: [...compileCache(), script],
      environment: (files) =>
        actionEnvironment(state, {
          env,
          github: githubOf(options, '__self'),
          files,
          inputs: inputs.toRecord(),
          saved: saved.toRecord(),
        }),
      state: saved,
      onLine: options.onLine,
    }
  }
  const { post, postIf } = manifest
  return {
    main: {
      ...spec(manifest.main),
      name: `Run ${name}`,
      phase: 'main',
      header: (log) => announce(log, state, name, manifest, options),
      signal: options.signal,
    },
    post:
      post === undefined
        ? undefined
        : {
            condition: postIf,
            spec: () => ({
              ...spec(post),
              name: `Post ${name}`,
              phase: 'post',
              header: (log) => log.output('Post job cleanup.'),
              signal: undefined,
            }),
          },
  }
}

/** A `run:` step with the default shell, `bash -e` (actions/runner `Handlers/ScriptHandler.cs`). */
export async function scriptStep(state: JobState, script: string, options: StepOptions): Promise<StepSpec> {
  await writePayload(state)
  const env = stepEnv(state, options)
  const text = interpolate(script, scopeOf(state, env))
  const file = join(state.places.temp, `${randomUUID()}.sh`)
  await writeFile(file, text)
  const bash = ['/usr/bin/bash', '/bin/bash'].find((path) => existsSync(path)) ?? 'bash'
  const name = `Run ${text.trimStart().split(/[\r\n]/, 1)[0] ?? ''}`
  return {
    name,
    id: options.id,
    phase: 'run',
    file: bash,
    args: ['-e', file],
    environment: (files) => scriptEnvironment(state, { env, github: githubOf(options), files }),
    state: new CaselessMap(),
    signal: options.signal,
    onLine: options.onLine,
    header: (log) => {
      log.output(`##[group]${name}`)
      for (const line of text.replace(/\n+$/, '').split(/\r?\n/)) log.output(`\u001b[36;1m${line}\u001b[0m`)
      log.output(`shell: ${bash} -e {0}`)
      announceMap(log, 'env', { ...Object.fromEntries(state.env), ...env })
      log.output('##[endgroup]')
    },
  }
}

async function writePayload({ job, places }: JobState): Promise<void> {
  const file = join(places.temp, '_github_workflow', 'event.json')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(job.github.event, null, 2))
}

function stepEnv(state: JobState, { env = {} }: StepOptions): Record<string, string> {
  const scope = scopeOf(state)
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, interpolate(value, scope)]))
}

/** What is given in `with`, then the defaults of what is not; an input without either is empty, not absent. */
function resolveInputs(manifest: ActionManifest, given: Record<string, string>, scope: Scope): CaselessMap {
  const inputs = new CaselessMap()
  for (const [name, value] of Object.entries(given)) inputs.set(name, interpolate(value, scope))
  for (const [name, input] of manifest.inputs) {
    if (!inputs.has(name)) inputs.set(name, interpolate(input.default ?? '', scope))
  }
  return inputs
}

/** A local action and a script have these two empty. */
function githubOf(options: UsesOptions, unnamed = '__run'): Context {
  const [repository = '', ref = ''] = (options.reference ?? '').split('@')
  return {
    action: options.id ?? (repository === '' ? unnamed : `__${repository.replace(/[^\w-]/g, '_')}`),
    action_repository: repository.split('/').slice(0, 2).join('/'),
    action_ref: ref,
  }
}

function announce(log: StepLog, state: JobState, name: string, manifest: ActionManifest, options: UsesOptions): void {
  const env = stepEnv(state, options)
  const inputs = resolveInputs(manifest, options.with ?? {}, scopeOf(state, env)).toRecord()
  const known = [...manifest.inputs.keys()]
  const folded = new Set(known.map((key) => key.toLowerCase()))
  const unexpected = Object.keys(options.with ?? {}).filter((key) => !folded.has(key.toLowerCase()))
  for (const key of Object.keys(options.with ?? {})) {
    const message = manifest.inputs.get(key)?.deprecationMessage
    if (message !== undefined) log.warning(`Input '${key}' has been deprecated with message: ${message}`)
  }
  if (unexpected.length > 0) {
    log.warning(`Unexpected input(s) '${unexpected.join("', '")}', valid inputs are ['${known.join("', '")}']`)
  }
  log.output(`##[group]Run ${name}`)
  announceMap(log, 'with', Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== '')))
  announceMap(log, 'env', { ...Object.fromEntries(state.env), ...env })
  log.output('##[endgroup]')
}

function announceMap(log: StepLog, title: string, values: Record<string, string>): void {
  const entries = Object.entries(values)
  if (entries.length > 0) log.output(`${title}:`)
  for (const [key, value] of entries) log.output(`  ${key}: ${value}`)
}
