import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/world/clock.ts'
import { AT_ONCE, Traffic } from '../../src/world/traffic.ts'

const ORIGIN = 'https://rubygems.org'

/** A clock that only moves when somebody sleeps. */
function sleepingClock(): Clock & { slept: number[] } {
  const slept: number[] = []
  return {
    slept,
    now: () => 0,
    date: () => new Date(0),
    async sleep(ms) {
      slept.push(ms)
    },
    deadline: () => ({ signal: new AbortController().signal, [Symbol.dispose]: () => undefined }),
  }
}

function traffic(clock: Clock): Traffic {
  return new Traffic(clock, new AbortController().signal)
}

describe('the traffic with a server', () => {
  it('is so many requests at a time and no more', async () => {
    const way = traffic(sleepingClock())
    let [now, most] = [0, 0]
    const send = async (): Promise<{ status: number }> => {
      now += 1
      most = Math.max(most, now)
      await Promise.resolve()
      now -= 1
      return { status: 200 }
    }
    await Promise.all(Array.from({ length: 50 }, () => way.run(ORIGIN, send)))
    expect(most).toBe(AT_ONCE)
  })

  it('flows freely until there is a 429, then 25 requests a second, with this server alone', async () => {
    const clock = sleepingClock()
    const way = traffic(clock)
    const send = async (status: number, origin = ORIGIN): Promise<unknown> => way.run(origin, async () => ({ status }))
    await send(200)
    await send(503)
    await send(429)
    expect(clock.slept).toEqual([])
    for (let count = 0; count < 4; count++) await send(200)
    expect(clock.slept).toEqual([40, 80, 120])
    await send(200, 'https://api.github.com')
    expect(clock.slept).toHaveLength(3)
  })

  it('goes on after requests that failed', async () => {
    const way = traffic(sleepingClock())
    const failed = Array.from({ length: 40 }, () => way.run(ORIGIN, () => Promise.reject(new Error('broken'))))
    expect((await Promise.allSettled(failed)).every(({ status }) => status === 'rejected')).toBe(true)
    expect(await way.run(ORIGIN, async () => ({ status: 200 }))).toEqual({ status: 200 })
  })
})
