import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault } from '../../sandbox/faults.ts'
import type { SandboxJob } from '../../sandbox/sandbox.ts'
import { expectGreen, newWorld, type Ran, REPOSITORY, type ScenarioWorld } from '../scenarios/scenario.ts'
import { gemBytes, specification, TAR_END, tarMember } from '../rubygems/gem-builder.ts'

const VERSION = '1.2.3'
const TAG = `v${VERSION}`
const NAMES = ['rack-lens', 'rack-lens-core']
/** More than a socket holds: an upload of it can be cut in the middle. */
const LARGE = 12 * 1024 * 1024

const RELEASES = /\/releases(?:[/?]|$)/
/** Every request of a release that is new, in its order. */
const CALLS = [
  'the look for the release',
  'the look for a draft',
  'the draft',
  ...NAMES.flatMap((name) => [`${name}-${VERSION}.gem`, `${name}-${VERSION}.gem.sigstore.json`]),
  'SHA256SUMS',
  'the publication',
]

/**
 * What has become of a request when the process that sent it is killed. GitHub has the same state after one call is
 * done and before the next one is, so that `sent` is only tried with the first.
 */
type Moment = 'sent' | 'done' | 'half sent'

/** Stops at the n-th request about releases until the run is dead. */
class Trap {
  readonly reached: Promise<void>
  readonly #dead: Promise<void>
  #reach: () => void = () => undefined
  #bury: () => void = () => undefined

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve
    })
    this.#dead = new Promise((resolve) => {
      this.#bury = resolve
    })
  }

  fault(nth: number, moment: Moment): Fault {
    let seen = 0
    return {
      name: `${moment} ${String(nth)}`,
      times: 1,
      on: ({ path: at }) => RELEASES.test(at) && ++seen === nth,
      play: async ({ request, handle }) => {
        if (moment === 'sent') for await (const chunk of request) void chunk
        if (moment === 'done') await handle()
        this.#reach()
        await this.#dead
        // The service finds what had come of the bytes, and then the end of the connection.
        if (moment === 'half sent') await handle().catch(() => undefined)
        return undefined
      },
    }
  }

  dead(): void {
    this.#bury()
  }
}

let world: ScenarioWorld
let gems: { name: string; bytes: Buffer }[]

function gemNamed(name: string, data?: Buffer): { name: string; bytes: Buffer } {
  const version = ` !ruby/object:Gem::Version\n  version: ${VERSION}`
  const yaml = specification({ name: ` ${name}`, version, platform: ' ruby', metadata: ' {}' })
  return { name, bytes: gemBytes(data ? { yaml, data } : { yaml }) }
}

/** One job that was started by the tag; its gems come from an earlier job. */
async function job(options: { release: string; trap?: Trap }): Promise<Ran> {
  return world.run({
    on: { tag: TAG },
    checkout: false,
    path: '/nonexistent',
    with: { gems: 'pkg/*.gem', attestations: 'required', 'github-release': options.release, 'await-release': 'false' },
    ...(options.trap ? { step: { signal: { after: options.trap.reached, sequence: 'kill' } } } : {}),
    before: async ({ runner }: SandboxJob) => {
      const directory = path.join(runner.workspace, 'pkg')
      await mkdir(directory, { recursive: true })
      for (const { name, bytes } of gems) await writeFile(path.join(directory, `${name}-${VERSION}.gem`), bytes)
    },
  })
}

beforeAll(async () => {
  world = await newWorld({ sigstore: true })
  const repository = await world.sandbox.github.createRepository(REPOSITORY)
  await repository.createTag(TAG, await repository.commit({ 'README.md': '# Lenses\n' }))
  for (const gem of NAMES) {
    world.sandbox.registry.addTrustedPublisher({ gem, repository: REPOSITORY, workflow: 'release.yml' })
  }
  gems = NAMES.map((name) => gemNamed(name))
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

/** What is there: one published release, every asset once, whole, and what it should be. */
async function expectComplete(): Promise<void> {
  const { github, registry } = world.sandbox
  const releases = github.releases(REPOSITORY)
  expect(releases).toMatchObject([{ tag: TAG, draft: false, prerelease: false }])
  const assets = releases[0]?.assets ?? []
  const files = gems.flatMap(({ name }) => [`${name}-${VERSION}.gem`, `${name}-${VERSION}.gem.sigstore.json`])
  expect(assets.map(({ name }) => name).toSorted()).toEqual(['SHA256SUMS', ...files].toSorted())
  expect(assets.filter(({ state, size }) => state !== undefined || size === 0)).toEqual([])
  const text = async (name: string): Promise<string> =>
    readFile(github.assetFile(assets.find((asset) => asset.name === name)?.id ?? 0), 'utf8')
  const sums = gems.map(({ name, bytes }) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(assets.find((asset) => asset.name === `${name}-${VERSION}.gem`)?.sha256).toBe(sha256)
    return `${sha256}  ${name}-${VERSION}.gem\n`
  })
  expect(await text('SHA256SUMS')).toBe(sums.join(''))
  for (const { name } of gems) {
    const answer = await fetch(`${registry.url}/api/v1/attestations/${name}-${VERSION}.json`)
    expect([JSON.parse(await text(`${name}-${VERSION}.gem.sigstore.json`))]).toEqual(await answer.json())
  }
}

describe('a GitHub Release', () => {
  it('is made in these calls', async () => {
    expectGreen(await job({ release: 'true' }))
    const calls = world.requests('github').filter((line) => RELEASES.test(line))
    expect(calls.map((line) => line.replace(/.*\/releases/, ''))).toHaveLength(CALLS.length)
    await expectComplete()
  })

  const cases: { call: string; nth: number; moment: Moment }[] = [
    { call: CALLS[0] ?? '', nth: 1, moment: 'sent' },
    ...CALLS.map((call, index) => ({ call, nth: index + 1, moment: 'done' as const })),
  ]

  it.each(cases)('whose run is killed when $call is $moment is completed by the next run', async ({ nth, moment }) => {
    world.sandbox.github.repository(REPOSITORY).deleteReleases()
    const killed = await killAt(nth, moment)
    expect(killed.step.exitSignal).toBe('SIGKILL')
    expectGreen(await job({ release: 'true' }))
    await expectComplete()
  })

  it('whose run is killed in the middle of an upload is completed: GitHub keeps the name and no bytes', async () => {
    const { github, registry } = world.sandbox
    const content = Buffer.concat([tarMember('lib/lens.bin', randomBytes(LARGE)), TAR_END])
    const large = gemNamed('lens-large', gzipSync(content, { level: 0 }))
    registry.addTrustedPublisher({ gem: large.name, repository: REPOSITORY, workflow: 'release.yml' })
    gems = [large]
    github.repository(REPOSITORY).deleteReleases()
    const left = (): string[] =>
      github.releases(REPOSITORY).flatMap(({ assets }) => assets.map(({ name, state }) => `${name} ${String(state)}`))
    await killAt(4, 'half sent')
    await expect.poll(left).toEqual([`lens-large-${VERSION}.gem starter`])
    const ran = await job({ release: 'true' })
    expectGreen(ran)
    expect(ran.log).toContain(`Replacing lens-large-${VERSION}.gem: an upload of it had broken off.`)
    await expectComplete()
  })
})

async function killAt(nth: number, moment: Moment): Promise<Ran> {
  const trap = new Trap()
  world.sandbox.github.inject(trap.fault(nth, moment))
  const killed = await job({ release: 'true', trap })
  trap.dead()
  world.sandbox.github.faults.clear()
  return killed
}
