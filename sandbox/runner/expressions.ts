/** What an expression can be or hold. */
export type Value = string | number | boolean | null | { [key: string]: Value }

/** Names an expression may use, such as `github` and `runner`, and functions such as `always`. */
export interface Scope {
  contexts: Record<string, Value>
  functions?: Record<string, () => boolean>
}

type Token = { kind: 'operator' | 'name'; text: string } | { kind: 'literal'; value: string | number }

const TOKEN =
  /\s*(?:(?<operator>\|\||&&|==|!=|[!().])|'(?<text>(?:[^']|'')*)'|(?<number>-?\d+(?:\.\d+)?)|(?<name>[A-Za-z_][\w-]*))\s*/y

/**
 * Replaces every `${{ … }}` in a text. A small part of GitHub's language: property access, `||`, `&&`, `!`, `==`,
 * `!=`, parentheses, literals and the status functions; anything else is an error rather than a wrong answer.
 */
export function interpolate(text: string, scope: Scope): string {
  return text.replace(/\$\{\{((?:[^'}]|'[^']*'|\}(?!\}))*)\}\}/g, (_, expression: string) =>
    asText(evaluate(expression, scope)),
  )
}

/** Evaluates the inside of `${{ … }}`, or an `if:` condition. */
export function evaluate(expression: string, scope: Scope): Value {
  return new Evaluation(tokenize(expression), scope, expression).run()
}

export function isTruthy(value: Value): boolean {
  return value !== null && value !== '' && value !== false && value !== 0
}

function asText(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? 'Object' : String(value)
}

function tokenize(expression: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex
    const groups = TOKEN.exec(expression)?.groups
    if (!groups) throw new Error(`Unexpected symbol in expression '${expression}' at ${String(at + 1)}`)
    const { operator, text, number, name } = groups
    if (operator !== undefined) tokens.push({ kind: 'operator', text: operator })
    else if (text !== undefined) tokens.push({ kind: 'literal', value: text.replaceAll("''", "'") })
    else if (number !== undefined) tokens.push({ kind: 'literal', value: Number(number) })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name })
  }
  return tokens
}

/** Recursive descent; both sides of `||` and `&&` are evaluated, which is harmless as nothing has side effects. */
class Evaluation {
  private readonly tokens: Token[]
  private readonly scope: Scope
  private readonly source: string
  private index = 0

  constructor(tokens: Token[], scope: Scope, source: string) {
    this.tokens = tokens
    this.scope = scope
    this.source = source
  }

  run(): Value {
    const value = this.or()
    if (this.index < this.tokens.length) throw this.error()
    return value
  }

  private or(): Value {
    let left = this.and()
    while (this.take('||')) {
      const right = this.and()
      left = isTruthy(left) ? left : right
    }
    return left
  }

  private and(): Value {
    let left = this.equality()
    while (this.take('&&')) {
      const right = this.equality()
      left = isTruthy(left) ? right : left
    }
    return left
  }

  private equality(): Value {
    const left = this.unary()
    if (this.take('==')) return isEqual(left, this.unary())
    if (this.take('!=')) return !isEqual(left, this.unary())
    return left
  }

  private unary(): Value {
    return this.take('!') ? !isTruthy(this.unary()) : this.primary()
  }

  private primary(): Value {
    if (this.take('(')) {
      const value = this.or()
      if (!this.take(')')) throw this.error()
      return value
    }
    const token = this.tokens[this.index]
    this.index += 1
    if (token?.kind === 'literal') return token.value
    if (token?.kind !== 'name') throw this.error()
    if (this.take('(')) {
      const call = this.scope.functions?.[token.text]
      if (!call || !this.take(')')) throw this.error()
      return call()
    }
    return this.property(token.text)
  }

  private property(name: string): Value {
    if (name === 'true' || name === 'false') return name === 'true'
    if (name === 'null') return null
    if (!(name in this.scope.contexts)) throw new Error(`Unrecognized named-value: '${name}' in '${this.source}'`)
    let value = member(this.scope.contexts, name)
    while (this.take('.')) {
      const key = this.tokens[this.index]
      if (key?.kind !== 'name') throw this.error()
      this.index += 1
      value = member(value, key.text)
    }
    return value
  }

  private take(operator: string): boolean {
    const token = this.tokens[this.index]
    if (token?.kind !== 'operator' || token.text !== operator) return false
    this.index += 1
    return true
  }

  private error(): Error {
    return new Error(`Unexpected symbol in expression '${this.source}'`)
  }
}

/** A missing property is null; names are compared without regard to case. */
function member(value: Value, name: string): Value {
  if (value === null || typeof value !== 'object') return null
  const key = Object.keys(value).find((candidate) => candidate.toLowerCase() === name.toLowerCase())
  return key === undefined ? null : (value[key] ?? null)
}

/** Texts are equal regardless of case. Different types are compared as numbers, of which only equal kinds occur here. */
function isEqual(left: Value, right: Value): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left.toLowerCase() === right.toLowerCase()
  return left === right
}
