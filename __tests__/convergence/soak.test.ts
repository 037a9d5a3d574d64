import { readdirSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { aim, type Fault, type FaultName } from '../../sandbox/faults.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import { LANES } from '../../src/steps/push-set.ts'
import { CONNECTIONS } from '../../src/world/http-agent.ts'
import { AT_ONCE } from '../../src/world/traffic.ts'
import { type SmallGem, writeGems } from './gems.ts'
import { run } from './inner-run.ts'
import { InnerWorld } from './inner-world.ts'
import { TAG, tell } from './model-state.ts'
import { type Random, seeded } from './seeded.ts'

const NAMES = Array.from({ length: 400 }, (_, index) => `lens-${String(index).padStart(3, '0')}`)
const PLATFORMS = [
  'x86_64-linux-gnu',
  'x86_64-linux-musl',
  'aarch64-linux-gnu',
  'aarch64-linux-musl',
  'arm-linux-gnu',
  'arm-linux-musl',
  'x86-linux',
  'x86_64-darwin',
  'arm64-darwin',
  'x64-mingw-ucrt',
  'java',
  'ruby',
]
const SET = 'lens-native'
const GEMS = NAMES.length + PLATFORMS.length
const FAULTS: readonly FaultName[] = ['503-html', 'reset-before', 'reset-after', '429-retry-after', 'reset-mid-answer']
/** A 20th of the exchanges goes wrong. */
const ONE_IN = 20
/**
 * What may be open at a time. Of each connection both ends are in this process, and the services besides the registry
 * have a few; a gem on its way is read here and written there; a gem that is downloaded is read by the registry.
 */
const DESCRIPTORS = 2 * (CONNECTIONS + LANES) + 2 * LANES + AT_ONCE

/** What one push came to on the virtual clock. */
interface Posted {
  at: number
  sha256: string
  status: number
  /** When the registry lets the next push in, if it has said so. */
  until: number | undefined
}

/** Of a small gem, which arrives whole while nobody reads it. */
async function digest(request: IncomingMessage, record: RecordedRequest): Promise<string> {
  for (;;) {
    if (record.bodySha256 !== '' || request.destroyed) return record.bodySha256
    await setImmediate()
  }
}

/**
 * Spoils one answer in twenty, none more than twice in a row: any request may fail that often. What happens to a request
 * depends on it alone, not on the order in which the lanes send theirs. Each push is noted with its time.
 */
function weather(world: InnerWorld, seed: number, posts: Posted[]): Fault {
  const subjects = new Map<string, { random: Random; inARow: number }>()
  return {
    name: 'weather',
    times: Number.POSITIVE_INFINITY,
    on: () => true,
    play: async (exchange) => {
      const { request, handle } = exchange
      const isPush = request.method === 'POST' && request.url === '/api/v1/gems'
      const at = world.clock.now()
      const record = world.requests.at(-1)
      const gem = isPush && record ? await digest(request, record) : ''
      const subject = `${String(request.method)} ${String(request.url)} ${gem}`
      const fate = subjects.get(subject) ?? { random: seeded(seed ^ crc32(subject)), inARow: 0 }
      subjects.set(subject, fate)
      const spoilt = fate.random.below(ONE_IN) === 0 && fate.inARow < 2
      fate.inARow = spoilt ? fate.inARow + 1 : 0
      const name = fate.random.pick(FAULTS)
      const answer = spoilt ? await aim(name, { path: /^/ }).play(exchange) : await handle()
      if (isPush && record) {
        const seconds = Number(answer?.headers?.['retry-after'] ?? Number.NaN)
        const until = answer?.status === 429 && Number.isFinite(seconds) ? at + seconds * 1000 : undefined
        posts.push({ at, sha256: record.bodySha256, status: answer?.status ?? 0, until })
      }
      return answer
    },
  }
}

interface Sample {
  fds: number
  heapMb: number
}

function sample(): Sample {
  const { heapUsed, external } = process.memoryUsage()
  return { fds: readdirSync('/proc/self/fd').length, heapMb: Math.round((heapUsed + external) / 1024 / 1024) }
}

async function newWorld(): Promise<{ world: InnerWorld; gems: SmallGem[] }> {
  const world = await InnerWorld.start([...NAMES, SET])
  const gems = await writeGems(world.directory, [
    ...NAMES.map((name) => ({ name, version: '1.0.0' })),
    ...PLATFORMS.map((platform) => ({ name: SET, version: '1.0.0', platform })),
  ])
  return { world, gems }
}

describe('a release of 412 gems through bad weather and the real throttles', () => {
  it('publishes each gem once, obeys every wait and keeps what it needs flat', { timeout: 180_000 }, async () => {
    const { world, gems } = await newWorld()
    await using _ = world
    const posts: Posted[] = []
    const samples: Sample[] = []
    world.inject(weather(world, 412, posts))
    const before = sample()
    const watch = setInterval(() => samples.push(sample()), 100)
    const ended = await run(world, gems, { pushMs: 6_000 })
    clearInterval(watch)
    if (ended.end !== 'green') throw new Error(tell(ended))

    const live = world.registry.versions().filter(({ number, indexed }) => number === '1.0.0' && indexed)
    expect(live.map(({ fullName, sha256 }) => `${fullName} ${sha256}`).toSorted()).toEqual(
      gems.map(({ fullName, sha256 }) => `${fullName} ${sha256}`).toSorted(),
    )
    expect(world.registry.versions().filter(({ number }) => number === '1.0.0')).toHaveLength(GEMS)
    expect(world.github.tags.has(TAG)).toBe(true)
    const natives = live.filter(({ gem }) => gem === SET).map(({ platform }) => platform)
    expect(natives.at(-1)).toBe('ruby')
    expect(natives).toHaveLength(PLATFORMS.length)

    expectObedience(posts)
    const minutes = world.clock.now() / 60_000
    const keys = world.exchanges.filter(({ status }) => status === 201).length
    expect(keys).toBeGreaterThanOrEqual(2)
    expect(keys).toBeLessThanOrEqual(2 + Math.ceil(minutes / 12))
    expectFlat(before, samples)
    // The registry keeps a connection to the issuer of ID tokens.
    expect(sample().fds).toBeLessThanOrEqual(before.fds + 2)
    const perGem = world.requests.length / GEMS
    expect(perGem).toBeLessThan(7)
    expect(ended.log.length / GEMS).toBeLessThan(4096)
    const fds = Math.max(...samples.map((one) => one.fds))
    const heap = Math.max(...samples.map((one) => one.heapMb))
    process.stdout.write(
      `soak: ${String(GEMS)} gems, ${String(posts.length)} pushes, ${String(keys)} keys, ` +
        `${minutes.toFixed(0)} virtual minutes, ${perGem.toFixed(2)} requests and ` +
        `${String(Math.round(ended.log.length / GEMS))} bytes of log a gem, at most ${String(fds)} descriptors and ${String(heap)} MB\n`,
    )
  })
})

/** Whoever was told to wait has waited: no gem comes again before its window is over, and no more than the lanes come at all. */
function expectObedience(posts: readonly Posted[]): void {
  const told = posts.filter(({ until }) => until !== undefined)
  expect(told.some(({ at, until = 0 }) => until - at > 60_000)).toBe(true)
  for (const { at, sha256, until = 0 } of told) {
    const sooner = posts.filter((other) => other.sha256 === sha256 && other.at > at && other.at < until)
    expect(sooner).toEqual([])
  }
  const longest = told.reduce((one, other) => ((other.until ?? 0) - other.at > (one.until ?? 0) - one.at ? other : one))
  const meanwhile = posts.filter(({ at }) => at > longest.at && at < (longest.until ?? 0))
  expect(meanwhile.length).toBeLessThan(LANES)
}

function expectFlat(before: Sample, samples: readonly Sample[]): void {
  const most = (of: (one: Sample) => number): number => Math.max(...samples.map(of))
  expect(samples.length).toBeGreaterThan(10)
  expect(most(({ fds }) => fds)).toBeLessThanOrEqual(before.fds + DESCRIPTORS)
  expect(most(({ heapMb }) => heapMb)).toBeLessThan(before.heapMb + 250)
}
