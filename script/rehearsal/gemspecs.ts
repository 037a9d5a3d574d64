import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isObject, parseJson, stringAt } from '../../src/json.ts'
import type { Workplace } from './workplace.ts'

export interface Gemspec {
  name: string
  version: string
  /** Names of the gems it needs at run time. */
  dependencies: readonly string[]
}

/** The gemspecs of a directory that can be loaded, as its own Ruby sees them. */
export async function readGemspecs(directory: string, place: Workplace): Promise<Gemspec[]> {
  const answer = place.below('gemspecs.json')
  if (!existsSync(directory)) return []
  await place.run('ruby', [path.join(import.meta.dirname, 'gemspecs.rb'), answer], directory)
  const found = existsSync(answer) ? parseJson(readFileSync(answer, 'utf8')) : []
  return Array.isArray(found) ? found.flatMap(asGemspec) : []
}

function asGemspec(value: unknown): Gemspec[] {
  const [name, version] = [stringAt(value, 'name'), stringAt(value, 'version')]
  if (name === undefined || version === undefined || !isObject(value)) return []
  const { dependencies } = value
  const names = Array.isArray(dependencies) ? dependencies.filter((one) => typeof one === 'string') : []
  return [{ name, version, dependencies: names }]
}
