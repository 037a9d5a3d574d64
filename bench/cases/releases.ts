import path from 'node:path'
import type { RegistryOptions } from '../../sandbox/registry/registry.ts'
import { buildLoop, pushLoop } from '../baselines.ts'
import { monorepo, names, writeGem } from '../material.ts'
import type { Options } from '../options.ts'
import type { Ran } from '../program.ts'
import { Scene } from '../scene.ts'

/** Bytes of content of each gem. */
export const SIZE = 30_000

export interface Release extends Ran {
  /** Requests by kind, such as `push`. */
  requests: Record<string, number>
}

export interface Loops {
  build: Ran
  push: Ran
  requests: number
}

export async function ofPrebuilt(
  count: number,
  options: Options,
  registry: Partial<RegistryOptions> = {},
): Promise<Release> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: all, registry })
  const directory = path.join(scene.workspace, 'pkg')
  for (const name of all) writeGem(directory, { name, bytes: SIZE })
  const ran = await scene.release({ gems: 'pkg/*.gem' })
  return { ...ran, requests: requestsOf(scene, ran) }
}

export async function fromGemspecs(count: number, options: Options): Promise<Release> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: all, files: monorepo(all) })
  const ran = await scene.release()
  return { ...ran, requests: requestsOf(scene, ran) }
}

/** `gem build` of every gemspec, then `gem push` of every gem. */
export async function buildAndPushLoops(count: number, options: Options): Promise<Loops> {
  const all = names(count)
  await using scene = await Scene.open({ ...options, gems: [], files: monorepo(all) })
  const key = scene.userKey(all)
  const build = await buildLoop(scene)
  const push = await pushLoop(scene, scene.workspace, key)
  return { build, push, requests: scene.requestsSince(push.from).length }
}

export function totalRequests({ requests }: Release): number {
  return Object.entries(requests).reduce((sum, [kind, count]) => sum + (kind === REFUSED ? 0 : count), 0)
}

const REFUSED = 'refused with 429'
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^POST \/api\/v1\/gems$/, 'push'],
  [/^GET \/api\/v1\/versions\//, 'versions of a name, before the release'],
  [/^GET \/api\/v2\/rubygems\//, 'digest of a version, after its push'],
  [/^GET \/info\//, 'index of a name'],
  [/^GET \/gems\//, 'file of a gem, to compare it'],
  [/\/oidc\/|\/token\b/, 'ID token and exchange'],
  [/\/git\/|\/rulesets$/, 'GitHub: commit, rules and tags'],
]

function requestsOf(scene: Scene, { from }: Ran): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { method, path: at, status } of scene.requestsSince(from)) {
    const line = `${method} ${at.split('?')[0] ?? ''}`
    const kind = KINDS.find(([pattern]) => pattern.test(line))?.[1] ?? line
    counts[kind] = (counts[kind] ?? 0) + 1
    if (status === 429) counts[REFUSED] = (counts[REFUSED] ?? 0) + 1
  }
  return counts
}
