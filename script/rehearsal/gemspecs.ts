import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isObject, type JsonObject, objectAt, parseJson, stringAt } from '../../src/json.ts'
import type { Workplace } from './workplace.ts'

/** What a gemspec says about its gem. */
export interface Gemspec {
  file: string
  name: string
  version: string
  platform: string
  summary: string
  description: string
  homepage: string
  authors: readonly string[]
  licenses: readonly string[]
  /** What the gem would hold, as its gemspec lists it in a fresh checkout. */
  files: readonly string[]
  requirePaths: readonly string[]
  /** Scripts that compile native code when the gem is installed. */
  extensions: readonly string[]
  metadata: ReadonlyMap<string, string>
  /** Names of the gems it needs at run time. */
  dependencies: readonly string[]
  /** Why `gem build` would refuse it. */
  invalid: string | undefined
}

export interface Gemspecs {
  loaded: readonly Gemspec[]
  failed: readonly { file: string; error: string }[]
}

/** The gemspecs of a directory, as its own Ruby sees them. */
export async function readGemspecs(directory: string, place: Workplace): Promise<Gemspecs> {
  const answer = place.below('gemspecs.json')
  if (!existsSync(directory)) return { loaded: [], failed: [] }
  const ended = await place.run('ruby', [path.join(import.meta.dirname, 'gemspecs.rb'), answer], directory)
  if (!existsSync(answer)) return { loaded: [], failed: [{ file: '*.gemspec', error: ended.output }] }
  const found = parseJson(readFileSync(answer, 'utf8'))
  const entries = Array.isArray(found) ? found.filter(isObject) : []
  return {
    loaded: entries.filter((entry) => stringAt(entry, 'error') === undefined).map(asGemspec),
    failed: entries.flatMap((entry) => {
      const error = stringAt(entry, 'error')
      return error === undefined ? [] : [{ file: text(entry, 'file'), error }]
    }),
  }
}

function asGemspec(entry: JsonObject): Gemspec {
  const metadata = objectAt(entry, 'metadata')
  return {
    file: text(entry, 'file'),
    name: text(entry, 'name'),
    version: text(entry, 'version'),
    platform: text(entry, 'platform'),
    summary: text(entry, 'summary'),
    description: text(entry, 'description'),
    homepage: text(entry, 'homepage'),
    authors: texts(entry, 'authors'),
    licenses: texts(entry, 'licenses'),
    files: texts(entry, 'files'),
    requirePaths: texts(entry, 'require_paths'),
    extensions: texts(entry, 'extensions'),
    metadata: new Map(Object.keys(metadata).map((key) => [key, text(metadata, key)])),
    dependencies: texts(entry, 'dependencies'),
    invalid: stringAt(entry, 'invalid'),
  }
}

function text(entry: JsonObject, key: string): string {
  return stringAt(entry, key) ?? ''
}

function texts(entry: JsonObject, key: string): string[] {
  const value = entry[key]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
