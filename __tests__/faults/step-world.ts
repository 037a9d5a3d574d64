import path from 'node:path'
import { ReleaseError } from '../../src/errors.ts'
import { readRunContext, type RunContext } from '../../src/github/run-context.ts'
import { type Inputs, readInputs } from '../../src/inputs.ts'
import { readGem } from '../../src/rubygems/gem-file.ts'
import { KeyRing } from '../../src/rubygems/key-ring.ts'
import { createRegistry, type Registry } from '../../src/rubygems/registry.ts'
import { IdTokens } from '../../src/github/id-tokens.ts'
import { exchange } from '../../src/steps/exchange.ts'
import type { ReleaseGem } from '../../src/steps/inspect.ts'
import type { World } from '../../src/world/world.ts'
import type { Case } from './case.ts'
import { Recorder } from './recorder.ts'
import { environmentOf, inputsOf, worldOf } from './run.ts'

/** What a single step needs, against the services of a case. */
export interface StepWorld {
  world: World
  recorder: Recorder
  inputs: Inputs
  run: RunContext
  registry: Registry
  keys: KeyRing
  gems: readonly ReleaseGem[]
  stop: AbortController
}

export async function stepWorld(it: Case): Promise<StepWorld> {
  const job = it.newJob()
  const recorder = new Recorder(environmentOf(it, job), inputsOf(it, job))
  const stop = new AbortController()
  const world = await worldOf(it, recorder, stop.signal)
  const inputs = readInputs(recorder)
  const run = await readRunContext(recorder)
  const files = it.gems.map(({ name, number, platform }) =>
    path.join(it.directory, 'pkg', `${name}-${number}${platform === undefined ? '' : `-${platform}`}.gem`),
  )
  const gems = await Promise.all(
    files.map(async (file, index) => {
      const copyTo = path.join(world.privateDirectory, `${String(index)}.gem`)
      return { ...(await readGem(file, { copyTo })), builtPath: file, alreadyPublished: false }
    }),
  )
  return {
    world,
    recorder,
    inputs,
    run,
    registry: createRegistry(inputs.server, world.http, world.clock),
    keys: new KeyRing(
      () => exchange(inputs.authentication, inputs.server, run, new IdTokens(run, world), world),
      world.clock,
    ),
    gems,
    stop,
  }
}

/** The first of the gems; most cases have one. */
export function firstGem({ gems }: StepWorld): ReleaseGem {
  const [gem] = gems
  if (!gem) throw new Error('the case has no gem')
  return gem
}

/** The value, or the code of the error it ended with. */
export async function endOf<T>(step: Promise<T>): Promise<T | string> {
  try {
    return await step
  } catch (error) {
    return ReleaseError.from(error).code
  }
}
