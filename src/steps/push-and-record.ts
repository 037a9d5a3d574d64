import { isCancelled, ReleaseError } from '../errors.ts'
import { title } from '../rubygems/versions.ts'
import type { Release } from '../release-context.ts'
import { explainDifference } from '../rubygems/explain-difference.ts'
import type { Registry } from '../rubygems/registry.ts'
import type { ReleaseGem } from './inspect.ts'
import { OpenPush, push, type Pushed } from './push.ts'

/**
 * Pushes a gem and keeps the ledger true: before the first byte, after the last answer, and where none came that says
 * what the registry has. `stop` ends the waits between attempts, for a failure elsewhere.
 */
export async function pushAndRecord(
  gem: ReleaseGem,
  { ledger, keys, registry, world }: Pick<Release, 'ledger' | 'keys' | 'registry' | 'world'>,
  stop?: AbortSignal,
): Promise<void> {
  world.signal.throwIfAborted()
  await ledger.sending(gem)
  let pushed: Pushed
  try {
    pushed = await push(gem, keys, registry, world, stop)
  } catch (error) {
    if (error instanceof OpenPush) throw isCancelled(error) ? interrupted(error, gem, registry) : error
    const brokenOff = error === stop?.reason || isCancelled(error)
    await ledger.gem(gem, brokenOff ? 'not-tried' : 'failed')
    throw await explainDifference(error, [gem], registry, world)
  }
  await ledger.gem(gem, pushed)
}

function interrupted(cause: OpenPush, gem: ReleaseGem, { server }: Registry): ReleaseError {
  return new ReleaseError(
    {
      code: 'cancelled',
      what: `The run was cancelled while ${title(gem)} was being pushed.`,
      why: `Whether ${server.host} has it is not known. Its SHA-256 is ${gem.sha256}.`,
      fix: 'Re-run the job: it asks the registry first, and sends the gem only if it is not there.',
    },
    { cause },
  )
}
