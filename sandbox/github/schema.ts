/** The part of JSON Schema, in OpenAPI 3.0's dialect, that GitHub's description of the operations we serve uses. */
export interface Schema {
  type?: string
  nullable?: boolean
  required?: string[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  enum?: unknown[]
  oneOf?: Schema[]
  anyOf?: Schema[]
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
}

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isObject(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    case 'number':
    case 'string':
    case 'boolean':
      return typeof value === type
    default:
      throw new Error(`unknown schema type ${type}`)
  }
}

function named(at: string[]): string {
  return at.length === 0 ? '' : `For '${at.join('/')}', `
}

function quoted(names: string[]): string {
  return names
    .toSorted()
    .map((name) => `"${name}"`)
    .join(', ')
}

function objectProblems(schema: Schema, value: JsonObject, at: string[]): string[] {
  const properties = schema.properties ?? {}
  const found: string[] = []
  const missing = (schema.required ?? []).filter((name) => value[name] === undefined)
  if (missing.length > 0)
    found.push(`${named(at)}${quoted(missing)} ${missing.length > 1 ? "weren't" : "wasn't"} supplied.`)
  const open = schema.additionalProperties ?? schema.properties === undefined
  const extra = Object.keys(value).filter((name) => !Object.hasOwn(properties, name))
  if (open === false && extra.length > 0) {
    found.push(
      `${named(at)}${quoted(extra)} ${extra.length > 1 ? 'are not permitted keys' : 'is not a permitted key'}.`,
    )
  }
  for (const [name, one] of Object.entries(value)) {
    const property = properties[name] ?? (typeof open === 'object' ? open : undefined)
    if (property && one !== undefined) found.push(...problems(property, one, [...at, 'properties', name]))
  }
  return found
}

function rangeProblems(schema: Schema, value: unknown, at: string[]): string[] {
  if (typeof value === 'string') {
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
    const size = String(value.length)
    if (value.length < minLength) {
      return [`${named(at)}At least ${String(minLength)} characters are required; only ${size} were supplied.`]
    }
    if (value.length > maxLength) {
      return [`${named(at)}No more than ${String(maxLength)} characters are allowed; ${size} were supplied.`]
    }
  }
  if (typeof value === 'number') {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
    if (value < minimum || value > maximum) return [`${named(at)}${String(value)} is out of range.`]
  }
  return []
}

/**
 * What is wrong with `value`, in the words GitHub's API uses (`"sha" wasn't supplied.`, `For
 * 'properties/sha', 1 is not a string.`); empty where it conforms. Properties that a schema does not
 * name are refused unless it says `additionalProperties`: a misspelt field must not pass as an unknown one.
 */
export function problems(schema: Schema, value: unknown, at: string[] = []): string[] {
  if (value === null && schema.nullable === true) return []
  const choices = schema.oneOf ?? schema.anyOf
  if (choices) {
    const tries = choices.map((choice) => problems(choice, value, at))
    return tries.some((found) => found.length === 0) ? [] : (tries[0] ?? [])
  }
  const type = schema.type ?? (schema.properties ? 'object' : undefined)
  const shown = value === null ? 'nil' : JSON.stringify(value)
  if (type !== undefined && !isOfType(type, value)) {
    return [`${named(at)}${shown} is not ${/^[aio]/.test(type) ? 'an' : 'a'} ${type}.`]
  }
  if (schema.enum && !schema.enum.includes(value)) {
    return [`${named(at)}${shown} is not a member of ${JSON.stringify(schema.enum)}.`]
  }
  if (isObject(value)) return objectProblems(schema, value, at)
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.flatMap((one, index) => problems(items, one, [...at, 'items', String(index)])) : []
  }
  return rangeProblems(schema, value, at)
}
