import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from '../../src/json.ts'

/** The job of the project's own workflows that releases it. */
export interface Workflow {
  /** File name, as the trusted publisher form wants it. */
  file: string
  /** `OWNER/NAME` the file is in, where that is another repository. */
  repository: string | undefined
  environment: string | undefined
  /** `with:` of the step, as far as the rehearsal can take it over. */
  inputs: Record<string, string>
  /** Inputs it cannot take over. */
  leftOut: readonly string[]
  /** What is in the file; absent where the project has no such workflow. */
  job: ReleaseJob | undefined
}

/** What decides whether the job can release. */
export interface ReleaseJob {
  /** File below `.github/workflows` that has the job. */
  file: string
  /** Events that start it, with their filters; those of the callers where the file is only called. */
  events: ReadonlyMap<string, JsonObject>
  /** The job's permissions, after what every caller grants; absent where nothing says, and the repository's default holds. */
  permissions: readonly (Permissions | undefined)[]
  /** Whether a step before the release checks the repository out. */
  checksOut: boolean
  /** Whether a step before it installs the bundle. */
  installsBundle: boolean
  /** `step`: it builds and publishes; `publish`: it publishes what another job built; `workflow`: all is elsewhere. */
  kind: 'step' | 'publish' | 'workflow'
  /** `with:` as it is written. */
  with: Readonly<Record<string, string>>
}

export type Permissions = 'read-all' | 'write-all' | Readonly<Record<string, string>>

const STEP = /(^|\/)release-gem(\/publish)?@/
const REUSABLE = /^([\w.-]+\/release-gem)\/\.github\/workflows\/([\w.-]+)@/
/** The sandbox gives these itself; prebuilt gems come from a job that does not run here. */
const OURS = new Set([
  'gem-server',
  'audience',
  'role-to-assume',
  'api-token',
  'token',
  'trusted-publisher',
  'gems',
  'checksums',
  'platforms',
])

interface File {
  name: string
  document: unknown
  jobs: readonly JsonObject[]
}

/** Finds the step that releases, of this action or of the one it replaces. */
export function findWorkflow(root: string): Workflow {
  const files = readFiles(root)
  for (const file of files) {
    for (const job of file.jobs) {
      const found = inSteps(file, job, files) ?? elsewhere(file, job)
      if (found) return found
    }
  }
  return {
    file: 'release.yml',
    repository: undefined,
    environment: undefined,
    inputs: {},
    leftOut: [],
    job: undefined,
  }
}

function inSteps(file: File, job: JsonObject, files: readonly File[]): Workflow | undefined {
  const steps = objectsAt(job, 'steps')
  const index = steps.findIndex(({ uses }) => typeof uses === 'string' && STEP.test(uses))
  const step = steps[index]
  if (!step) return undefined
  const before = steps.slice(0, index)
  const given = texts(objectAt(step, 'with'))
  const callers = callersOf(file, files)
  return {
    file: file.name,
    repository: undefined,
    environment: environmentOf(job),
    ...usable(given),
    job: {
      file: file.name,
      events: new Map([file, ...callers.map((caller) => caller.file)].flatMap((one) => [...eventsOf(one.document)])),
      permissions: [permissionsOf(job, file), ...callers.map((caller) => permissionsOf(caller.job, caller.file))],
      checksOut: before.some((one) => stringAt(one, 'uses')?.startsWith('actions/checkout@')),
      installsBundle: before.some(installsBundle),
      kind: stringAt(step, 'uses')?.includes('/publish@') ? 'publish' : 'step',
      with: given,
    },
  }
}

/** A job that calls the reusable workflow of the action: the registry compares with that file then. */
function elsewhere(file: File, job: JsonObject): Workflow | undefined {
  const [, repository, called] = REUSABLE.exec(stringAt(job, 'uses') ?? '') ?? []
  if (repository === undefined || called === undefined) return undefined
  const given = texts(objectAt(job, 'with'))
  const { environment, 'working-directory': directory, 'expected-version': version, tag } = given
  const inputs = {
    ...(directory === undefined ? {} : { 'working-directory': directory }),
    ...(version === undefined ? {} : { 'expected-version': version }),
    ...(tag === undefined ? {} : { tag }),
  }
  return {
    file: called,
    repository,
    environment: environment === '' || environment?.includes('${{') ? undefined : environment,
    ...usable(inputs),
    job: {
      file: file.name,
      events: eventsOf(file.document),
      permissions: [permissionsOf(job, file)],
      checksOut: true,
      installsBundle: true,
      kind: 'workflow',
      with: given,
    },
  }
}

function readFiles(root: string): File[] {
  const directory = path.join(root, '.github', 'workflows')
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  const names = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name))
  return names.toSorted().map((name) => {
    const document = readYaml(path.join(directory, name))
    return { name, document, jobs: Object.values(objectAt(document, 'jobs')).filter(isObject) }
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

function callersOf(file: File, files: readonly File[]): { file: File; job: JsonObject }[] {
  const address = `./.github/workflows/${file.name}`
  return files.flatMap((one) => one.jobs.filter((job) => job['uses'] === address).map((job) => ({ file: one, job })))
}

function eventsOf(document: unknown): Map<string, JsonObject> {
  const on = isObject(document) ? document['on'] : undefined
  const none = {}
  if (typeof on === 'string') return new Map([[on, none]])
  if (Array.isArray(on)) return new Map(on.map((event) => [String(event), none]))
  const events = isObject(on) ? on : none
  return new Map(Object.keys(events).map((event) => [event, objectAt(events, event)]))
}

function permissionsOf(job: JsonObject, { document }: File): Permissions | undefined {
  const value = job['permissions'] ?? (isObject(document) ? document['permissions'] : undefined)
  if (value === 'read-all' || value === 'write-all') return value
  return isObject(value) ? texts(value) : undefined
}

function installsBundle(step: JsonObject): boolean {
  const uses = stringAt(step, 'uses') ?? ''
  if (uses.startsWith('ruby/setup-ruby@')) return String(objectAt(step, 'with')['bundler-cache']) === 'true'
  return /\bbundle(r)?\s+install\b|\bbundle\s*$|\bbin\/setup\b/m.test(stringAt(step, 'run') ?? '')
}

function environmentOf(job: JsonObject): string | undefined {
  const name = stringAt(job, 'environment') ?? stringAt(job, 'environment', 'name')
  return name?.includes('${{') ? undefined : name
}

function texts(values: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}

function usable(given: Readonly<Record<string, string>>): Pick<Workflow, 'inputs' | 'leftOut'> {
  const entries = Object.entries(given)
  const inputs = Object.fromEntries(entries.filter(([name, value]) => !OURS.has(name) && !value.includes('${{')))
  return { inputs, leftOut: entries.map(([name]) => name).filter((name) => !Object.hasOwn(inputs, name)) }
}
