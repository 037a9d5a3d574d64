import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../../src/errors.ts'
import { credentialsKey, findCredential, mergeCredentials } from '../../src/rubygems/credentials-text.ts'

const KEY = ':rubygems_api_key'
const NEW = 'rubygems_0123abcd'

function refusalOf(action: () => unknown): ReleaseError {
  try {
    action()
  } catch (error) {
    if (error instanceof ReleaseError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('credentialsKey', () => {
  it.each([
    ['https://rubygems.org', ':rubygems_api_key'],
    ['https://rubygems.org/', ':rubygems_api_key'],
    ['https://rubygems.org:443/', ':rubygems_api_key'],
    ['http://rubygems.org', 'http://rubygems.org'],
    ['https://rubygems.org:8443', 'https://rubygems.org:8443'],
    ['https://rubygems.org/private', 'https://rubygems.org/private'],
    ['https://rubygems.org.example.com', 'https://rubygems.org.example.com'],
    ['https://Gems.Example.com/', 'https://gems.example.com'],
    ['https://gems.example.com/a/b//', 'https://gems.example.com/a/b'],
    ['http://127.0.0.1:9292', 'http://127.0.0.1:9292'],
    ['http://[::1]:9292/', 'http://[::1]:9292'],
    ['https://user:pass@gems.example.com/?q#f', 'https://gems.example.com'],
  ])('%s is kept under %s', (server, key) => {
    expect(credentialsKey(new URL(server))).toBe(key)
  })

  it.each(['https://my__gems.example.com', 'https://gems.example.com/a__b', 'file:///gems', 'data:x'])(
    'refuses %s, which RubyGems would look up under another name',
    (server) => {
      expect(refusalOf(() => credentialsKey(new URL(server))).code).toBe('credentials-file')
    },
  )
})

describe('mergeCredentials', () => {
  it.each([
    ['nothing', '', `---\n${KEY}: ${NEW}\n`],
    ['a bare document start', '---\n', `---\n${KEY}: ${NEW}\n`],
    ['another host', '---\nhttps://a.example: x\n', `---\nhttps://a.example: x\n${KEY}: ${NEW}\n`],
    ['no final newline', 'https://a.example: x', `https://a.example: x\n${KEY}: ${NEW}\n`],
    ['CRLF', 'a: x\r\nb: y\r\n', `a: x\r\nb: y\r\n${KEY}: ${NEW}\r\n`],
    ['CRLF without a final one', 'a: x\r\nb: y', `a: x\r\nb: y\r\n${KEY}: ${NEW}\r\n`],
    ['mixed endings', 'a: x\n:rubygems_api_key: o\r\nb: y\n', `a: x\n${KEY}: ${NEW}\r\nb: y\n`],
    ['only comments', '# mine\n', `# mine\n${KEY}: ${NEW}\n`],
    ['the key', `a: x\n${KEY}: old\nb: y\n`, `a: x\n${KEY}: ${NEW}\nb: y\n`],
    ['the key without newline', `${KEY}: old`, `${KEY}: ${NEW}`],
    ['the key twice', `${KEY}: old\n${KEY}: older\n`, `${KEY}: ${NEW}\n${KEY}: ${NEW}\n`],
    ['the key without value', `${KEY}:\n`, `${KEY}: ${NEW}\n`],
    ['the key with a comment', `${KEY}: old # mine\n`, `${KEY}: ${NEW}\n`],
    ['a quoted symbol', `:"rubygems_api_key": old\n`, `${KEY}: ${NEW}\n`],
    ['text that only looks like the symbol', `":rubygems_api_key": x\n`, `":rubygems_api_key": x\n${KEY}: ${NEW}\n`],
    ['a string of that name', `rubygems_api_key: x\n`, `rubygems_api_key: x\n${KEY}: ${NEW}\n`],
    ['the host gem push prefers', 'https://rubygems.org: x\n', `https://rubygems.org: ${NEW}\n${KEY}: ${NEW}\n`],
    ['a comment that holds the key', `# ${KEY}: x\n`, `# ${KEY}: x\n${KEY}: ${NEW}\n`],
    ['a longer name', `${KEY}_2: x\n`, `${KEY}_2: x\n${KEY}: ${NEW}\n`],
  ])('%s', (_name, before, after) => {
    expect(mergeCredentials(before, KEY, NEW)).toBe(after)
  })

  it('keeps spellings of a host that one RubyGems reads as the same, with the new value, and unquotes', () => {
    const text = '"https://a.example": x\nhttps://a.example/: x\nhttps://a__example: x\nhttps://a.example/b: x\n'
    expect(mergeCredentials(text, 'https://a.example', NEW)).toBe(
      `https://a.example: ${NEW}\nhttps://a.example/: ${NEW}\nhttps://a__example: ${NEW}\nhttps://a.example/b: x\n`,
    )
  })

  it.each([
    ['digits first', '9f86d081884c7d65'],
    ['a word with a meaning', 'null'],
    ['two words', 'Bearer abc_def'],
    ['punctuation first', '-abcdefgh'],
  ])('quotes a secret with %s', (_name, secret) => {
    expect(mergeCredentials('', 'https://a.example', secret)).toBe(`---\nhttps://a.example: "${secret}"\n`)
  })

  it.each([
    '',
    ' x',
    'x ',
    'a\nb',
    'a: b',
    'a #b',
    'a"b',
    "a'b",
    'grün',
    '1234',
    '+12',
    'true_key',
    'is_false',
    'a\\b',
  ])('refuses the secret %j', (secret) => {
    const error = refusalOf(() => mergeCredentials('', KEY, secret))
    expect(error.code).toBe('credentials-file')
  })

  it('does not repeat a secret it refuses', () => {
    const error = refusalOf(() => mergeCredentials('', KEY, 'SECRET #1'))
    expect(JSON.stringify(error.problems) + error.message).not.toContain('SECRET')
  })

  it.each([
    ['flow style', '{a: SECRET}'],
    ['empty flow style', '--- {}\n'],
    ['a sequence', '- SECRET\n'],
    ['a scalar', 'SECRET\n'],
    ['nesting', 'a:\n  b: SECRET\n'],
    ['indented keys', '  a: SECRET\n'],
    ['a block scalar', 'a: |\n  SECRET\n'],
    ['a continued value', 'a: x\n  SECRET\n'],
    ['a continued quoted value', 'a: "x\n  SECRET"\n'],
    ['an unclosed quote', 'a: "SECRET\n'],
    ['text after a quote', 'a: "x" SECRET\n'],
    ['an escape the line parser does not know', 'a: "SECRET\\n"\n'],
    ['a colon too many', 'a: b: SECRET\n'],
    ['a quoted colon, at which the line parser splits', 'a: "b: SECRET"\n'],
    ['a quoted colon in a key', '"a: b": SECRET\n'],
    ['an alias', 'a: *SECRET\n'],
    ['an anchor', 'a: &x SECRET\n'],
    ['a tag', 'a: !ruby/object SECRET\n'],
    ['an explicit key', '? a\n: SECRET\n'],
    ['a reserved character', 'a: @SECRET\n'],
    ['a tab', 'a:\tSECRET\n'],
    ['no space after the colon', 'a:SECRET\n'],
    ['two documents', 'a: SECRET\n---\nb: x\n'],
    ['two starts', '---\n---\na: SECRET\n'],
    ['content on the start line', '--- a: SECRET\n'],
    ['a document end', 'a: SECRET\n...\n'],
    ['a document end that could be a key', '... : SECRET\n'],
    ['a directive', '%YAML 1.1\n---\na: SECRET\n'],
    ['a lone carriage return', 'a: x\rb: SECRET\n'],
    ['a next-line character', 'a: x\u0085b: SECRET\n'],
    ['a line separator', 'a: x\u2028b: SECRET\n'],
    ['a byte order mark', '\ufeffa: SECRET\n'],
    ['a NUL', 'a: \0SECRET\n'],
    ['git conflict marks', '<<<<<<< SECRET\na: x\n'],
  ])('refuses %s, without quoting it', (_name, text) => {
    const errors = [
      refusalOf(() => mergeCredentials(text, KEY, NEW, 'The file X')),
      refusalOf(() => findCredential(text, KEY, 'The file X')),
    ]
    for (const error of errors) {
      expect(error.code).toBe('credentials-file')
      expect(error.message).toContain('The file X')
      expect(error.problems[0].why).toMatch(/^(?:Line \d+|It holds)/)
      expect(JSON.stringify(error.problems)).not.toContain('SECRET')
      expect(JSON.stringify(error.problems)).not.toContain(NEW)
    }
  })

  it('names the line', () => {
    expect(refusalOf(() => mergeCredentials('---\na: b\n\nc\n', KEY, NEW)).problems[0].why).toContain('Line 4 ')
  })
})

describe('findCredential', () => {
  it.each([
    ['nothing', '', KEY, undefined],
    ['the key', `${KEY}: x\n`, KEY, 'x'],
    ['quotes', `${KEY}: "x \\"y\\""\n`, KEY, 'x "y"'],
    ['single quotes', `${KEY}: 'it''s'\n`, KEY, "it's"],
    ['a comment', `${KEY}: x # y\n`, KEY, 'x'],
    ['spaces around', `${KEY}:   x  \r\n`, KEY, 'x'],
    ['no value', `${KEY}:\n`, KEY, undefined],
    ['an empty value', `${KEY}: ""\n`, KEY, undefined],
    ['the last of two', `${KEY}: x\n${KEY}: y\n`, KEY, 'y'],
    ['the host before the symbol', `${KEY}: x\nhttps://rubygems.org: y\n`, KEY, 'y'],
    ['a string instead of a symbol', 'rubygems_api_key: x\n', KEY, undefined],
    ['a comment', `#${KEY}: x\n`, KEY, undefined],
    ['another host', `${KEY}: x\n`, 'https://a.example', undefined],
    ['the exact host', 'https://a.example/: y\nhttps://a.example: x\n', 'https://a.example', 'x'],
    ['the exact host first', 'https://a.example: x\nhttps://a.example/: y\n', 'https://a.example', 'x'],
    ['a trailing slash', 'https://a.example/: y\n', 'https://a.example', 'y'],
    ['underscores for dots', 'https://a__example: y\n', 'https://a.example', 'y'],
    ['another port', 'https://a.example:444: y\n', 'https://a.example', undefined],
    ['another scheme', 'http://a.example: y\n', 'https://a.example', undefined],
  ])('%s', (_name, text, key, found) => {
    expect(findCredential(text, key)).toBe(found)
  })
})
