import { once } from 'node:events'
import { expect, it } from 'vitest'
import type { Fault } from '../../sandbox/faults.ts'
import { trouble } from './edges.ts'
import { writeGems } from './gems.ts'
import { run } from './inner-run.ts'
import { InnerWorld } from './inner-world.ts'
import { tell } from './model-state.ts'

/** The same fault, whose server is not done before its client has left. */
function leftBy(client: AbortController, fault: Fault): Fault {
  return {
    ...fault,
    play: (exchange) =>
      fault.play({
        ...exchange,
        handle: async () => {
          client.abort()
          if (!exchange.response.destroyed) await once(exchange.response, 'close')
          return exchange.handle()
        },
      }),
  }
}

it('an answer that never comes costs no time once its client has left', async () => {
  await using world = await InnerWorld.start(['lens-api'])
  const client = new AbortController()
  world.inject(leftBy(client, { ...trouble('hang-after', 'token', 1, world.clock), on: () => true }))
  const { signal } = client
  await expect(fetch(`${world.registry.url}/versions`, { signal })).rejects.toThrow('aborted')
  const gems = await writeGems(world.directory, [{ name: 'lens-api', version: '1.0.0' }])
  const before = world.clock.now()
  const ended = await run(world, gems)
  expect(ended.end, tell(ended)).toBe('green')
  expect(world.clock.now()).toBe(before)
})
