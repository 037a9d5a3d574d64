import { describe, expect, it } from 'vitest'
import { monorepo } from './projects.ts'
import { expectError } from './refusal.ts'
import { expectGreen, newWorld } from './scenario.ts'

const NAMES = ['lens-api', 'lens-core', 'lens-web']

describe('the build of several gemspecs', () => {
  it('starts Ruby once, and RubyGems tells of every gem', async () => {
    await using world = await newWorld()
    await world.repository(monorepo(...NAMES.map((name) => ({ name, version: '2.0.0' }))), { gems: NAMES })
    const ran = await world.run()
    expectGreen(ran)
    const rubies = ran.step.processes.filter(({ ppid, argv }) => ran.step.pids.includes(ppid) && argv[0] === 'ruby')
    expect(rubies.map(({ argv }) => argv[1]?.split('/').at(-1))).toEqual(['probe.rb', 'build.rb'])
    for (const name of NAMES) expect(ran.log).toContain(`|   File: ${name}-2.0.0.gem`)
  })

  it('names the one that fails, and builds none after it', async () => {
    await using world = await newWorld()
    const gems = NAMES.map((name) => ({
      name,
      version: '2.0.0',
      lines: name === 'lens-core' ? ['spec.authors = []'] : [],
    }))
    await world.repository(monorepo(...gems), { gems: NAMES })
    const ran = await world.run()
    expectError(ran, 'build-failed', [
      '`gem build lens-core.gemspec --output pkg/lens-core-2.0.0.gem` failed with exit code 1',
      'authors may not be empty',
    ])
    expect(ran.log).toContain('|   File: lens-api-2.0.0.gem')
    expect(ran.log).not.toContain('|   File: lens-web-2.0.0.gem')
    expect(world.live).toEqual([])
  })
})
