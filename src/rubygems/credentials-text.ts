import { ReleaseError } from '../errors.ts'

/**
 * The text of a gem credentials file. Two parsers read it: Psych up to RubyGems 3.4, and from then on a line parser of
 * RubyGems' own (`rubygems/yaml_serializer.rb`). What is accepted and written here is what both read alike.
 */

const RUBYGEMS_ORG = 'https://rubygems.org'
const RUBYGEMS_ORG_KEY = ':rubygems_api_key'

// Only the escapes whose meaning is the character itself: the line parser does not know escapes at all.
const QUOTED = String.raw`"(?:[^"\\]|\\["\\/])*"|'(?:[^']|'')*'`
const PLAIN = String.raw`(?:[^\s\-?:,[\]{}#&*!|>'"%@\x60]|[\-?:](?=\S))(?:[^\s:#]|:(?=\S)|(?<=\S)#| +(?=[^\s#:]))*`
const ENTRY = new RegExp(`^(?<key>${QUOTED}|${PLAIN}) *:(?: +(?<value>${QUOTED}|${PLAIN}))?(?: +(?:#.*)?)?$`)
const BLANK_OR_COMMENT = /^ *(?:#.*)?$/
const DOCUMENT_START = /^---(?: +#.*| *)$/
const DOCUMENT_MARK = /^(?:---|\.\.\.)(?:\s|$)/
// Line breaks and marks that YAML 1.1 sees and the line parser does not, and what libyaml calls unprintable.
const UNPRINTABLE =
  /[^\t\n\r\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]|\r(?!\n)/u

interface Line {
  /** Without its line ending. */
  text: string
  ending: string
  entry?: { key: string; value: string }
}

/**
 * The key under which `gem push` looks up the credential for a server: the string it was given as host, so scheme,
 * host, port (only when not the default one) and path, without a trailing slash (`Gem::GemcutterUtilities#api_key`).
 *
 * Throws `credentials-file` for a name with `__` in it: newer RubyGems read that as `.`, miss the entry, and fall back
 * to the RubyGems.org key, which would then be sent to that server.
 */
export function credentialsKey(server: URL): string {
  const host = `${server.origin}${server.pathname.replace(/\/+$/, '')}`
  if (host === RUBYGEMS_ORG) return RUBYGEMS_ORG_KEY
  if (host.includes('__') || !/^https?:/.test(host)) {
    throw new ReleaseError({
      code: 'credentials-file',
      what: `A key for ${host} cannot be kept in a gem credentials file.`,
      why: 'RubyGems looks keys up by http(s) address, and reads two underscores in one as a dot.',
      fix: 'Use `strategy: direct`, which needs no credentials file, or another address of the same server.',
    })
  }
  return host
}

/**
 * The text with the secret under that key; every line that holds another key, a comment or nothing stays as it is,
 * byte for byte. Lines that some RubyGems reads as the same key (trailing slash, `__` for `.`, quotes; and
 * `https://rubygems.org`, which `gem push` prefers to `:rubygems_api_key`) get the new value in their place.
 *
 * Throws `credentials-file`, calling the file `name`, for text that is not a flat mapping both parsers read alike, and
 * for a secret that they would read as something else. No error quotes the text or the secret.
 */
export function mergeCredentials(text: string, key: string, secret: string, name = 'The gem credentials file'): string {
  const lines = parse(text, name)
  const value = scalar(secret, name)
  const merged = lines.map((line) =>
    line.entry && sameKey(line.entry.key, key) ? `${line.entry.key}: ${value}${line.ending}` : line.text + line.ending,
  )
  if (lines.some((line) => line.entry?.key === key)) return merged.join('')
  if (text === '') return `---\n${key}: ${value}\n`
  const ending = lines[0]?.ending === '\r\n' ? '\r\n' : '\n'
  return `${merged.join('')}${text.endsWith('\n') ? '' : ending}${key}: ${value}${ending}`
}

/**
 * The value `gem push` would use for that key's server, as text; undefined when there is none or it is empty. Never
 * the fallback from another server's key to RubyGems.org's own, which `gem push` does and which gives that key away.
 * Throws `credentials-file` like `mergeCredentials`.
 */
export function findCredential(text: string, key: string, name = 'The gem credentials file'): string | undefined {
  const entries = parse(text, name).flatMap((line) => (line.entry ? [line.entry] : []))
  const host = key === RUBYGEMS_ORG_KEY ? RUBYGEMS_ORG : key
  const found =
    entries.findLast((entry) => entry.key === host) ??
    entries.findLast((entry) => entry.key === key) ??
    entries.findLast((entry) => lineParserKey(entry.key) === host)
  return found === undefined || found.value === '' ? undefined : found.value
}

function parse(text: string, name: string): Line[] {
  if (UNPRINTABLE.test(text)) throw unkeepable(name, 'It holds control characters or an unusual line break.')
  let started = false
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((raw, index) => {
    const line = parseLine(raw)
    const mark = DOCUMENT_MARK.test(line.text)
    if (mark ? started || !DOCUMENT_START.test(line.text) : !line.entry && !BLANK_OR_COMMENT.test(line.text)) {
      throw unkeepable(name, `Line ${index + 1} is not one \`key: value\`.`)
    }
    if (line.entry || mark) started = true
    return line
  })
}

function parseLine(raw: string): Line {
  const ending = /\r?\n$/.exec(raw)?.[0] ?? ''
  const text = raw.slice(0, raw.length - ending.length)
  if (BLANK_OR_COMMENT.test(text) || DOCUMENT_MARK.test(text)) return { text, ending }
  const { key, value = '' } = ENTRY.exec(text)?.groups ?? {}
  // The line parser takes the last colon, and then discards the whole file.
  if (key === undefined || /: /.test(`${key}\n${value}`)) return { text, ending }
  return { text, ending, entry: { key: keyOf(key), value: unquote(value) } }
}

/** `:"name"` is a symbol to Psych like `:name`; a quoted `":name"` is text to it, and stays different. */
function keyOf(raw: string): string {
  const symbol = /^:(?<name>["'].*["'])$/.exec(raw)?.groups?.['name']
  if (symbol !== undefined) return `:${symbol.slice(1, -1)}`
  return /^["']:/.test(raw) ? raw : unquote(raw)
}

function unquote(raw: string): string {
  if (raw.startsWith('"')) return raw.slice(1, -1).replaceAll(/\\(.)/g, '$1')
  if (raw.startsWith("'")) return raw.slice(1, -1).replaceAll("''", "'")
  return raw
}

/** A key as RubyGems' line parser turns it round (`Gem::ConfigFile.deep_transform_config_keys!`). */
function lineParserKey(key: string): string {
  return key.startsWith(':') ? key : key.replaceAll('__', '.').replace(/\/$/, '')
}

function sameKey(entry: string, key: string): boolean {
  const plain = lineParserKey(entry)
  return entry === key || plain === key || (key === RUBYGEMS_ORG_KEY && plain === RUBYGEMS_ORG)
}

/**
 * The secret as a YAML scalar. The line parser makes a number of digits and a boolean of anything that starts with
 * `true` or ends with `false`, quoted or not (`/\Atrue|false\Z/`); Psych does so with more words, but not in quotes.
 */
function scalar(secret: string, name: string): string {
  const written = /^[\w.~+/=-]+(?: [\w.~+/=-]+)*$/.test(secret)
  if (!written || /^[+-]?\d+$|^true|false$/.test(secret)) {
    throw new ReleaseError({
      code: 'credentials-file',
      what: `${name} cannot hold this API key.`,
      why: 'RubyGems would read it as a number, as true or false, or not at all.',
      fix: 'Use `strategy: direct`, which needs no credentials file, or ask the gem server for another key.',
    })
  }
  // Unquoted where that is certain to be text: six characters are more than any word with a meaning in YAML has.
  return /^[A-Za-z][^ ]{5,}$/.test(secret) ? secret : `"${secret}"`
}

function unkeepable(name: string, rule: string): ReleaseError {
  return new ReleaseError({
    code: 'credentials-file',
    what: `${name} is not a list of keys that can be kept.`,
    why: `${rule} RubyGems itself does not read other forms in every version.`,
    fix: 'Write one `https://gem-server.example: key` per line, each key once, or move the file away.',
  })
}
