/** Reading JSON of unknown shape: everything from another machine or process is `unknown` until it was looked at. */

export type JsonObject = Readonly<Record<string, unknown>>

/** The value a JSON text stands for, or undefined where it is none. */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The string at `path` inside `value`, or undefined where anything else is there. */
export function stringAt(value: unknown, ...path: string[]): string | undefined {
  const found = at(value, path)
  return typeof found === 'string' ? found : undefined
}

/** The object at `path` inside `value`; empty where anything else is there. */
export function objectAt(value: unknown, ...path: string[]): JsonObject {
  const found = at(value, path)
  return isObject(found) ? found : {}
}

/** The objects of the array at `path` inside `value`; none where anything else is there. */
export function objectsAt(value: unknown, ...path: string[]): JsonObject[] {
  const found = at(value, path)
  return Array.isArray(found) ? found.filter(isObject) : []
}

function at(value: unknown, path: readonly string[]): unknown {
  let found = value
  for (const key of path) {
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined
    found = found[key]
  }
  return found
}
