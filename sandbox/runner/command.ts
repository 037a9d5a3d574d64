/** A workflow command as one line of output carries it. */
export interface ActionCommand {
  /** Name as written; the runner compares names without regard to case. */
  name: string
  /** Property names in lower case: the runner looks them up without regard to case. */
  properties: Map<string, string>
  data: string
  /** `v2` is `::name key=value::data`, `v1` the older `##[name key=value]data`. */
  syntax: 'v1' | 'v2'
}

/** Every command the runner acts on (`ActionCommandManager.cs`); all other names are plain text. */
export const WORKFLOW_COMMANDS: readonly string[] = [
  'stop-commands',
  'set-env',
  'set-output',
  'save-state',
  'add-mask',
  'add-path',
  'add-matcher',
  'remove-matcher',
  'debug',
  'warning',
  'error',
  'notice',
  'group',
  'endgroup',
  'echo',
]

const V1_ESCAPES: readonly (readonly [string, string])[] = [
  ['%3B', ';'],
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%5D', ']'],
  ['%25', '%'],
]
const DATA_ESCAPES: readonly (readonly [string, string])[] = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%25', '%'],
]
const PROPERTY_ESCAPES: readonly (readonly [string, string])[] = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%3A', ':'],
  ['%2C', ','],
  ['%25', '%'],
]

// .NET trims U+0085 and keeps U+FEFF; JavaScript's trim does the opposite.
const SPACE = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const LEADING_SPACE = new RegExp(`^${SPACE}+`)
const TRAILING_SPACE = new RegExp(`${SPACE}+$`)

/** Trims what .NET's `String.Trim` trims. */
export function trimAsDotnet(text: string): string {
  return text.replace(LEADING_SPACE, '').replace(TRAILING_SPACE, '')
}

/**
 * Reads one line of a step's stdout or stderr as the runner does: `::` syntax at the start of the line after white
 * space, otherwise `##[` syntax anywhere in it (actions/runner `src/Runner.Common/ActionCommand.cs`).
 *
 * @param known names of commands in lower case; the token that ends `stop-commands` counts as one.
 */
export function parseCommand(
  line: string,
  known: ReadonlySet<string> = new Set(WORKFLOW_COMMANDS),
): ActionCommand | undefined {
  return parseV2(line, known) ?? parseV1(line, known)
}

function parseV2(line: string, known: ReadonlySet<string>): ActionCommand | undefined {
  const message = line.replace(LEADING_SPACE, '')
  if (!message.startsWith('::')) return undefined
  const end = message.indexOf('::', 2)
  if (end < 0) return undefined
  const { name, rest } = splitName(message.slice(2, end))
  if (!known.has(name.toLowerCase())) return undefined
  return {
    name,
    properties: parseProperties(trimAsDotnet(rest), ',', PROPERTY_ESCAPES),
    data: unescape(message.slice(end + 2), DATA_ESCAPES),
    syntax: 'v2',
  }
}

function parseV1(line: string, known: ReadonlySet<string>): ActionCommand | undefined {
  const start = line.indexOf('##[')
  if (start < 0) return undefined
  const end = line.indexOf(']', start)
  if (end < 0) return undefined
  const { name, rest } = splitName(line.slice(start + 3, end))
  if (!known.has(name.toLowerCase())) return undefined
  return {
    name,
    properties: parseProperties(rest, ';', V1_ESCAPES),
    data: unescape(line.slice(end + 1), V1_ESCAPES),
    syntax: 'v1',
  }
}

function splitName(info: string): { name: string; rest: string } {
  const space = info.indexOf(' ')
  return space < 0 ? { name: info, rest: '' } : { name: info.slice(0, space), rest: info.slice(space + 1) }
}

function parseProperties(
  text: string,
  separator: string,
  escapes: readonly (readonly [string, string])[],
): Map<string, string> {
  const properties = new Map<string, string>()
  for (const part of text.split(separator)) {
    // Empty entries are dropped before counting, so leading and doubled `=` vanish.
    const pair = /^=*([^=]+)=+([^=].*)$/s.exec(part)
    const [, key, value] = pair ?? []
    if (key !== undefined && value !== undefined) properties.set(key.toLowerCase(), unescape(value, escapes))
  }
  return properties
}

function unescape(text: string, escapes: readonly (readonly [string, string])[]): string {
  return escapes.reduce((result, [escaped, plain]) => result.replaceAll(escaped, plain), text)
}
