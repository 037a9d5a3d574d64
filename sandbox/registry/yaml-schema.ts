import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, Scalar } from 'yaml'

/** The gem yaml-schema 1.2.1, with which rubygems.org checks a gemspec before any Ruby object is made of it. */

export interface Schema {
  type: string | string[]
  tag?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  propertyNames?: { maxLength?: number }
  required?: string[]
  items?: Schema
  prefixItems?: Schema[]
  minItems?: number
  maxLength?: number
  pattern?: RegExp
}

export class SchemaError extends Error {
  override name = 'SchemaError'
}

export class UnexpectedAlias extends SchemaError {
  override name = 'UnexpectedAlias'
}

type Path = (string | number)[]
type YamlNode = Node | null

/** rubygems.org lib/gem_validator/node_info.rb */
const IGNORED_TAGS = new Set([
  '!',
  '!binary',
  '!str',
  'tag:yaml.org,2002:null',
  '!ruby/regexp',
  '!timestamp',
  '!int:Fixnum',
])

function fail(message: string, path: Path): never {
  throw new SchemaError(`${message} path: /${path.join('/')}`)
}

function tagOf(node: YamlNode): string | undefined {
  const tag = node?.tag
  if (tag === undefined || IGNORED_TAGS.has(tag)) return undefined
  return tag === '!ruby/object:Gem::Version::Requirement' ? '!ruby/object:Gem::Requirement' : tag
}

/** The text of a scalar as it was written, before any YAML type is read into it. */
export function textOf(node: YamlNode): string {
  if (!isScalar(node)) return ''
  return typeof node.value === 'string' ? node.value : (node.source ?? '')
}

function isQuoted(node: Scalar): boolean {
  return node.type !== undefined && node.type !== Scalar.PLAIN
}

function className(node: YamlNode): string {
  if (isMap(node)) return '"Psych::Nodes::Mapping"'
  return isSeq(node) ? '"Psych::Nodes::Sequence"' : '"Psych::Nodes::Scalar"'
}

const TIME = /^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$/m
const TYPES: [RegExp, string][] = [
  [TIME, 'time'],
  [/^\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)$/m, 'date'],
  [/^[-+]?\.inf$/im, 'float'],
  [/^\.nan$/im, 'float'],
  [/^:./m, 'symbol'],
  [/^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}(\.[0-9_]*)?$/m, 'sexagesimal'],
  [/^[-+]?\.$/, 'string'],
  [/^(?:[-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][-+][0-9]+)?)$/m, 'float'],
  [
    /^(?:[-+]?0b_*[01][01_]*|[-+]?0_*[0-7][0-7_]*|[-+]?(0|[1-9][0-9_]*)|[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*)$/m,
    'integer',
  ],
]

function typeOfText(text: string): string {
  if (text === '') return 'null'
  if (/^[^\d.:-]?[\p{Alphabetic}_\s!@#$%^&*(){}<>|/\\~;=]+/mu.test(text) || text.includes('\n')) {
    if (text.length > 5) return 'string'
    if (text === '~' || /^null$/im.test(text)) return 'null'
    return /^(?:yes|true|on|no|false|off)$/im.test(text) ? 'boolean' : 'string'
  }
  return TYPES.find(([pattern]) => pattern.test(text))?.[1] ?? 'string'
}

function checkString(schema: Schema, node: Scalar, path: Path): void {
  const text = textOf(node)
  const type = isQuoted(node) || node.tag === '!str' || node.tag === '!' ? 'string' : typeOfText(text)
  if (type !== 'string') fail(`expected string, got ${type}`, path)
  const { maxLength, pattern } = schema
  if (maxLength !== undefined && Buffer.byteLength(text) > maxLength) {
    fail(`expected string length to be <= ${String(maxLength)}`, path)
  }
  if (pattern && !pattern.test(text))
    fail(`expected string '${JSON.stringify(text)}' to match ${String(pattern)}`, path)
}

function checkScalar(type: string, schema: Schema, node: YamlNode, path: Path): void {
  if (!isScalar(node)) fail(`expected Scalar, got ${className(node)}`, path)
  if (type === 'string') {
    checkString(schema, node, path)
    return
  }
  const text = textOf(node)
  if (isQuoted(node)) fail(`expected ${type}, got string`, path)
  if (type === 'null') {
    if (text !== '') fail(`expected empty string, got ${JSON.stringify(text)}`, path)
    return
  }
  if (schema.pattern && !schema.pattern.test(text)) {
    fail(`expected '${JSON.stringify(text)}' to match ${String(schema.pattern)}`, path)
  }
  if (type === 'boolean') {
    if (text !== 'true' && text !== 'false') fail("expected 'true' or 'false' for boolean", path)
    return
  }
  const found = typeOfText(text)
  if (found !== type) fail(`expected ${type}, got ${found}`, path)
}

function asNode(value: unknown): YamlNode {
  return isNode(value) ? value : null
}

function checkPair(schema: Schema, left: Record<string, Schema>, pair: Pair, path: Path): void {
  const key = asNode(pair.key)
  check({ type: 'string', ...schema.propertyNames }, key, path)
  const name = textOf(key)
  const inner = left[name] ?? schema.additionalProperties
  if (!inner) fail(`unknown property ${JSON.stringify(name)}`, [...path, name])
  delete left[name]
  check(inner, asNode(pair.value), [...path, name])
}

function checkObject(schema: Schema, node: YamlNode, path: Path): void {
  if (!isMap(node)) fail(`expected Mapping, got ${className(node)}`, path)
  if (!schema.properties) {
    for (const pair of node.items)
      checkPair({ type: 'object', ...(schema.items && { additionalProperties: schema.items }) }, {}, pair, path)
    return
  }
  const left = { ...schema.properties }
  for (const pair of node.items) checkPair(schema, left, pair, path)
  const missing = (schema.required ?? []).filter((name) => Object.hasOwn(left, name))
  if (missing.length > 0) fail(`missing fields ${missing.map((name) => JSON.stringify(name)).join(' ')}`, path)
}

function checkArray(schema: Schema, node: YamlNode, path: Path): void {
  if (!isSeq(node)) fail(`expected Sequence, got ${className(node)}`, path)
  const { minItems = 0 } = schema
  if (node.items.length < minItems) {
    fail(`expected minimum ${String(minItems)} items, but found ${String(node.items.length)}`, path)
  }
  for (const [index, item] of node.items.entries()) {
    const inner = schema.items ?? schema.prefixItems?.[index]
    if (inner) check(inner, asNode(item), [...path, index])
  }
}

function checkType(type: string, schema: Schema, node: YamlNode, path: Path): void {
  const tag = tagOf(node)
  const wanted = type === 'object' ? schema.tag : undefined
  if (tag !== wanted) {
    if (wanted === undefined) fail(`expected no tag, but got ${JSON.stringify(tag)}`, path)
    fail(`expected tag "${wanted}", but ${tag === undefined ? 'none specified' : `got ${JSON.stringify(tag)}`}`, path)
  }
  if (type === 'object') checkObject(schema, node, path)
  else if (type === 'array') checkArray(schema, node, path)
  else checkScalar(type, schema, node, path)
}

/** Throws a SchemaError that names the place; where several types are allowed, the last one tried is reported. */
function check(schema: Schema, node: YamlNode, path: Path): void {
  if (isAlias(node)) throw new UnexpectedAlias('unexpected alias')
  const types = [schema.type].flat()
  for (const [index, type] of types.entries()) {
    try {
      checkType(type, schema, node, path)
      return
    } catch (error) {
      if (error instanceof UnexpectedAlias || index === types.length - 1) throw error
    }
  }
}

export function checkDocument(schema: Schema, document: Document): void {
  check(schema, asNode(document.contents), [])
}
