import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { ownRelease, rakeProject } from './rake-projects.ts'
import { HOSTS, RealNames } from './real-names.ts'
import { ACTION, expectGreen, newWorld, type RunOptions } from './scenario.ts'

const section = /^## Hosts$(.*?)^## /ms.exec(readFileSync(path.join(ACTION, 'docs/threat-model.md'), 'utf8'))?.[1] ?? ''

/** The table in the document: what is used, and the hosts it talks to. */
function documented(): Map<string, string[]> {
  const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].slice(1)
  return new Map(
    rows.map(([, what = '', hosts = '']) => [
      what.trim(),
      [...hosts.matchAll(/`([^`]+)`/g)].map(([, host = '']) => host).toSorted(),
    ]),
  )
}

/** As the document writes them. */
function asDocumented(hosts: readonly string[]): string[] {
  const names: Record<string, string> = {
    [HOSTS.idTokens]: '*.actions.githubusercontent.com',
    [HOSTS.otherServer]: 'gem-server',
  }
  return hosts.map((host) => names[host] ?? host).toSorted()
}

const OTHER_SERVER = { 'gem-server': `https://${HOSTS.otherServer}` }

const CASES: [what: string, options: RunOptions][] = [
  ['A release', {}],
  ['… with `github-release`', { with: { 'github-release': 'true' } }],
  ['A dry run', { with: { 'dry-run': 'true' } }],
  [
    'A publish job with `gems`, `tag: false` and `attestations: false`',
    prebuilt(undefined, { with: { tag: 'false', attestations: 'false' } }),
  ],
  ['A release to another server with `api-token`', { with: OTHER_SERVER }],
  ['`build`', { action: 'build' }],
  ['`credentials`', { action: 'credentials' }],
]

describe('hosts that are contacted', () => {
  it('are documented for each of these cases', () => {
    expect([...documented().keys()]).toEqual(CASES.map(([what]) => what))
  })

  it('are those of the allowlist for a publish job, but for where artifacts are kept', () => {
    const allowed = [...section.matchAll(/^ {6}(\S+):443$/gm)].map(([, host = '']) => host)
    expect(allowed.filter((host) => host !== '*.blob.core.windows.net')).toEqual(documented().get('A release'))
  })

  it.each(CASES)('%s', async (what, options) => {
    await using world = await newWorld({ sigstore: true })
    await using names = await RealNames.over(world)
    const staticToken = options.with === OTHER_SERVER
    await world.repository(project(), { gems: staticToken ? [] : ['rack-lens'] })
    const token = staticToken ? { 'api-token': world.sandbox.registry.addUserKey({ gems: ['rack-lens'] }) } : {}
    expectGreen(await world.run(names.job({ ...options, with: { ...options.with, ...token } })))
    expect(asDocumented(names.contacted)).toEqual(documented().get(what))
    expect(names.aroundTheProxy).toEqual([])
  })

  it('do not get the key of another: a release task that pushes elsewhere without one is refused', async () => {
    await using world = await newWorld()
    await using names = await RealNames.over(world)
    const elsewhere = `sh({ "RUBYGEMS_HOST" => "https://${HOSTS.otherServer}" }, "gem push #{GEM}")`
    await world.repository(rakeProject(ownRelease(elsewhere)))
    const { step, error } = await world.run(names.job({}))
    expect(step.exitCode).toBe(1)
    expect(error).toContain(
      `push-host-mismatch: The release task tried to push rack-lens 1.2.3 to "https://${HOSTS.otherServer}"`,
    )
    expect(names.contacted).not.toContain(HOSTS.otherServer)
    expect(world.uploads).toEqual([])
  })

  it('get a push of a release task that brings a key for them', async () => {
    await using world = await newWorld()
    await using names = await RealNames.over(world)
    const key = world.sandbox.registry.addUserKey({ gems: ['rack-lens'] })
    const there = `{ "RUBYGEMS_HOST" => "https://${HOSTS.otherServer}", "GEM_HOST_API_KEY" => "${key}" }`
    await world.repository(
      rakeProject(ownRelease('stand_in "push", GEM', `sh(${there}, "gem push #{GEM}") { |_, _| }`)),
    )
    await world.run(names.job({ with: { attestations: 'false' } }))
    expect(names.contacted).toContain(HOSTS.otherServer)
  })

  it('would be noticed also if they were not asked for through the proxy', async () => {
    await using world = await newWorld()
    await using names = await RealNames.over(world)
    await world.repository()
    const { url } = world.sandbox.registry
    // Loopback never goes through a proxy.
    expectGreen(await world.run(names.job({ with: { 'gem-server': url, 'dry-run': 'true' } })))
    expect(new Set(names.aroundTheProxy)).toEqual(new Set([`connect ${new URL(url).host}`]))
    expect(names.contacted).toEqual([HOSTS.api, HOSTS.idTokens])
  })
})
