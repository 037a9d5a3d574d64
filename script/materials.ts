import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type JsonObject, objectAt, parseJson } from '../src/json.ts'
import type { Materials } from './bill-of-materials.ts'

export const ROOT = path.resolve(import.meta.dirname, '..')

/** The materials of this checkout. */
export function readMaterials(): Materials {
  return {
    licences: readFileSync(path.join(ROOT, 'dist/licenses.txt'), 'utf8'),
    lock: readJson('package-lock.json'),
    manifest: readJson('package.json'),
  }
}

function readJson(name: string): JsonObject {
  return objectAt(parseJson(readFileSync(path.join(ROOT, name), 'utf8')))
}
