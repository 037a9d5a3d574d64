import { type AnyNode, type Literal, parse } from 'acorn'

/** A construct of a bundle that a reviewer would stop at. */
export interface Finding {
  kind: 'code from text' | 'computed module' | 'native code' | 'absolute path' | 'time'
  code: string
}

/** What the bundler itself writes: the loader of chunks, which lie beside the bundle under a number. */
const CHUNK_LOADER = /^import\("\.\/" \+ __nccwpck_require__\.u\(chunkId\)\)$/

const ABSOLUTE = /^(?:file:\/\/)?(?:\/(?:Users|home|root|tmp|private|var|opt|mnt|srv|work|build|github)\/|[A-Za-z]:\\)./
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}|^\w{3},? \d{1,2} \w{3} \d{4} \d{2}:|^\w{3} \w{3} \d{1,2} \d{4} \d{2}:/

/** What is in a bundle. */
export interface Contents {
  findings: Finding[]
  /** Names of the Node.js modules it loads, and which of the files in it refer to each by a name of their own. */
  builtins: Map<string, Set<string>>
}

/** Looks at the code itself, so that comments and texts that only mention something are not found. */
export function contentsOf(source: string): Contents {
  const findings: Finding[] = []
  const builtins = new Map<string, Set<string>>()
  const names = new Map<string, string>()
  const references: { name: string; at: number }[] = []
  const note = (builtin: string, file?: string): void => {
    const files = builtins.get(builtin) ?? new Set()
    builtins.set(builtin, file === undefined ? files : files.add(file))
  }
  walk(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }), (node) => {
    const kind = kindOf(node, source)
    if (kind !== undefined)
      findings.push({ kind, code: source.slice(node.start, Math.min(node.end, node.start + 120)) })
    const required = requiredBy(node)
    if (required !== undefined) note(required)
    const given = node.type === 'AssignmentExpression' ? requiredBy(node.right) : undefined
    // For everybody in the bundle, without a name: who uses it cannot be told.
    if (given !== undefined) note(given, 'anybody')
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init) {
      const name = requiredBy(node.init)
      if (name !== undefined) names.set(node.id.name, name)
    }
    if (node.type === 'MemberExpression' && node.object.type === 'Identifier') {
      references.push({ name: node.object.name, at: node.start })
    }
  })
  for (const { name, at } of references) {
    const builtin = names.get(name)
    if (builtin !== undefined) note(builtin, fileAt(source, at))
  }
  return { findings, builtins }
}

function kindOf(node: AnyNode, source: string): Finding['kind'] | undefined {
  if (node.type === 'Literal') return kindOfText(node)
  if (node.type === 'NewExpression' || node.type === 'CallExpression') return kindOfCall(node)
  if (node.type !== 'ImportExpression' || node.source.type === 'Literal') return undefined
  return CHUNK_LOADER.test(source.slice(node.start, node.end)) ? undefined : 'computed module'
}

function kindOfCall(node: AnyNode & { type: 'NewExpression' | 'CallExpression' }): Finding['kind'] | undefined {
  const { callee, arguments: given } = node
  const name =
    callee.type === 'Identifier' ? callee.name : callee.type === 'MemberExpression' ? nameOf(callee) : undefined
  const first = given[0]
  if (name === 'eval' || name === 'runInThisContext' || name === 'runInNewContext') return 'code from text'
  if (name === 'Function' && callee.type === 'Identifier') return 'code from text'
  if ((name === 'setTimeout' || name === 'setInterval') && first?.type === 'Literal') return 'code from text'
  if (name === 'dlopen' || name === 'binding') return 'native code'
  if (name === 'require' || name === '__nccwpck_require__' || isCreatedRequire(callee)) {
    return first?.type === 'Literal' ? undefined : 'computed module'
  }
  return undefined
}

function nameOf(callee: AnyNode & { type: 'MemberExpression' }): string | undefined {
  const { object, property } = callee
  const holder = object.type === 'Identifier' ? object.name : ''
  const global = ['globalThis', 'global', 'window', 'process', 'vm'].includes(holder)
  return global && property.type === 'Identifier' ? property.name : undefined
}

function kindOfText({ value }: Literal): Finding['kind'] | undefined {
  if (typeof value !== 'string') return undefined
  if (ABSOLUTE.test(value)) return 'absolute path'
  return TIME.test(value) ? 'time' : undefined
}

/** `createRequire(import.meta.url)(…)`, which is how an ES module of ncc loads what Node.js brings. */
function isCreatedRequire(callee: AnyNode): boolean {
  return (
    callee.type === 'CallExpression' &&
    callee.callee.type === 'Identifier' &&
    callee.callee.name.endsWith('createRequire')
  )
}

function requiredBy(node: AnyNode): string | undefined {
  if (node.type !== 'CallExpression' || !isCreatedRequire(node.callee)) return undefined
  const [first] = node.arguments
  return first?.type === 'Literal' && typeof first.value === 'string' ? first.value.replace(/^node:/, '') : undefined
}

/** The file a piece of a bundle comes from, as ncc says above it. */
function fileAt(source: string, position: number): string {
  const before = source.slice(0, position)
  const start = before.lastIndexOf(';// CONCATENATED MODULE: ')
  return start < 0 ? '?' : before.slice(start + 25, before.indexOf('\n', start))
}

function walk(node: AnyNode, visit: (node: AnyNode) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    if (isNode(value)) walk(value, visit)
    else if (Array.isArray(value)) for (const child of value) if (isNode(child)) walk(child, visit)
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}
