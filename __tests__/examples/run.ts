import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { interpolate, type Value } from '../../sandbox/runner/expressions.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import type { JobOptions, SandboxJob } from '../../sandbox/sandbox.ts'
import { ACTION, REPOSITORY, type ScenarioWorld } from '../scenarios/scenario.ts'
import { type Job, readWorkflow, type Step } from './workflow.ts'

/** How an example is started, and what GitHub would know that is not in the file. */
export interface Start {
  on: JobOptions['on']
  payload?: Record<string, Value>
  inputs?: Record<string, string>
  secrets?: Record<string, string>
  vars?: Record<string, string>
}

type Contexts = Record<string, Value>

/**
 * Runs a workflow file on the sandbox's runner: steps of this action and `run:` as they are; checkout, Ruby, artifacts and
 * App tokens are the sandbox's own. Conditions of jobs are not evaluated: the caller starts it so that they hold.
 */
export async function runExample(world: ScenarioWorld, file: string, start: Start): Promise<StepResult[]> {
  const { inputs = {}, secrets = {}, vars = {} } = start
  const results: StepResult[] = []
  const needs: Record<string, Value> = {}
  for (const job of readWorkflow(file).jobs) {
    const outputs: Record<string, string> = {}
    for (const [index, matrix] of job.matrix.entries()) {
      const contexts = {
        inputs,
        secrets,
        vars,
        needs,
        matrix,
        strategy: { 'job-index': index },
        event: start.payload ?? {},
      }
      const ran = await runJob(world, file, job, start, contexts)
      results.push(...ran.steps)
      for (const [name, value] of Object.entries(ran.outputs)) if (value !== '') outputs[name] = value
    }
    needs[job.id] = { outputs }
  }
  return results
}

async function runJob(world: ScenarioWorld, file: string, job: Job, start: Start, contexts: Contexts) {
  const { 'id-token': idToken, contents } = job.permissions
  await using running = await world.sandbox.job({
    repository: REPOSITORY,
    on: start.on,
    workflowFile: path.basename(file),
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
  const [, name = '', own] = /^([\w-]+\/[\w-]+)(\/[\w-]+)?@/.exec(step.uses ?? '') ?? []
  const artifacts = path.join(world.directory, 'artifacts')
  switch (name) {
    case 'OWNER/release-gem':
      return runner.uses(path.join(ACTION, own ?? ''), {
        ...id,
        reference: step.uses ?? '',
        with: {
          ...given,
          'gem-server': world.sandbox.registry.url,
          ...(own === undefined || own === '/publish' ? { 'await-timeout': '5' } : {}),
        },
      })
    case 'actions/checkout':
    case 'ruby/setup-ruby':
      return undefined
    case 'actions/upload-artifact': {
      const files = await runner.run('echo "$FILES"', {
        env: { FILES: step.with['path'] ?? '' },
      })
      const target = path.join(artifacts, given['name'] ?? 'artifact')
      mkdirSync(target, { recursive: true })
      for (const line of files.rawStdout.split('\n').filter((one) => one.endsWith('.gem'))) {
        const source = path.resolve(runner.workspace, line)
        cpSync(source, path.join(target, path.basename(source)))
      }
      return undefined
    }
    case 'actions/download-artifact': {
      const prefix = given['pattern']?.replace(/\*$/, '') ?? given['name'] ?? ''
      for (const artifact of readdirSync(artifacts).filter((one) => one.startsWith(prefix))) {
        cpSync(path.join(artifacts, artifact), path.join(runner.workspace, given['path'] ?? ''), { recursive: true })
      }
      return undefined
    }
    case 'actions/create-github-app-token': {
      const token = world.sandbox.github.addToken({ repository: REPOSITORY, permissions: { contents: 'write' } })
      return runner.run('echo "token=$TOKEN" >> "$GITHUB_OUTPUT"', { ...id, env: { TOKEN: token } })
    }
    default:
      throw new Error(`the sandbox cannot stand in for ${step.uses ?? 'this step'}`)
  }
}

/** Replaces the expressions whose context is among these; the others are for the runner. */
function fill(text: string, contexts: Contexts): string {
  return text.replace(/\$\{\{\s*(\w+)\.[^}]*\}\}/g, (expression: string, context: string) =>
    context in contexts ? interpolate(expression, { contexts }) : expression,
  )
}
