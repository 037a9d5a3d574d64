import type { Release } from '../release-context.ts'
import type { ReleaseGem } from './inspect.ts'
import { OtherBytes, type Verified, verify } from './verify.ts'

/** Looks at what became of a push, and takes back that the gem is published where it is not this one. */
export async function verifyAndRecord(
  gem: ReleaseGem,
  { ledger, registry, world }: Pick<Release, 'ledger' | 'registry' | 'world'>,
): Promise<Verified> {
  try {
    return await verify(gem, registry, world)
  } catch (error) {
    if (error instanceof OtherBytes) await ledger.gem(gem, 'failed')
    throw error
  }
}
