import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { aim, answer, type Fault, type FaultPlay } from '../../sandbox/faults.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { gemBytes, specification } from '../rubygems/gem-builder.ts'
import { LENS, prebuilt } from './prebuilt.ts'
import { expectError } from './refusal.ts'
import { expectGreen, newWorld, type Ran, type ScenarioWorld } from './scenario.ts'

const FILE = { method: 'GET', path: /^\/gems\/rack-lens-1\.2\.3\.gem$/ }
const OURS = seedGem(LENS)
const OTHERS = Buffer.from(OURS).fill(0, OURS.length - 1100, OURS.length - 1050)

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

  it.each<[string, Fault]>([
    ['is not there yet', aim('403-html', FILE, 1)],
    ['is cut in the middle', aim('reset-mid-answer', FILE, 1)],
    ['is a page in its place', aim('200-html', FILE, 1)],
    ['has other bytes by an accident', serving(answer(200, OTHERS), 1)],
  ])('that %s is asked for again', async (_, fault) => {
    const ran = await release([fault], { 'await-timeout': '20' })
    expectGreen(ran)
    expect(ran.warnings).toBe('')
    expect(ran.looks).toBe(2)
  })

  it.each<[string, Fault]>([
    ['is not there in time', aim('403-html', FILE)],
    ['comes too slowly', aim('trickle', FILE)],
  ])('that %s is a warning, and red only with `strict`', async (_, fault) => {
    const loose = await release([fault], { 'await-timeout': '1' })
    expectGreen(loose)
    expect(loose.warnings).toMatch(/The file is late: rack-lens 1\.2\.3 is published, but .* within 1 s/)
    const strict = await release([fault], { 'await-timeout': '1', 'await-release': 'strict' })
    expectError(strict, 'await-timeout', ['did not give out its file within 1 s', 'Do not publish it again'])
  })

  it.each<[string, Buffer, string | RegExp]>([
    ['other bytes', OTHERS, /gives out bytes with SHA-256 [0-9a-f]{64} as rack-lens 1\.2\.3/],
    ['fewer bytes', OURS.subarray(0, 100), /gives out bytes with SHA-256 [0-9a-f]{64} as rack-lens 1\.2\.3/],
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

  it('is downloaded only with `strict` where it is large', async () => {
    await using world = await newWorld()
    await world.repository()
    const version = ' !ruby/object:Gem::Version\n  version: 1.2.3'
    const yaml = specification({ name: ' rack-lens', version, metadata: ' {}' })
    const bytes = gemBytes({ yaml, data: randomBytes(65 * 1024 * 1024) })
    const options = prebuilt([], {
      before: async ({ runner }) => {
        await mkdir(path.join(runner.workspace, 'pkg'), { recursive: true })
        await writeFile(path.join(runner.workspace, 'pkg/rack-lens-1.2.3.gem'), bytes)
      },
    })
    const first = await world.run(options)
    expectGreen(first)
    expect(first.log).toContain('rack-lens 1.2.3 is not downloaded again to compare it: it is large')
    expect(downloads(world)).toBe(0)
    const strict = await world.run({ ...options, with: { ...options.with, 'await-release': 'strict' } })
    expectGreen(strict)
    expect(strict.log).toContain('with exactly our bytes')
    expect(downloads(world)).toBe(1)
  })
})
