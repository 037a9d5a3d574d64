import { describe, expect, it } from 'vitest'
import { aim, answer, type Fault, type FaultPlay } from '../../sandbox/faults.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { LENS, prebuilt } from './prebuilt.ts'
import { expectError } from './refusal.ts'
import { expectGreen, newWorld, type Ran, type ScenarioWorld } from './scenario.ts'

const FILE = { method: 'GET', path: /^\/gems\/rack-lens-1\.2\.3\.gem$/ }
const OURS = seedGem(LENS)
const OTHERS = Buffer.from(OURS).fill('x', 600, 610)

function serving(play: FaultPlay, times: number = Number.POSITIVE_INFINITY): Fault {
  return { ...aim('500', FILE, times), name: 'another file', play }
}

function downloads(world: ScenarioWorld): number {
  return world.requests('registry').filter((line) => line === 'GET /gems/rack-lens-1.2.3.gem').length
}

async function release(
  faults: readonly Fault[],
  inputs: Record<string, string> = {},
): Promise<Ran & { looks: number }> {
  await using world = await newWorld()
  await world.repository()
  world.sandbox.registry.inject(...faults)
  const ran = await world.run(prebuilt(undefined, { with: inputs }))
  expect(world.published('rack-lens-1.2.3')).toBe(ran.gems[0]?.sha256)
  expect(ran.step.outputs).toMatchObject({ published: 'true', tag: 'v1.2.3' })
  return { ...ran, looks: downloads(world) }
}

describe('the published file', () => {
  it('is downloaded and has our bytes', async () => {
    const ran = await release([])
    expectGreen(ran)
    expect(ran.log).toMatch(/gives out rack-lens 1\.2\.3 with exactly our bytes/)
    expect(ran.warnings).toBe('')
    expect(ran.looks).toBe(1)
  })

  it('that once has other bytes is asked for again', async () => {
    const ran = await release([serving(answer(200, OTHERS), 1)], { 'await-timeout': '20' })
    expectGreen(ran)
    expect(ran.warnings).toBe('')
    expect(ran.looks).toBe(2)
  })

  it('that is not there in time is a warning, and red only with `strict`', async () => {
    const fault = aim('403-html', FILE)
    const loose = await release([fault], { 'await-timeout': '1' })
    expectGreen(loose)
    expect(loose.warnings).toMatch(/The file is late: rack-lens 1\.2\.3 is published, but .* within 1 s/)
    const strict = await release([fault], { 'await-timeout': '1', 'await-release': 'strict' })
    expectError(strict, 'await-timeout', ['did not give out its file within 1 s', 'Do not publish it again'])
  })

  it.each<[string, Buffer, string | RegExp]>([
    ['other bytes', OTHERS, /gives out bytes with SHA-256 [0-9a-f]{64} as rack-lens 1\.2\.3/],
    ['more bytes', Buffer.concat([OURS, Buffer.alloc(1)]), 'gives out more than the'],
  ])('that has %s is an alarm', async (_, bytes, says) => {
    const ran = await release([serving(answer(200, bytes))], { 'await-timeout': '20' })
    expectError(ran, 'verification-failed', [says, String(ran.gems[0]?.sha256), 'security@rubygems.org'])
    expect(ran.looks).toBe(2)
  })

  it('is not looked at with `await-release: false`', async () => {
    const ran = await release([serving(answer(200, OTHERS))], { 'await-release': 'false' })
    expectGreen(ran)
    expect(ran.looks).toBe(0)
  })
})
