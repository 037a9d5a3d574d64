import { createHash } from 'node:crypto'
import { isCancelled, type Problem, ReleaseError } from '../errors.ts'
import { title, versionTaken } from '../rubygems/versions.ts'
import type { ApiKey } from '../rubygems/api-key.ts'
import type { KeyRing } from '../rubygems/key-ring.ts'
import { meaningOf, type PushMeaning } from '../rubygems/push-answer.ts'
import type { Registry } from '../rubygems/registry.ts'
import { type PushBody, pushBody } from '../sigstore/upload.ts'
import { files } from '../world/files.ts'
import { isPassing, passingTrouble, type Upload } from '../world/http.ts'
import { describe, type HttpAnswer } from '../world/http-answer.ts'
import { type FaultKind, HttpFault } from '../world/http-fault.ts'
import { type Attempt, persist } from '../world/retry.ts'
import type { World } from '../world/world.ts'
import type { ReleaseGem } from './inspect.ts'
import { changedCopy, notSent, refused, yanked } from './push-refusals.ts'
import { publishedDigest } from './verify.ts'

/** How a gem came to be on the registry. */
export type Pushed = 'pushed' | 'already-published'

/** A push that ended without its being known whether the registry has the gem. */
export class OpenPush extends ReleaseError {}

/**
 * Brings one gem to the registry, and does not believe anything but its digest: after every answer that leaves the
 * outcome open the registry is asked before the very same bytes are sent again. `stop` ends the waits in between.
 * Throws ReleaseError: `push-refused`, `push-failed`, `version-taken`, `version-yanked`; as an `OpenPush`, also
 * `registry-unavailable` and `cancelled`, where the gem may have arrived; otherwise it is certain that it has not.
 */
export async function push(
  gem: ReleaseGem,
  keys: KeyRing,
  registry: Registry,
  world: World,
  stop?: AbortSignal,
): Promise<Pushed> {
  const pushing = { gem, body: pushBody(upload(gem), gem.bundles ?? []), keys, registry, world, open: false }
  const undertaking = {
    edge: 'push' as const,
    purpose: `push ${title(gem)}`,
    failure: (reason: string): Problem => ({
      code: 'push-failed',
      what: `${title(gem)} could not be pushed to ${registry.server.host}: ${reason}.`,
      why: pushing.open
        ? 'The registry does not show this version with our bytes, so that it is most likely not published.'
        : 'No attempt was taken, so that it is not published.',
      fix: 'Re-run the job: it asks the registry first and sends the gem again only if it is not there.',
    }),
  }
  const log = (line: string): void => {
    world.runner.info(line)
  }
  const signal = stop ? AbortSignal.any([world.signal, stop]) : world.signal
  const ask = (): Promise<{ done: Pushed } | undefined> => compare(gem, registry, world, 1)
  try {
    return await persist(undertaking, { clock: world.clock, signal, log }, async (number) => {
      const settled = number > 1 ? await ask() : undefined
      return settled ?? (await pushOnce(pushing))
    })
  } catch (error) {
    if (!pushing.open || isConclusive(error)) throw error
    // The last attempt may have arrived like any other.
    const settled = await ask().catch((unseen: unknown) => {
      throw isConclusive(unseen) ? unseen : stillOpen(unseen)
    })
    if (settled) return settled.done
    throw stillOpen(error)
  }
}

/** Errors after which it is certain that the registry does not have our bytes, whatever came before. */
function isConclusive(error: unknown): boolean {
  return error instanceof ReleaseError && (error.code === 'version-taken' || error.code === 'version-yanked')
}

function stillOpen(cause: unknown): OpenPush {
  return new OpenPush(ReleaseError.from(cause).problems, { cause })
}

interface Pushing {
  gem: ReleaseGem
  /** The very same for every attempt: none is ever sent with fewer attestations than the one before. */
  body: PushBody
  keys: KeyRing
  registry: Registry
  world: World
  /** Whether an attempt may have arrived that no later answer has settled. */
  open: boolean
}

/** One attempt; with another key in place of one that had expired, which is no attempt of its own. */
async function pushOnce(pushing: Pushing, renewed = false): Promise<Attempt<Pushed>> {
  const { keys, registry, world } = pushing
  const key = await keys.current()
  const answer = await sendOnce(key, pushing)
  if ('again' in answer) return answer
  const trouble = passingTrouble(answer, world.clock, 'push')
  if (trouble) return trouble
  const meaning = meaningOf(answer, registry.server)
  if (meaning !== 'key-refused' || renewed || !keys.isTemporary(key)) return judge(answer, key, pushing)
  world.runner.info('The key is not accepted any more: getting another one.')
  await keys.replace(key)
  return pushOnce(pushing, true)
}

/** The answer, or why there was none. Throws ReleaseError (`push-failed`) where there will be none. */
async function sendOnce(key: ApiKey, pushing: Pushing): Promise<HttpAnswer | { again: string }> {
  const { gem, body, registry } = pushing
  try {
    const answer = await registry.push(key, body)
    pushing.open ||= answer.status >= 500 || answer.status === 408
    return answer
  } catch (error) {
    pushing.open ||= mayHaveArrived(error)
    if (!(error instanceof HttpFault)) throw error
    if (isPassing(error, 'push') || error.kind === 'unusable') return { again: error.message }
    throw new ReleaseError(notSent(gem, registry, error), { cause: error })
  }
}

/** Of a request that was broken off, or had no answer. */
function mayHaveArrived(error: unknown): boolean {
  if (error instanceof HttpFault) return MAY_HAVE_ACTED.has(error.kind)
  return isCancelled(error)
}

const MAY_HAVE_ACTED: ReadonlySet<FaultKind> = new Set(['lost', 'timeout', 'unusable', 'redirected'])
const LEAVES_OPEN: ReadonlySet<PushMeaning> = new Set(['live', 'unfinished', 'unclear'])

async function judge(answer: HttpAnswer, key: ApiKey, pushing: Pushing): Promise<Attempt<Pushed>> {
  const { gem, registry, world } = pushing
  const meaning = meaningOf(answer, registry.server)
  pushing.open ||= LEAVES_OPEN.has(meaning)
  switch (meaning) {
    case 'registered':
    case 'already-pushed':
      world.runner.info(`${registry.server.host}: ${answer.text.trim().split('\n')[0] ?? ''}`)
      return { done: 'pushed' }
    case 'live':
      return (
        (await compare(gem, registry, world)) ?? {
          again: 'the registry says the version exists, but does not show it yet',
        }
      )
    case 'unfinished':
      return (
        (await compare(gem, registry, world)) ?? { again: 'an earlier push of this version has not been finished yet' }
      )
    case 'unclear':
      return { again: describe(answer) }
    case 'yanked':
      throw new ReleaseError(yanked(gem, registry))
    case 'key-refused':
    case 'not-attached':
    case 'all-yanked':
    case 'refused':
      break
  }
  throw new ReleaseError(refused(answer, key, gem, registry))
}

/** Asks the registry what it has: once where sending again is safe anyway, patiently where it says it has it. */
async function compare(
  gem: ReleaseGem,
  registry: Registry,
  world: World,
  looks?: number,
): Promise<{ done: Pushed } | undefined> {
  const digest = await publishedDigest(gem, registry, world, looks)
  if (digest === undefined) return undefined
  if (digest !== gem.sha256) throw new ReleaseError(versionTaken(gem, gem.sha256, digest, registry.server.host))
  world.runner.info(`${registry.server.host} has ${title(gem)} with exactly our bytes.`)
  return { done: 'already-published' }
}

/**
 * The private copy as a stream, hashed once more on its way: the last chunk is only let go when the digest is the one
 * that was inspected, so that a file changed in between is never completely sent.
 */
function upload(gem: ReleaseGem): Upload {
  return {
    bytes: gem.size,
    async *chunks() {
      const hash = createHash('sha256')
      let held: Uint8Array | undefined
      let size = 0
      try {
        for await (const chunk of files.read(gem.path)) {
          size += chunk.length
          if (size > gem.size) break
          hash.update(chunk)
          if (held) yield held
          held = chunk
        }
      } catch {
        throw new ReleaseError(changedCopy(gem))
      }
      if (size !== gem.size || hash.digest('hex') !== gem.sha256) throw new ReleaseError(changedCopy(gem))
      if (held) yield held
    },
  }
}
