import type { RunContext } from './github/run-context.ts'
import { IdTokens } from './github/id-tokens.ts'
import type { Repository } from './github/repository.ts'
import type { Inputs } from './inputs.ts'
import type { Ledger } from './ledger.ts'
import type { Phases } from './phases.ts'
import { KeyRing } from './rubygems/key-ring.ts'
import { createRegistry, type Registry } from './rubygems/registry.ts'
import { exchange } from './steps/exchange.ts'
import { repositoryOf } from './survey.ts'
import type { World } from './world/world.ts'

/** What the steps of one release share. */
export interface Release {
  inputs: Inputs
  run: RunContext
  registry: Registry
  /** Absent without a token. */
  repository: Repository | undefined
  /** Of the gem server's audience. */
  idTokens: IdTokens
  keys: KeyRing
  ledger: Ledger
  phases: Phases
  world: World
}

export function prepareRelease(options: Pick<Release, 'inputs' | 'run' | 'ledger' | 'phases' | 'world'>): Release {
  const { inputs, run, world } = options
  const idTokens = new IdTokens(run, world)
  return {
    ...options,
    registry: createRegistry(inputs.server, world.http, world.clock),
    repository: repositoryOf(inputs, run, world),
    idTokens,
    keys: new KeyRing(() => exchange(inputs.authentication, inputs.server, run, idTokens, world), world.clock),
  }
}
