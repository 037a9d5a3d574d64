import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
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
const NAMES = ['rack-lens', 'rack-lens-core', 'rack-lens-web']
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
const ASSETS = CALLS.slice(3, -1)

/** What has become of a request when the process that sent it is killed. */
const MOMENTS = ['sent', 'done', 'answered'] as const
type Moment = (typeof MOMENTS)[number] | 'half sent'

/** Stops at the n-th request about releases until the run is dead. */
class Trap {
  readonly reached: Promise<void>
  #reach: () => void = () => undefined

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve
    })
  }

  fault(nth: number, moment: Moment): Fault {
    let seen = 0
    return {
      name: `${moment} ${String(nth)}`,
      times: 1,
      on: ({ path: at }) => RELEASES.test(at) && ++seen === nth,
      play: async ({ request, response, handle }) => {
        const dead = once(request.socket, 'close')
        if (moment === 'sent') for await (const chunk of request) void chunk
        if (moment === 'half sent') {
          this.#reach()
          await dead
          // The service finds what had come of the bytes, and then the end of the connection.
          await handle().catch(() => undefined)
          return undefined
        }
        const answer = moment === 'sent' ? undefined : await handle()
        if (answer && moment === 'answered' && !(answer.body instanceof ReadableStream)) {
          response.writeHead(answer.status, answer.headers)
          response.end(answer.body)
        }
        this.#reach()
        await dead
        return undefined
      },
    }
  }
}

let world: ScenarioWorld
let gems: { name: string; bytes: Buffer }[]

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
  gems = NAMES.map((name, index) => {
    const version = ` !ruby/object:Gem::Version\n  version: ${VERSION}`
    const yaml = specification({ name: ` ${name}`, version, platform: ' ruby', metadata: ' {}' })
    const content = Buffer.concat([tarMember('lib/lens.bin', randomBytes(LARGE)), TAR_END])
    return { name, bytes: gemBytes(index === 0 ? { yaml, data: gzipSync(content, { level: 0 }) } : { yaml }) }
  })
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
  expect(assets.map(({ name }) => name).toSorted()).toEqual(ASSETS.toSorted())
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

  const cases = CALLS.flatMap((call, index) => {
    const large = call === `rack-lens-${VERSION}.gem`
    return [...MOMENTS, ...(large ? (['half sent'] as const) : [])].map((moment) => ({ call, nth: index + 1, moment }))
  })

  it.each(cases)('whose run is killed when $call is $moment is completed by the next run', async ({ nth, moment }) => {
    world.sandbox.github.repository(REPOSITORY).deleteReleases()
    const trap = new Trap()
    world.sandbox.github.inject(trap.fault(nth, moment))
    const killed = await job({ release: 'true', trap })
    world.sandbox.github.faults.clear()
    expect(killed.step.exitSignal).toBe('SIGKILL')
    const left = world.sandbox.github.releases(REPOSITORY).flatMap(({ assets }) => assets)
    expect(left.some(({ state }) => state === 'starter')).toBe(moment === 'half sent')
    expectGreen(await job({ release: 'true' }))
    await expectComplete()
  })
})
