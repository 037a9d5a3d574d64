import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { Gate } from './gate.ts'
import { type GemSketch, type SmallGem, writeGems } from './gems.ts'
import { type Ended, run } from './inner-run.ts'
import { COMMIT, InnerWorld, OTHER_COMMIT } from './inner-world.ts'
import { judgeRecord, observe, TAG, tell } from './model-state.ts'
import { size } from '../nightly.ts'
import { seeded } from './seeded.ts'

const SKETCHES: readonly GemSketch[] = [
  { name: 'lens-api', version: '1.0.0' },
  { name: 'lens-core', version: '1.0.0', platform: 'x86_64-linux' },
  { name: 'lens-core', version: '1.0.0' },
]
const NAMES = ['lens-api', 'lens-core']
const SEEDS = size(48, 2_000)
/** What a run may say that lost to another one, or met it half-way. */
const CONFLICTS = new Set(['version-taken', 'tag-commit-mismatch', 'verification-failed'])

/** What the simultaneous runs have in common. */
type Kind = 'the same bytes' | 'other bytes' | 'another commit'

function kindOf(seed: number): Kind {
  return seed % 4 === 2 ? 'other bytes' : seed % 4 === 3 ? 'another commit' : 'the same bytes'
}

interface Race {
  kind: Kind
  runs: { gems: readonly SmallGem[]; sha: string; ended: Ended }[]
}

async function race(world: InnerWorld, seed: number): Promise<Race> {
  const random = seeded(seed)
  const kind = kindOf(seed)
  const count = 2 + random.below(3)
  const build = (job: number): Promise<SmallGem[]> =>
    writeGems(
      path.join(world.directory, `job-${String(job)}`),
      SKETCHES.map((sketch) => (kind === 'other bytes' ? { ...sketch, salt: `built by job ${String(job)}` } : sketch)),
    )
  const jobs = await Promise.all(Array.from({ length: count }, (_, job) => build(job)))
  world.inject(new Gate(random).fault)
  const runs = await Promise.all(
    jobs.map(async (gems, job) => {
      const sha = kind === 'another commit' && job % 2 === 1 ? OTHER_COMMIT : COMMIT
      return { gems, sha, ended: await run(world, gems, { sha }) }
    }),
  )
  return { kind, runs }
}

/** What is not true after a race; nothing when all is well. */
function lies(world: InnerWorld, { kind, runs }: Race): string[] {
  const found: string[] = []
  const claim = (holds: boolean, what: string): void => {
    if (!holds) found.push(what)
  }
  const rows = world.registry.versions().filter(({ number }) => number === '1.0.0')
  const names = rows.map(({ fullName }) => fullName)
  claim(new Set(names).size === names.length, `a version exists twice: ${names.join(', ')}`)
  // Two builds with different bytes may each have been first with one gem: then both stop, and say so.
  claim(kind === 'other bytes' || names.length === SKETCHES.length, `only ${names.join(', ')} are there`)
  claim(
    rows.every(({ indexed }) => indexed),
    'a version is not live',
  )
  const before = { gems: ['absent', 'absent', 'absent'] as const, tag: 'absent' as const }
  const tag = world.github.peeled(TAG)
  for (const { gems, ended, sha } of runs) {
    const after = observe({ world, gems })
    judgeRecord(ended, before, after, kind === 'other bytes' ? gems : [])
    const whole = after.gems.every((state) => state === 'ours') && tag === sha
    if (ended.end === 'green') claim(whole, 'green is not true')
    else
      claim(ended.error?.problems.every(({ code }) => CONFLICTS.has(code)) ?? false, `red: ${ended.error?.code ?? ''}`)
  }
  const greens = runs.filter(({ ended }) => ended.end === 'green').length
  if (kind === 'the same bytes') claim(greens === runs.length, 'a run with the same bytes was refused')
  if (kind === 'another commit') claim(greens > 0, 'nobody won')
  return found
}

describe('two to four runs of one release at once', () => {
  it(`${String(SEEDS)} interleavings end with one set of bytes and one tag`, { timeout: 900_000 }, async () => {
    const tally: Record<string, number> = {}
    for (let seed = 0; seed < SEEDS; seed++) {
      await using world = await InnerWorld.start(NAMES, { storageLatencyMs: seed % 3 })
      const result = await race(world, seed)
      const about = `seed ${String(seed)}, ${result.kind}\n${result.runs.map(({ ended }) => tell(ended)).join('\n---\n')}`
      expect(lies(world, result).map((lie) => `${lie}\n${about}`)).toEqual([])
      for (const { ended } of result.runs) {
        const key = `${result.kind}: ${ended.error?.code ?? ended.end}`
        tally[key] = (tally[key] ?? 0) + 1
      }
    }
    process.stdout.write(`concurrency: ${String(SEEDS)} interleavings, ${JSON.stringify(tally)}\n`)
    expect(Object.keys(tally)).toContain('other bytes: version-taken')
    expect(Object.keys(tally)).toContain('another commit: tag-commit-mismatch')
  })
})
