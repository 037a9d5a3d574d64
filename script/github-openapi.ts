/**
 * Cuts GitHub's published OpenAPI description down to the operations the sandbox serves.
 *
 *     node script/github-openapi.ts PATH/TO/api.github.com.deref.json
 *
 * The input is `generated/api.github.com.deref.json` of the npm package `@octokit/openapi` (MIT); the
 * output is `sandbox/github/openapi.json`, against which the sandbox checks every request and the
 * tests check every answer.
 */
import { readFileSync, writeFileSync } from 'node:fs'

/** Everything the sandbox serves; anything else a client asks for is a violation. */
const OPERATIONS = [
  'GET /repos/{owner}/{repo}',
  'GET /repos/{owner}/{repo}/branches/{branch}',
  'GET /repos/{owner}/{repo}/commits/{ref}',
  'GET /repos/{owner}/{repo}/git/commits/{commit_sha}',
  'GET /repos/{owner}/{repo}/git/matching-refs/{ref}',
  'GET /repos/{owner}/{repo}/git/ref/{ref}',
  'POST /repos/{owner}/{repo}/git/refs',
  'POST /repos/{owner}/{repo}/git/tags',
  'GET /repos/{owner}/{repo}/git/tags/{tag_sha}',
  'GET /repos/{owner}/{repo}/releases',
  'POST /repos/{owner}/{repo}/releases',
  'DELETE /repos/{owner}/{repo}/releases/assets/{asset_id}',
  'POST /repos/{owner}/{repo}/releases/generate-notes',
  'GET /repos/{owner}/{repo}/releases/tags/{tag}',
  'GET /repos/{owner}/{repo}/releases/{release_id}',
  'PATCH /repos/{owner}/{repo}/releases/{release_id}',
  'GET /repos/{owner}/{repo}/releases/{release_id}/assets',
  'POST /repos/{owner}/{repo}/releases/{release_id}/assets',
  'GET /repos/{owner}/{repo}/rulesets',
  'GET /repos/{owner}/{repo}/rulesets/{ruleset_id}',
]

/** What a schema may say here; a keyword in neither list stops the script, for it might be a rule we would miss. */
const RULES = new Set(['type', 'nullable', 'enum', 'minLength', 'maxLength', 'minimum', 'maximum', 'required'])
const SILENT = new Set([
  'description',
  'title',
  'example',
  'examples',
  'default',
  'format',
  'deprecated',
  'x-github-breaking-changes',
])

type Json = Record<string, unknown>

function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`)
  return Object.fromEntries(Object.entries(value))
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`)
  return value
}

function schema(input: unknown, where: string): unknown {
  if (typeof input === 'boolean') return input
  const kept: Json = {}
  for (const [key, value] of Object.entries(object(input, where))) {
    const inside = `${where}/${key}`
    if (RULES.has(key)) kept[key] = value
    else if (key === 'items' || key === 'additionalProperties') kept[key] = schema(value, inside)
    else if (key === 'oneOf' || key === 'anyOf') kept[key] = list(value, inside).map((one) => schema(one, inside))
    else if (key === 'allOf') Object.assign(kept, merged(list(value, inside).map((one) => schema(one, inside))))
    else if (key === 'properties') {
      const properties = Object.entries(object(value, inside))
      kept[key] = Object.fromEntries(properties.map(([name, one]) => [name, schema(one, `${inside}/${name}`)]))
    } else if (!SILENT.has(key)) throw new Error(`${where}: the validator does not know "${key}"`)
  }
  return kept
}

/** One schema that asks for what all of several objects' schemas ask for. */
function merged(schemas: unknown[]): Json {
  const all = schemas.map((one) => object(one, 'allOf'))
  const required = all.flatMap((one) => (one['required'] === undefined ? [] : list(one['required'], 'required')))
  const properties = all.map((one) => object(one['properties'] ?? {}, 'properties'))
  return {
    type: 'object',
    properties: Object.assign({}, ...properties),
    ...(required.length > 0 ? { required } : {}),
  }
}

/** The schema of the first of `types` that `holder` (a request body or an answer) describes; null where it has none. */
function content(holder: Json, types: string[], where: string): { type: string; schema: unknown } | null {
  if (holder['content'] === undefined) return null
  const media = object(holder['content'], where)
  for (const type of types) {
    if (media[type] !== undefined) return { type, schema: schema(object(media[type], where)['schema'], where) }
  }
  return null
}

function parameter(input: unknown, where: string): Json {
  const given = object(input, where)
  return {
    name: given['name'],
    in: given['in'],
    ...(given['required'] === true ? { required: true } : {}),
    ...(given['x-multi-segment'] === true ? { multiSegment: true } : {}),
    schema: schema(given['schema'], where),
  }
}

function operation(description: Json, name: string): Json {
  const [method = '', path = ''] = name.split(' ')
  const paths = object(description['paths'], 'paths')
  const given = object(object(paths[path], path)[method.toLowerCase()], name)
  const answers = Object.entries(object(given['responses'], name))
  const body = given['requestBody'] === undefined ? undefined : object(given['requestBody'], name)
  const taken = body && content(body, ['application/json', 'application/octet-stream'], `${name} body`)
  return {
    docs: object(given['externalDocs'], name)['url'],
    ...(given['servers'] === undefined ? {} : { upload: true }),
    parameters: list(given['parameters'], name).map((one) => parameter(one, name)),
    ...(taken ? { body: { required: body['required'] === true, ...taken } } : {}),
    responses: Object.fromEntries(
      answers.map(([status, one]) => {
        const where = `${name} ${status}`
        return [status, content(object(one, where), ['application/json'], where)?.schema ?? null]
      }),
    ),
  }
}

const [input] = process.argv.slice(2)
if (input === undefined) throw new Error('usage: node script/github-openapi.ts PATH/TO/api.github.com.deref.json')
const description = object(JSON.parse(readFileSync(input, 'utf8')), input)
const operations = OPERATIONS.map(
  (name) => `    ${JSON.stringify(name)}: ${JSON.stringify(operation(description, name))}`,
)
const head = {
  source: '@octokit/openapi, generated/api.github.com.deref.json',
  version: object(description['info'], 'info')['version'],
  license: 'MIT',
}
// One operation a line: a new version of the description then shows in a diff which operations changed.
const text = `${JSON.stringify(head).slice(0, -1)},\n  "operations": {\n${operations.join(',\n')}\n  }\n}\n`
const target = new URL('../sandbox/github/openapi.json', import.meta.url)
writeFileSync(target, text)
console.log(`${String(OPERATIONS.length)} operations, ${String(text.length)} bytes`)
