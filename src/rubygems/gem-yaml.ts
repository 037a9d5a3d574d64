import { Composer, CST, isAlias, isMap, isNode, isScalar, isSeq, Lexer, Parser, Scalar } from 'yaml'
import type { Node } from 'yaml'

import { InvalidGem, quoted } from './gem-tar.ts'

/**
 * Far beyond any gem: a file takes one line of five tokens. What bounds the parser's memory and time, since 10 MiB of
 * the shortest lines and tokens would take gigabytes.
 */
const MAX_LINES = 100_000
const MAX_TOKENS = 5 * MAX_LINES
const MAX_DEPTH = 50

/** A YAML node with every scalar as text and every tag as written: nothing is converted or instantiated. */
export type YamlNode = YamlScalar | YamlMap | YamlSeq

export interface YamlScalar {
  kind: 'scalar'
  tag: string | undefined
  text: string
  /** Neither quoted nor a block: Psych may read it as a number, a date, a symbol, nil, true or false. */
  plain: boolean
}
export interface YamlMap {
  kind: 'map'
  tag: string | undefined
  entries: ReadonlyMap<string, YamlNode>
}
export interface YamlSeq {
  kind: 'seq'
  tag: string | undefined
  items: readonly YamlNode[]
}

/**
 * Reads one YAML document so that Psych, which Ruby and the registry use, cannot see another one: no anchors,
 * aliases, directives, merge keys, duplicate or typed keys, and line breaks as libyaml (YAML 1.1) counts them.
 * Throws InvalidGem.
 */
export function parseYaml(name: string, bytes: Buffer): YamlNode {
  const text = decode(name, bytes)
  // An error object per tag and mistake is what the parser costs most; without stacks a hostile file stays cheap.
  const traces = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return new Converter(name, text).convert(contents(name, text.replace(/[\u2028\u2029]/g, '\n')), 0)
  } catch (error) {
    if (error instanceof InvalidGem) throw error
    throw new InvalidGem(`its ${name} is nested too deeply or is no YAML`)
  } finally {
    Error.stackTraceLimit = traces
  }
}

/** UTF-8 of the characters libyaml allows (src/reader.c), no byte order marks, and LF for each break it turns into LF. */
function decode(name: string, bytes: Buffer): string {
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new InvalidGem(`its ${name} is not UTF-8`)
  }
  // oxlint-disable-next-line no-control-regex -- these are the characters to find
  if (/[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw new InvalidGem(`its ${name} has control characters`)
  if (text.split(/\r\n?|[\n\u0085\u2028\u2029]/, MAX_LINES + 1).length > MAX_LINES)
    throw new InvalidGem(`its ${name} has more than ${String(MAX_LINES)} lines`)
  return text.replace(/\r\n?|\u0085/g, '\n')
}

function contents(name: string, text: string): Node {
  const composer = new Composer({ schema: 'failsafe', stringKeys: true, uniqueKeys: false })
  // Keys are checked for being unique in the converter: the parser's own check takes the square of their number.
  const documents = composer.compose(tokens(name, text), false, text.length)
  const document = documents.next().value
  if (!document || !documents.next().done) throw new InvalidGem(`its ${name} is not one YAML document`)
  const [mistake] = document.errors
  if (mistake) throw new InvalidGem(`its ${name} is not valid YAML (${mistake.code})`)
  if (!isNode(document.contents)) throw new InvalidGem(`its ${name} is empty`)
  return document.contents
}

function* tokens(name: string, text: string): Generator<CST.Token> {
  const parser = new Parser()
  let count = 0
  let open = 0
  let isText = false
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > MAX_TOKENS) throw new InvalidGem(`its ${name} has more than ${String(MAX_TOKENS)} YAML tokens`)
    // Half a million brackets would keep the parser busy for seconds before the converter sees how deep they are.
    if (!isText && (lexeme === '[' || lexeme === '{')) open += 1
    if (!isText && (lexeme === ']' || lexeme === '}')) open -= 1
    if (open > MAX_DEPTH) throw new InvalidGem(`its ${name} is nested too deeply`)
    if (!isText && CST.tokenType(lexeme) === 'directive-line') throw new InvalidGem(`its ${name} has a YAML directive`)
    isText = lexeme === CST.SCALAR
    yield* parser.next(lexeme)
  }
  yield* parser.end()
}

/** Tags with which Psych makes objects of other classes than those of a Hash, an Array or a String. */
const OBJECT_TAG = /^!ruby\/|^![a-z]+:|ruby\.yaml\.org/
/** What RubyGems allows of them (lib/rubygems/safe_yaml.rb); with any other the gem cannot be installed. */
const GEM_CLASS = /^!ruby\/object:Gem::(?:Specification|Version|Version::Requirement|Requirement|Dependency|Platform)$/

class Converter {
  readonly #name: string
  readonly #text: string

  constructor(name: string, text: string) {
    this.#name = name
    this.#text = text
  }

  convert(node: unknown, depth: number): YamlNode {
    if (depth > MAX_DEPTH) throw new InvalidGem(`its ${this.#name} is nested too deeply`)
    if (isAlias(node) || (isNode(node) && 'anchor' in node && node.anchor !== undefined))
      throw new InvalidGem(`its ${this.#name} has YAML anchors or aliases, which the registry refuses`)
    if (isNode(node) && node.tag && OBJECT_TAG.test(node.tag) && !GEM_CLASS.test(node.tag))
      throw new InvalidGem(`its ${this.#name} has the YAML tag ${quoted(node.tag)}, which Ruby refuses`)
    if (isScalar(node)) return this.#scalar(node)
    if (isSeq(node)) {
      return { kind: 'seq', tag: node.tag, items: node.items.map((item) => this.convert(item, depth + 1)) }
    }
    if (!isMap(node)) return { kind: 'scalar', tag: undefined, text: '', plain: true }
    const entries = new Map<string, YamlNode>()
    for (const { key, value } of node.items) {
      const name = this.#key(this.convert(key, depth + 1))
      if (entries.has(name)) throw new InvalidGem(`its ${this.#name} has the YAML key ${quoted(name)} twice`)
      entries.set(name, this.convert(value, depth + 1))
    }
    return { kind: 'map', tag: node.tag, entries }
  }

  #scalar(node: Scalar): YamlScalar {
    const text = typeof node.value === 'string' ? node.value : ''
    const [start, end] = node.range ?? [0, 0]
    // libyaml keeps these two breaks where it folds others. A text that has them is not read the same by both, so it
    // must not be used: its tag becomes one that no field allows.
    const unlike = /[\u2028\u2029]/.test(this.#text.slice(start, end))
    return { kind: 'scalar', tag: unlike ? '!unlike' : node.tag, text, plain: node.type === Scalar.PLAIN }
  }

  #key(key: YamlNode): string {
    const text = asText(key)
    if (text === undefined || text === '<<') throw new InvalidGem(`its ${this.#name} has a YAML key that is no text`)
    return text
  }
}

/** What Psych reads an unquoted scalar as, when it is not text (psych lib/psych/scalar_scanner.rb, versions 3 to 5). */
const NOT_TEXT = [
  /^(?:~|null|yes|true|on|no|false|off)?$/i,
  /^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$/,
  /^\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)$/,
  /^(?:[-+]?\.inf|\.nan)$/i,
  /^:./,
  /^[-+]?\d[\d_]*(?::[0-5]?\d){1,2}(?:\.[\d_]*)?$/,
  /^[-+]?(?:\d[\d_,]*)?\.\d*(?:[eE][-+]?\d+)?$/,
  /^[-+]?(?:0b[01_,]+|0[0-7_,]+|0|[1-9][\d_,]*|0x[\da-fA-F_,]+)$/,
]
const TEXT_TAGS = new Set(['tag:yaml.org,2002:str', '!str'])

/** The text of a scalar that Psych reads as a String, else undefined. */
export function asText(node: YamlNode | undefined): string | undefined {
  if (node?.kind !== 'scalar') return undefined
  if (node.tag !== undefined && TEXT_TAGS.has(node.tag)) return node.text
  // "!" is what old versions of Psych put before quoted text; newer ones then read it as if it were unquoted.
  if (node.tag !== undefined && node.tag !== '!') return undefined
  const guessed = node.plain || node.tag === '!'
  return guessed && NOT_TEXT.some((pattern) => pattern.test(node.text)) ? undefined : node.text
}

/** Whether a key is absent or nil. */
export function isNothing(node: YamlNode | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.plain && !node.tag && /^(?:~|null)?$/i.test(node.text))
}
