import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isObject, objectsAt, parseJson, stringAt } from '../src/json.ts'

/**
 * The licence texts of the packages inside the bundles, found by the modules that ncc says it bundled. (Its own
 * `--license` writes the file once per chunk, so that the last chunk's packages are all that is left in it.)
 */
export function licences(statsFiles: readonly string[]): string {
  const directories = new Set(statsFiles.flatMap(bundledFiles).flatMap(packageDirectory))
  const texts = new Map([...directories].map(licenceOf))
  return [...texts]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([title, text]) => `${title}\n${'-'.repeat(title.length)}\n\n${text}\n`)
    .join('\n\n')
}

/** Absolute paths of the files in a bundle, from webpack's statistics. */
function bundledFiles(statsFile: string): string[] {
  const stats = parseJson(readFileSync(statsFile, 'utf8'))
  const below = (holder: unknown): string[] =>
    objectsAt(holder, 'modules').flatMap((module) => {
      const file = stringAt(module, 'nameForCondition')
      return [...(file === undefined ? [] : [file]), ...below(module)]
    })
  return below(stats)
}

/** The innermost package in `node_modules` that a file belongs to. */
function packageDirectory(file: string): string[] {
  const found = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(file)
  return found?.[1] === undefined ? [] : [found[1]]
}

function licenceOf(directory: string): [title: string, text: string] {
  const manifest = parseJson(readFileSync(path.join(directory, 'package.json'), 'utf8'))
  const title = `${stringAt(manifest, 'name') ?? ''} ${stringAt(manifest, 'version') ?? ''}`
  const files = readdirSync(directory).filter((name) => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(name))
  const texts = files.toSorted().map((name) => readFileSync(path.join(directory, name), 'utf8').trim())
  if (texts.length > 0) return [title, texts.join('\n\n').replaceAll('\r\n', '\n')]
  const named = isObject(manifest) ? stringAt(manifest, 'license') : undefined
  if (named === undefined) throw new Error(`${title} is in a bundle, but says nowhere under which licence.`)
  return [title, `${named} (the package holds no licence text)`]
}
