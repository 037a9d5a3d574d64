import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { evaluate, interpolate, isTruthy, type Value } from '../../sandbox/runner/expressions.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import type { JobOptions, SandboxJob } from '../../sandbox/sandbox.ts'
import { isObject, objectAt, stringAt } from '../../src/json.ts'
import { ACTION, REPOSITORY, type ScenarioWorld } from '../scenarios/scenario.ts'
import { type Job, readWorkflow, type Step, texts } from './workflow.ts'

/** How an example is started, and what GitHub would know that is not in the file. */
export interface Start {
  on: JobOptions['on']
  payload?: Record<string, Value>
  inputs?: Record<string, string>
  secrets?: Record<string, string>
  vars?: Record<string, string>
}

type Contexts = Record<string, Value>

/** A workflow while it runs: started by an event, or called by a job of one that was. */
interface Running {
  file: string
  jobs: readonly Job[]
  inputs: Record<string, string>
  /** What jobs that have ended hand to the others. */
  needs: Record<string, Value>
  /** Address of a called workflow, which trusted publishers are asked for instead of the caller's. */
  called?: string
}

/**
 * Runs a workflow file on the sandbox's runner: steps of this action and `run:` as they are; checkout, Ruby, artifacts and
 * App tokens are the sandbox's own. Conditions of jobs are not evaluated: the caller starts it so that they hold.
 */
export async function runExample(world: ScenarioWorld, file: string, start: Start): Promise<StepResult[]> {
  const { jobs } = readWorkflow(file)
  const [caller] = jobs
  if (caller?.uses === undefined)
    return runTogether(world, [{ file, jobs, inputs: start.inputs ?? {}, needs: {} }], start)
  const calls = entriesOf(caller, {}).map((matrix) =>
    Object.fromEntries(Object.entries(caller.with).map(([name, value]) => [name, fill(value, { matrix })])),
  )
  return runCalls(world, calls, start)
}

export const REUSABLE = '.github/workflows/release.yml'

/** The reusable workflow, called so often in one run, each time with these inputs. */
export async function runCalls(
  world: ScenarioWorld,
  calls: readonly Record<string, string>[],
  start: Start,
): Promise<StepResult[]> {
  const { document, jobs } = readWorkflow(REUSABLE)
  const declared = Object.entries(objectAt(document, 'on', 'workflow_call', 'inputs'))
  const defaults = Object.fromEntries(declared.map(([name, input]) => [name, stringAt(input, 'default') ?? '']))
  const running = calls.map((given) => ({
    file: REUSABLE,
    jobs,
    inputs: { ...defaults, ...given },
    needs: {},
    called: `${OWN_REPOSITORY}/${REUSABLE}@refs/tags/v1`,
  }))
  return runTogether(world, running, start)
}

/** What `OWNER/release-gem` of the examples is here. */
export const OWN_REPOSITORY = 'octo-org/release-gem'

/** The first job of each comes before the second job of any, as in one run where they go on side by side. */
async function runTogether(world: ScenarioWorld, all: readonly Running[], start: Start): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const index of all[0]?.jobs.keys() ?? []) {
    for (const running of all) {
      const job = running.jobs[index]
      if (job) results.push(...(await runEntries(world, running, job, start)))
      if (results.some(({ conclusion }) => conclusion !== 'success')) return results
    }
  }
  return results
}

/** A job, for each entry of its matrix. */
async function runEntries(world: ScenarioWorld, running: Running, job: Job, start: Start): Promise<StepResult[]> {
  const { inputs, needs } = running
  const { secrets = {}, vars = {}, payload = {} } = start
  const results: StepResult[] = []
  const outputs: Record<string, string> = {}
  for (const [index, matrix] of entriesOf(job, inputs).entries()) {
    const contexts = { inputs, secrets, vars, needs, matrix, strategy: { 'job-index': index }, event: payload }
    const ran = await runJob(world, running, job, start, contexts)
    results.push(...ran.steps)
    for (const [name, value] of Object.entries(ran.outputs)) if (value !== '') outputs[name] = value
  }
  needs[job.id] = { outputs }
  return results
}

function entriesOf({ matrix }: Job, inputs: Record<string, string>): readonly Record<string, string>[] {
  if (typeof matrix !== 'string') return matrix
  const [, name = ''] = /^\$\{\{ fromJSON\(inputs\.([\w-]+)\) \}\}$/.exec(matrix) ?? []
  const entries: unknown = JSON.parse(inputs[name] ?? '')
  return Array.isArray(entries) ? entries.filter(isObject).map(texts) : []
}

async function runJob(
  world: ScenarioWorld,
  { file, called }: Running,
  job: Job,
  start: Start,
  contexts: Contexts,
): Promise<{ steps: StepResult[]; outputs: Record<string, string> }> {
  const { 'id-token': idToken, contents } = job.permissions
  await using running = await world.sandbox.job({
    repository: REPOSITORY,
    on: start.on,
    workflowFile: path.basename(file),
    ...(called === undefined ? {} : { jobWorkflowRef: called }),
    ...(start.payload ? { payload: start.payload } : {}),
    permissions: {
      ...(idToken === 'write' ? { 'id-token': idToken } : {}),
      ...(contents === 'write' || contents === 'read' ? { contents } : {}),
    },
    checkout: checkedOut(job, contexts),
    // For steps that call `gem` themselves, whose server is no input of theirs.
    env: { RUBYGEMS_HOST: world.sandbox.registry.url },
  })
  const steps: StepResult[] = []
  for (const step of job.steps) {
    if (step.condition !== undefined && !isTruthy(evaluate(step.condition, { contexts }))) continue
    const result = await runStep(world, running, step, contexts)
    if (result) steps.push(result)
    if (result && result.conclusion !== 'success') break
  }
  const ids = Object.fromEntries(steps.flatMap(({ id, outputs }) => (id === undefined ? [] : [[id, { outputs }]])))
  const outputs = Object.entries(job.outputs).map(([name, text]) => [name, fill(text, { steps: ids })] as const)
  const { post } = await running.runner.finish()
  return { steps: [...steps, ...post], outputs: Object.fromEntries(outputs) }
}

/** What the job's actions/checkout has as its `ref:`, or whether there is one at all. */
function checkedOut({ steps }: Job, contexts: Contexts): boolean | string {
  const step = steps.find(({ uses }) => uses?.startsWith('actions/checkout@'))
  const ref = step?.with['ref']
  return ref === undefined ? step !== undefined : fill(ref, { github: { event: contexts['event'] ?? {} } })
}

async function runStep(
  world: ScenarioWorld,
  { runner }: SandboxJob,
  step: Step,
  contexts: Contexts,
): Promise<StepResult | undefined> {
  const given = Object.fromEntries(Object.entries(step.with).map(([name, value]) => [name, fill(value, contexts)]))
  const id = step.id === undefined ? {} : { id: step.id }
  if (step.run !== undefined) {
    const directory = path.join(runner.workspace, fill(step.directory ?? '', contexts))
    // The examples are for projects with a Gemfile; one without has no bundle to install.
    if (step.run === 'bundle install' && !existsSync(path.join(directory, 'Gemfile'))) return undefined
    const env = Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, fill(value, contexts)]))
    return runner.run(`cd '${directory}'\n${step.run}`, { ...id, env })
  }
  const own = ownAction(step.uses ?? '')
  if (own !== undefined) {
    return runner.uses(path.join(ACTION, own), {
      ...id,
      reference: step.uses ?? '',
      with: {
        ...given,
        'gem-server': world.sandbox.registry.url,
        ...(own === '' || own === 'publish' ? { 'await-timeout': '5' } : {}),
      },
    })
  }
  const [name = ''] = (step.uses ?? '').split('@')
  switch (name) {
    case 'actions/checkout':
    case 'ruby/setup-ruby':
      return undefined
    case 'actions/upload-artifact': {
      const { rawStdout } = await runner.run('echo "$NAME"; echo "$FILES"', {
        env: { NAME: given['name'] ?? 'artifact', FILES: given['path'] ?? '' },
      })
      const [artifact = '', ...files] = rawStdout.trim().split('\n')
      const gems = files.filter((file) => file.endsWith('.gem'))
      upload(
        world,
        artifact,
        gems.map((file) => path.resolve(runner.workspace, file)),
      )
      return undefined
    }
    case 'actions/download-artifact':
      download(world, given, runner.workspace)
      return undefined
    case 'actions/create-github-app-token': {
      const token = world.sandbox.github.addToken({ repository: REPOSITORY, permissions: { contents: 'write' } })
      return runner.run('echo "token=$TOKEN" >> "$GITHUB_OUTPUT"', { ...id, env: { TOKEN: token } })
    }
    default:
      throw new Error(`the sandbox cannot stand in for ${step.uses ?? 'this step'}`)
  }
}

/** Directory of one of our actions in this repository; undefined where it is somebody else's. */
function ownAction(uses: string): string | undefined {
  const [, tagged, self] = /^(?:OWNER\/release-gem(?:\/([\w-]+))?@v1|\$\/([\w-]+))$/.exec(uses) ?? []
  return tagged ?? self ?? (uses === 'OWNER/release-gem@v1' ? '' : undefined)
}

/** All artifacts of a run are in one place, whichever job or called workflow they come from. */
function artifactsOf(world: ScenarioWorld): string {
  return path.join(world.directory, 'artifacts')
}

/** As actions/upload-artifact: no name twice in a run, and none with characters that a file system may not take. */
function upload(world: ScenarioWorld, name: string, files: readonly string[]): void {
  const target = path.join(artifactsOf(world), name)
  if (name === '' || /["/:\\<>|*?\r\n]/.test(name)) throw new Error(`The artifact name is not valid: ${name}`)
  if (existsSync(target)) throw new Error(`(409) Conflict: an artifact with this name already exists: ${name}`)
  mkdirSync(target, { recursive: true })
  for (const file of files) cpSync(file, path.join(target, path.basename(file)))
}

/** As actions/download-artifact with `merge-multiple`, or of one artifact. */
function download(world: ScenarioWorld, given: Record<string, string>, workspace: string): void {
  const { name, pattern = name ?? '*', path: target = '' } = given
  for (const artifact of readdirSync(artifactsOf(world)).filter((one) => path.matchesGlob(one, pattern))) {
    cpSync(path.join(artifactsOf(world), artifact), path.join(workspace, target), { recursive: true })
  }
}

/** Replaces the expressions whose context is among these; the others are for the runner. */
function fill(text: string, contexts: Contexts): string {
  return text.replace(/\$\{\{\s*(\w+)\.[^}]*\}\}/g, (expression: string, context: string) =>
    context in contexts ? interpolate(expression, { contexts }) : expression,
  )
}
