import { type Problem, ReleaseError } from '../errors.ts'
import { title } from '../rubygems/versions.ts'
import type { Release } from '../release-context.ts'
import { explainDifference } from '../rubygems/explain-difference.ts'
import type { ReleaseGem } from './inspect.ts'
import { push } from './push.ts'

/** Pushes a gem and keeps the ledger true: before the first byte, after the last answer, and where none came. */
export async function pushAndRecord(
  gem: ReleaseGem,
  { ledger, keys, registry, world }: Pick<Release, 'ledger' | 'keys' | 'registry' | 'world'>,
): Promise<void> {
  world.signal.throwIfAborted()
  await ledger.sending(gem)
  try {
    await ledger.gem(gem, await push(gem, keys, registry, world))
  } catch (error) {
    if (error instanceof ReleaseError && error.code === 'cancelled') {
      await ledger.unsettled(gem)
      throw new ReleaseError(interrupted(gem, registry.server.host), { cause: error })
    }
    await ledger.gem(gem, 'failed')
    throw await explainDifference(error, [gem], registry, world)
  }
}

function interrupted(gem: ReleaseGem, host: string): Problem {
  return {
    code: 'cancelled',
    what: `The run was cancelled while ${title(gem)} was being pushed.`,
    why: `Whether ${host} has it is not known. Its SHA-256 is ${gem.sha256}.`,
    fix: 'Re-run the job: it asks the registry first, and sends the gem only if it is not there.',
  }
}
