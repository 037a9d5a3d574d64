import { ReleaseError } from '../errors.ts'
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from '../json.ts'
import type { Gemspec, Project, Rake, TaskOwner } from './project.ts'

/** The probe's JSON as a Project; undefined where it has another shape. Throws ReleaseError (`gemspec-failed`). */
export function asProject(value: unknown): Project | undefined {
  const engine = stringAt(value, 'ruby', 'engine')
  const version = stringAt(value, 'ruby', 'version')
  const rubygems = stringAt(value, 'ruby', 'rubygems')
  const rake = asRake(objectAt(value, 'rake'))
  if (!engine || !version || !rubygems || !rake || !isObject(value) || !Array.isArray(value['gemspecs']))
    return undefined
  const bundler = asBundler(objectAt(value, 'bundler'))
  return { ruby: { engine, version, rubygems }, bundler, gemspecs: asGemspecs(objectsAt(value, 'gemspecs')), rake }
}

function asBundler(value: JsonObject): Project['bundler'] {
  if (value['state'] === 'none') return { state: 'none' }
  if (value['state'] === 'ready') return { state: 'ready', version: stringAt(value, 'version') ?? 'unknown' }
  return { state: 'failed', message: stringAt(value, 'message') ?? 'no message' }
}

function asRake(value: JsonObject): Rake | undefined {
  if (value['state'] === 'none') return { state: 'none' }
  if (value['state'] === 'failed') return { state: 'failed', message: stringAt(value, 'message') ?? 'no message' }
  const build = asOwner(value['build'])
  const release = asOwner(value['release'])
  if (!build || !release) return undefined
  return { state: 'loaded', build, release, gem: stringAt(value, 'gem'), tag: stringAt(value, 'tag') }
}

function asOwner(value: unknown): TaskOwner | undefined {
  return value === 'absent' || value === 'bundler' || value === 'project' ? value : undefined
}

function asGemspecs(values: readonly JsonObject[]): Gemspec[] {
  const failures = values.filter((value) => !stringAt(value, 'name') || !stringAt(value, 'version'))
  const [first, ...rest] = failures.map((value) => ({
    code: 'gemspec-failed' as const,
    what: `The gemspec \`${stringAt(value, 'file') ?? '?'}\` cannot be evaluated: ${stringAt(value, 'error') ?? 'it has no name or no version'}`,
    fix: 'Make `gem build` work in a clean checkout; what the gemspec requires must be installed or in the repository.',
  }))
  if (first) throw new ReleaseError([first, ...rest])
  return values.map(asGemspec)
}

function asGemspec(value: JsonObject): Gemspec {
  const metadata = Object.keys(objectAt(value, 'metadata')).map(
    (key) => [key, stringAt(value, 'metadata', key) ?? ''] as const,
  )
  return {
    file: stringAt(value, 'file') ?? '',
    name: stringAt(value, 'name') ?? '',
    version: stringAt(value, 'version') ?? '',
    platform: stringAt(value, 'platform') ?? 'ruby',
    metadata: new Map(metadata),
    dependencies: objectsAt(value, 'dependencies').map((entry) => ({
      name: stringAt(entry, 'name') ?? '',
      requirement: stringAt(entry, 'requirement') ?? '',
    })),
  }
}
