import { describe, expect, it } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { PushThrottle } from '../../sandbox/registry/throttle.ts'
import { Store } from '../../sandbox/registry/store.ts'
import { startRegistry } from '../../sandbox/registry/registry.ts'
import { push, startWorld, temporaryDirectory, TestClock } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })
const BAD = Buffer.from('no gem')

async function throttleAt(clock: TestClock): Promise<PushThrottle> {
  return new PushThrottle(new Store(await temporaryDirectory(), clock.read))
}

function countTimes(throttle: PushThrottle, times: number, owner?: string): (number | undefined)[] {
  return Array.from({ length: times }, () => throttle.count(owner))
}

/** Counts in rounds of 300, one window of 300 s apart. */
function exhaust(throttle: PushThrottle, clock: TestClock, rounds: number, each: number): (number | undefined)[] {
  return Array.from({ length: rounds }, () => {
    clock.advance(300)
    return countTimes(throttle, each)
  }).flat()
}

describe('the push throttles', () => {
  it('let 300 pushes of one address through in 300 seconds', async () => {
    const clock = new TestClock()
    clock.advance(100)
    const throttle = await throttleAt(clock)
    expect(countTimes(throttle, 300).every((answer) => answer === undefined)).toBe(true)
    expect(throttle.count(undefined)).toBe(200)
    clock.advance(199)
    expect(throttle.count(undefined)).toBe(1)
    clock.advance(1)
    expect(throttle.count(undefined)).toBeUndefined()
  })

  it('let 400 through in an hour, whatever the successes', async () => {
    const clock = new TestClock()
    const throttle = await throttleAt(clock)
    for (let index = 0; index < 400; index++) {
      expect(throttle.count('user/ann')).toBeUndefined()
      throttle.reset('user/ann')
    }
    expect(throttle.count('user/ann')).toBe(3600)
  })

  it('let 600 through in 25 hours where none succeeds', async () => {
    const clock = new TestClock()
    // The windows of 25 hours begin where the epoch's did.
    clock.advance(90_000 - ((clock.read().getTime() / 1000) % 90_000))
    const throttle = await throttleAt(clock)
    expect(exhaust(throttle, clock, 30, 20).every((answer) => answer === undefined)).toBe(true)
    clock.advance(300)
    expect(throttle.count(undefined)).toBe(90_000 - 31 * 300)
    throttle.reset('nobody')
    expect(throttle.count(undefined)).toBeUndefined()
  })

  it('count all keys of one owner together', async () => {
    const clock = new TestClock()
    const store = new Store(await temporaryDirectory(), clock.read)
    const throttle = new PushThrottle(store)
    countTimes(throttle, 2, 'publisher/1')
    throttle.count('publisher/2')
    const window = Math.floor(clock.read().getTime() / 300_000)
    expect(store.state.counters).toMatchObject({
      [`api/exp/push/user/1:publisher/1:${String(window)}`]: 2,
      [`api/exp/push/user/1:publisher/2:${String(window)}`]: 1,
      [`api/exp/push/ip/1:127.0.0.1:${String(window)}`]: 3,
    })
    throttle.reset('publisher/1')
    expect(Object.keys(store.state.counters).filter((key) => key.includes('exp'))).toEqual([
      `api/exp/push/user/1:publisher/2:${String(window)}`,
      expect.stringMatching(/^api\/exp\/push\/user\/2:publisher\/2:/),
    ])
  })
})

describe('a throttled registry', () => {
  it('answers 429 with Retry-After before it looks at the key', async () => {
    const { registry } = await startWorld()
    for (let index = 0; index < 300; index++) await push(registry, 'wrong', BAD)
    const answer = await push(registry, 'wrong', BAD)
    expect(answer).toMatchObject({ status: 429, body: 'Retry later\n' })
    expect(answer.headers.get('retry-after')).toBe('300')
    expect(answer.headers.get('content-type')).toBe('text/plain')
  })

  it('starts again after a successful push, and remembers over a restart', async () => {
    const world = await startWorld()
    const key = world.registry.addUserKey({})
    for (let index = 0; index < 299; index++) await push(world.registry, 'wrong', BAD)
    expect((await push(world.registry, key, GEM)).status).toBe(200)
    for (let index = 0; index < 99; index++) expect((await push(world.registry, 'wrong', BAD)).status).toBe(401)
    await world.registry[Symbol.asyncDispose]()
    const again = await startRegistry({
      directory: `${world.directory}/registry`,
      jwksUrl: world.issuer.jwksUrl,
      clock: world.clock.read,
    })
    await using _again = again
    expect((await push(again, 'wrong', BAD)).status).toBe(401)
    expect((await push(again, 'wrong', BAD)).headers.get('retry-after')).toBe('3600')
  })

  it('can be told not to throttle', async () => {
    const { registry } = await startWorld({ throttle: false })
    for (let index = 0; index < 300; index++) await push(registry, 'wrong', BAD)
    expect((await push(registry, 'wrong', BAD)).status).toBe(401)
  })

  it('can have nginx’s limits: 11 requests at once, then 30 in a second, without Retry-After', async () => {
    const { registry, clock } = await startWorld({ nginxLimits: true })
    const statuses = async (path: string, times: number): Promise<number[]> => {
      const answers: number[] = []
      for (let index = 0; index < times; index++) answers.push((await fetch(`${registry.url}${path}`)).status)
      return answers
    }
    expect((await statuses('/api/v1/versions/a.json', 12)).indexOf(429)).toBe(11)
    const limited = await fetch(`${registry.url}/api/v1/versions/a.json`)
    expect([limited.headers.get('retry-after'), limited.headers.get('content-type')]).toEqual([null, 'text/html'])
    clock.advance(1)
    expect((await statuses('/api/v1/versions/a.json', 12)).indexOf(429)).toBe(10)
    expect((await statuses('/versions', 12)).indexOf(429)).toBe(11)
    expect((await statuses('/info/a', 12)).includes(429)).toBe(false)
  })
})
