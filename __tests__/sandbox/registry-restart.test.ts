import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { type Registry, startRegistry } from '../../sandbox/registry/registry.ts'
import { keyFor, PUBLISHER, push, startWorld, type World } from './registry-world.ts'

const GEM = seedGem({ name: 'demo', number: '1.0.0' })

async function restarted({ directory, issuer, clock, registry }: World): Promise<Registry> {
  await registry[Symbol.asyncDispose]()
  const options = { directory: `${directory}/registry`, jwksUrl: issuer.jwksUrl, clock: clock.read }
  const again = await startRegistry(options)
  onTestFinished(() => again[Symbol.asyncDispose]())
  return again
}

describe('a registry started again on its directory', () => {
  it('knows gems, keys, publishers, roles, attestations and indexes', async () => {
    const world = await startWorld()
    world.registry.addTrustedPublisher({ gem: 'demo', ...PUBLISHER })
    const key = await keyFor(world)
    await push(world.registry, key, GEM)
    world.registry.reserveName('mine')
    const before = world.registry.snapshot()
    const index = await (await fetch(`${world.registry.url}/versions`)).text()

    const registry = await restarted(world)

    expect(registry.snapshot()).toBe(before)
    expect(await (await fetch(`${registry.url}/versions`)).text()).toBe(index)
    expect(Buffer.from(await (await fetch(`${registry.url}/gems/demo-1.0.0.gem`)).arrayBuffer())).toEqual(GEM)
    expect((await push(registry, key, GEM)).body).toBe('Gem was already pushed: demo (1.0.0)')
    expect((await push(registry, key, seedGem({ name: 'mine', number: '1.0.0' }))).body).toContain('reserved')
    expect(await keyFor({ ...world, registry })).toMatch(/^rubygems_/)
  })

  it('may run at the same port', async () => {
    const world = await startWorld()
    const { url } = world.registry
    await world.registry[Symbol.asyncDispose]()
    await using again = await startRegistry({
      directory: `${world.directory}/registry`,
      jwksUrl: world.issuer.jwksUrl,
      port: Number(new URL(url).port),
    })
    expect(again.url).toBe(url)
  })
})

describe('snapshots', () => {
  it('are equal for equal worlds reached at other times with other keys', async () => {
    const texts: string[] = []
    for (const wait of [0, 3600]) {
      const world = await startWorld()
      world.clock.advance(wait)
      world.registry.addPendingPublisher({ gem: 'demo', ...PUBLISHER })
      await push(world.registry, await keyFor(world), GEM)
      texts.push(world.registry.snapshot())
      world.registry.yank('demo-1.0.0')
      expect(world.registry.snapshot()).not.toBe(texts.at(-1))
    }
    expect(texts[0]).toBe(texts[1])
  })
})

const SERVER = `
  const { startRegistry } = await import(process.argv[1])
  const registry = await startRegistry({
    directory: process.argv[2], jwksUrl: 'http://127.0.0.1:9/', storageLatencyMs: Number(process.argv[3]),
  })
  const key = registry.addUserKey({ user: 'ann' })
  process.stdout.write(JSON.stringify({ url: registry.url, key }))
`

interface Child {
  process: ChildProcess
  url: string
  key: string
}

async function startChild(directory: string, storageLatencyMs: number): Promise<Child> {
  const source = fileURLToPath(new URL('../../sandbox/registry/registry.ts', import.meta.url))
  const args = ['--no-warnings', '--input-type=module', '-e', SERVER, source, directory, String(storageLatencyMs)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line]: unknown[] = await once(child.stdout, 'data')
  const told: unknown = JSON.parse(String(line))
  if (typeof told !== 'object' || told === null || !('url' in told) || !('key' in told)) throw new Error('no start')
  return { process: child, url: String(told.url), key: String(told.key) }
}

describe('a registry that was killed', () => {
  it('in the middle of storing a gem leaves a version that did not finish pushing', async () => {
    const world = await startWorld()
    const directory = `${world.directory}/killed`
    const child = await startChild(directory, 60_000)
    const headers = { authorization: child.key, 'content-type': 'application/octet-stream' }
    const pushing = fetch(`${child.url}/api/v1/gems`, { method: 'POST', headers, body: new Uint8Array(GEM) })
    const failed = pushing.then(
      () => 'answered',
      (error: unknown) => String(error),
    )
    await expect
      .poll(async () => await readFile(`${directory}/state.json`, 'utf8'), { interval: 20 })
      .toContain('demo-1.0.0')
    child.process.kill('SIGKILL')
    expect(await failed).toContain('fetch failed')

    await using registry = await startRegistry({ directory, jwksUrl: world.issuer.jwksUrl })
    expect(registry.snapshot()).toContain('"state": "unfinished"')
    const again = await push(registry, child.key, GEM)
    expect(again).toMatchObject({ status: 409, body: expect.stringContaining('did not finish pushing') })
    expect((await push(registry, child.key, seedGem({ name: 'demo', number: '1.0.1' }))).status).toBe(200)
  })

  it('in the middle of an upload leaves nothing', async () => {
    const world = await startWorld()
    const directory = `${world.directory}/killed`
    const child = await startChild(directory, 0)
    const upload = request(`${child.url}/api/v1/gems`, {
      method: 'POST',
      headers: { authorization: child.key, 'content-length': 1000 },
    })
    const broken = once(upload, 'error')
    upload.write(GEM.subarray(0, 500))
    await expect.poll(async () => await readdir(`${directory}/uploads`), { interval: 20 }).toHaveLength(1)
    child.process.kill('SIGKILL')
    await broken

    await using registry = await startRegistry({ directory, jwksUrl: world.issuer.jwksUrl })
    expect(await readdir(`${directory}/uploads`)).toEqual([])
    expect(registry.versions()).toEqual([])
  })
})
