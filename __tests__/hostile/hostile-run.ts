import { expect } from 'vitest'
import { searchForSecrets } from '../../sandbox/runner/leaks.ts'
import type { SandboxJob } from '../../sandbox/sandbox.ts'
import type { Files } from '../scenarios/projects.ts'
import { newWorld, type Ran, type RunOptions, type ScenarioWorld } from '../scenarios/scenario.ts'
import { MISLEADING } from './characters.ts'
import { changes, snapshot } from './workspace.ts'

/** What an earlier step or the workflow left lying about, and code of a build may find. */
export const CANARIES = {
  GEM_HOST_API_KEY: 'rubygems_00112233445566778899aabbccddeeff0011223344556677',
  GH_TOKEN: 'ghs_canary0123456789abcdefghijklmnopqrst',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMIK7MDENGbPxRfiCYCANARY',
}

export interface Hostile extends Omit<RunOptions, 'meanwhile' | 'before'> {
  name: string
  files: Files
  /** Error code the run has to end with; none where it has to be green. Several where chance decides, '' for green. */
  code?: string | readonly string[]
  /** What the annotation has to say. */
  says?: readonly (string | RegExp)[]
  /** Exit code; 0 or 1 by `code` when absent. */
  exit?: number
  /** Paths in the workspace that the project itself leaves changed. */
  leaves?: readonly string[]
  world?: Parameters<typeof newWorld>[0]
  before?: (job: SandboxJob) => Promise<void> | void
  /** Looks at the job before its post step. */
  meanwhile?: (job: SandboxJob) => Promise<void> | void
  /** Looks at what came of it. */
  afterwards?: (ran: Ran, world: ScenarioWorld) => Promise<void> | void
}

const GEM = ['pkg', 'pkg/rack-lens-1.2.3.gem']

/** Runs the shipped action on a project that means harm, and checks what holds whatever the project does. */
export async function expectHarmless(project: Hostile): Promise<Ran> {
  const { files, code, says = [], exit, leaves = GEM, afterwards, world: worldOptions, ...options } = project
  await using world = await newWorld(worldOptions)
  await world.repository(files)
  const before = await world.public()
  let workspace = new Map<string, string>()
  let changed: string[] = []
  const ran = await world.run({
    ...options,
    env: { ...CANARIES, ...options.env },
    async before(job) {
      await options.before?.(job)
      workspace = await snapshot(job.runner.workspace)
    },
    async meanwhile(job) {
      await options.meanwhile?.(job)
      changed = changes(workspace, await snapshot(job.runner.workspace))
      expectNoCanary(job)
    },
  })
  const [ended = ''] = ran.error.split(/[: ]/)
  const green = ended === '' && exit === undefined
  expect([code ?? ''].flat(), ran.error).toContain(ended)
  for (const text of says) expect(ran.error).toMatch(text)
  expect(ran.step.exitCode).toBe(exit ?? (green ? 0 : 1))
  expect(changed).toEqual(leaves)
  expectOnlyOurWords(ran)
  if (green) {
    expect(world.live).toEqual(['rack-lens-1.2.3'])
    expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
  } else {
    expect(await world.public()).toEqual(before)
  }
  await afterwards?.(ran, world)
  return ran
}

function expectNoCanary({ runner }: SandboxJob): void {
  const roots = [runner.home, runner.temp, runner.workspace]
  expect(searchForSecrets({ secrets: CANARIES, roots, texts: {} })).toEqual([])
}

/** No command, output, variable or state comes from the project, and nothing it prints misleads a terminal. */
function expectOnlyOurWords({ step }: Ran): void {
  expect(JSON.stringify([step.commands, step.ignoredCommands, step.outputs, step.state])).not.toContain('evil')
  expect(step.envChanges).toEqual({})
  expect(step.pathChanges).toEqual([])
  expect(step.summary).not.toContain('evil')
  for (const text of [step.rawStdout, step.rawStderr]) {
    expect(searchForSecrets({ secrets: CANARIES, roots: [], texts: { log: text } })).toEqual([])
    expect(text).not.toMatch(MISLEADING)
  }
}
