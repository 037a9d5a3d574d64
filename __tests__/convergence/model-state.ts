import path from 'node:path'
import type { ErrorCode } from '../../src/errors.ts'
import type { EdgeName } from './edges.ts'
import type { SmallGem } from './gems.ts'
import type { Ended } from './inner-run.ts'
import { COMMIT, type InnerWorld } from './inner-world.ts'

export const TAG = 'v1.0.0'

/** What the registry has of one gem file, as far as a release cares. */
export type GemState = 'absent' | 'ours' | 'foreign' | 'yanked' | 'unfinished'
export type TagState = 'absent' | 'ours' | 'elsewhere'

/** The public state of a release, which both the model and the checks after each run are about. */
export interface PublicState {
  gems: readonly GemState[]
  tag: TagState
}

export interface Model extends PublicState {
  /** Passing troubles that wait at each edge. */
  troubles: Map<EdgeName, number>
  /** One of the answers waits after which giving up is right. */
  final: boolean
}

/** The world the commands act on. */
export interface Real {
  world: InnerWorld
  gems: readonly SmallGem[]
  /** Index lag, caches: what a run sees before a push may be old. */
  stale: boolean
  runs: number
}

export function observe({ world, gems }: Pick<Real, 'world' | 'gems'>): PublicState {
  const states = gems.map((gem): GemState => {
    const rows = world.registry.versions(gem.name).filter(({ fullName }) => fullName === gem.fullName)
    const [row] = rows
    if (rows.length > 1) throw new Error(`${gem.fullName} exists ${String(rows.length)} times`)
    if (!row) return 'absent'
    if (row.yankedAt !== null) return 'yanked'
    if (!row.indexed) return 'unfinished'
    return row.sha256 === gem.sha256 ? 'ours' : 'foreign'
  })
  const peeled = world.github.peeled(TAG)
  return { gems: states, tag: peeled === undefined ? 'absent' : peeled === COMMIT ? 'ours' : 'elsewhere' }
}

/** What a re-run cannot overcome, by the code that must name it. */
export function conflicts({ gems, tag }: PublicState): ErrorCode[] {
  return [
    ...(gems.includes('foreign') ? ['version-taken' as const] : []),
    ...(gems.includes('yanked') ? ['version-yanked' as const] : []),
    ...(gems.includes('unfinished') ? ['push-failed' as const] : []),
    ...(tag === 'elsewhere' ? ['tag-commit-mismatch' as const] : []),
  ]
}

/** Throws where the end of a run is not true, or not explained by the state of the world. */
export function judge(ended: Ended, before: PublicState, after: PublicState, allowed: { final: boolean }): void {
  const fail = (what: string): never => {
    throw new Error(`${what}\nbefore ${JSON.stringify(before)}\nafter ${JSON.stringify(after)}\n${tell(ended)}`)
  }
  const problems = ended.error?.problems.map(({ code }) => code) ?? []
  if (problems.includes('internal-error')) fail('a defect of the action')
  before.gems.forEach((was, index) => {
    if (was !== 'absent' && after.gems[index] !== was) fail(`gem ${String(index)} changed`)
  })
  if (before.tag !== 'absent' && after.tag !== before.tag) fail('the tag was moved')
  if (ended.end === 'green') {
    if (after.gems.some((state) => state !== 'ours') || after.tag !== 'ours') fail('green is not true')
    if (!ended.says.includes('published on')) fail('a green run says something else')
  }
  if (ended.end === 'red') {
    const known: readonly string[] = conflicts(after)
    const unexplained = problems.filter((code) => code !== 'cancelled' && !known.includes(code))
    if (unexplained.length > 0 && !allowed.final) fail(`red without a reason: ${unexplained.join(', ')}`)
  }
}

/** Throws where the record of a run disagrees with the registry. */
export function judgeRecord(ended: Ended, before: PublicState, after: PublicState, gems: readonly SmallGem[]): void {
  for (const [index, gem] of gems.entries()) {
    const status = statusOf(ended, gem)
    const claims = status === 'pushed' || status === 'already-published'
    if (claims && after.gems[index] !== 'ours') throw new Error(`${gem.fullName} is not ${status}\n${tell(ended)}`)
    const published = before.gems[index] === 'absent' && after.gems[index] === 'ours'
    const denied = status === 'failed' || status === 'not-tried' || ended.says.startsWith('Nothing was published')
    if (published && ended.end === 'red' && denied) {
      throw new Error(`${gem.fullName} was published by this run and is said to be ${status ?? 'not'}\n${tell(ended)}`)
    }
  }
}

/** The status a run gave to a gem; undefined where it had not got so far as to plan it. */
function statusOf({ record }: Ended, gem: SmallGem): string | undefined {
  if (record.gems.length === 0) return undefined
  const { platform = 'ruby' } = gem
  const found = record.gems.find((one) => one.name === gem.name && one.platform === platform)
  // A gem is known by the path it was given as, or before it was looked at by its file name.
  if (found?.sha256 === gem.sha256 && path.basename(found.file) === path.basename(gem.path)) return found.status
  throw new Error(`${gem.fullName} is not in the record: ${JSON.stringify(record.gems)}`)
}

export function tell({ end, error, says, log }: Ended): string {
  return `${end}: ${says}\n${JSON.stringify(error?.problems)}\n${log}`
}
