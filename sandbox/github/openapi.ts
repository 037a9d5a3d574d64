import { readFileSync } from 'node:fs'
import { isObject, problems, type Schema } from './schema.ts'

interface Parameter {
  name: string
  in: string
  required?: boolean
  /** The value may hold slashes, as refs do. */
  multiSegment?: boolean
  schema: Schema
}

interface Described {
  docs: string
  upload?: boolean
  parameters: Parameter[]
  body?: { required: boolean; type: string; schema: Schema }
  responses: Record<string, Schema | null>
}

/** One operation of GitHub's REST API, as GitHub describes it. */
export interface Operation extends Described {
  /** Method and path template, such as `POST /repos/{owner}/{repo}/git/refs`. */
  name: string
  method: string
  pattern: RegExp
}

/** Where GitHub serves uploads from a host of their own, the sandbox serves them below this path. */
export const UPLOADS = '/uploads'

interface Description {
  source: string
  version: string
  license: string
  operations: Record<string, Described>
}

/** GitHub's own description, cut down by `script/github-openapi.ts`. */
export const DESCRIPTION: Description = JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf8'))

function patternOf(path: string, described: Described): RegExp {
  const source = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    const multi = described.parameters.find((one) => one.name === name)?.multiSegment
    return `(?<${name}>${multi ? '.+' : '[^/]+'})`
  })
  return new RegExp(`^${described.upload ? UPLOADS : ''}${source}$`)
}

/** Literal segments win over parameters: `/releases/assets/{asset_id}` must be tried before `/releases/{release_id}/assets`. */
const OPERATIONS: Operation[] = Object.entries(DESCRIPTION.operations)
  .map(([name, described]) => {
    const [method = '', path = ''] = name.split(' ')
    return Object.assign(described, { name, method, pattern: patternOf(path, described) })
  })
  .toSorted((a, b) => a.name.split('{').length - b.name.split('{').length)

export interface Match {
  operation: Operation
  /** Path parameters, percent-decoded. */
  params: Record<string, string>
}

/** The operation a request line means, or nothing where GitHub's description (as far as we serve it) has none. */
export function findOperation(method: string, pathname: string): Match | undefined {
  for (const operation of OPERATIONS) {
    const groups = operation.method === method ? operation.pattern.exec(pathname)?.groups : undefined
    if (!groups) continue
    try {
      const params = Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)] as const)
      return { operation, params: Object.fromEntries(params) }
    } catch {
      return undefined
    }
  }
  return undefined
}

function textProblems(parameter: Parameter, text: string): string[] {
  const { type } = parameter.schema
  const isNumber = type === 'integer' && /^\d+$/.test(text)
  const isTruth = type === 'boolean' && /^(true|false)$/.test(text)
  const value = isNumber ? Number(text) : isTruth ? text === 'true' : text
  return problems(parameter.schema, value, [parameter.name])
}

/** What is wrong with the path and query parameters of a request. */
export function parameterProblems({ operation, params }: Match, query: URLSearchParams): string[] {
  const known = new Set(operation.parameters.filter((one) => one.in === 'query').map((one) => one.name))
  const extra = [...query.keys()].filter((name) => !known.has(name))
  const found = extra.map((name) => `"${name}" is not a query parameter of ${operation.name}.`)
  for (const parameter of operation.parameters) {
    const text = parameter.in === 'path' ? params[parameter.name] : query.get(parameter.name)
    if (typeof text === 'string') found.push(...textProblems(parameter, text))
    else if (parameter.required) found.push(`"${parameter.name}" wasn't supplied.`)
  }
  return found
}

/** What is wrong with the body of a request; `body` is the parsed JSON. */
export function bodyProblems(operation: Operation, body: unknown): string[] {
  if (!operation.body || operation.body.type !== 'application/json') return []
  return problems(operation.body.schema, body)
}

const ERROR: Schema = {
  required: ['message', 'documentation_url', 'status'],
  properties: {
    message: { type: 'string' },
    documentation_url: { type: 'string' },
    status: { type: 'string' },
    errors: { type: 'array' },
  },
}

/**
 * What is wrong with an answer by GitHub's description. GitHub documents only some of its refusals (no
 * 401 and no 403 for most operations), and none with the `status` it sends; those need the shape all have in common.
 */
export function answerProblems(method: string, pathname: string, status: number, body: unknown): string[] {
  const operation = findOperation(method, pathname)?.operation
  if (!operation) return status === 404 ? problems(ERROR, body) : [`${method} ${pathname} is not described`]
  if (status >= 400) return problems(ERROR, body)
  const schema = operation.responses[String(status)]
  if (schema === undefined) return [`${operation.name} does not answer ${String(status)}`]
  if (schema === null) return body === undefined ? [] : [`${operation.name} has no body with ${String(status)}`]
  return isObject(body) || Array.isArray(body) ? problems(schema, body) : [`${operation.name} answers JSON`]
}
