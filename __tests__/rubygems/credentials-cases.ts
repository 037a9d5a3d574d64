import * as fc from 'fast-check'

/** One generated credentials file, and what is known about it because of how it was made. */
export interface Case {
  server: string
  key: string
  secret: string
  text: string
  /** Each line without its ending; `own` when it holds the key of `server` in some spelling. */
  lines: { text: string; own: boolean }[]
}

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/)
const port = fc.option(fc.integer({ min: 1024, max: 65535 }), { nil: undefined })
const pathPart = fc.constantFrom('', '', '', '/private', '/a/b', "/it's", '/x,y')

export const address = fc
  .tuple(fc.constantFrom('https', 'http'), label, fc.constantFrom('example', 'example.com', 'test'), port, pathPart)
  .map(([scheme, host, domain, number, path]) => `${scheme}://${host}.${domain}${number ? `:${number}` : ''}${path}`)

const loopback = fc.constantFrom('http://127.0.0.1:9292', 'http://localhost:3000', 'http://[::1]:9292')

export const secret = fc.oneof(
  fc.stringMatching(/^rubygems_[0-9a-f]{48}$/),
  fc.stringMatching(/^[0-9][0-9a-f]{10}g[0-9a-f]{5}$/),
  fc.stringMatching(/^Bearer [A-Za-z0-9_]{20}x$/),
  fc.stringMatching(/^[+/=~.-][A-Za-z0-9+/]{12}x={0,2}$/),
  fc.constantFrom('yes', 'null', 'on', 'No', '1e5', '0x1F', '1_000', '2024-01-01', '1.5', '~', '.inf', '=', '12-3'),
)

const oldValue = fc.oneof(
  fc.stringMatching(/^[a-z_]{4}[0-9a-f]{8}$/),
  fc.stringMatching(/^"[a-z_]{4}[0-9a-f]{8}"$/),
  fc.stringMatching(/^'[a-z_]{4}[0-9a-f]{8}'$/),
  fc.stringMatching(/^[a-z_]{4} [0-9a-f]{8}  $/),
  fc.stringMatching(/^[a-z]{6} # [a-z ]{0,9}$/),
  fc.constantFrom('', '~', 'a:b', 'true', '12', '""', ':symbol', "'it''s'", '"back\\\\slash \\"x\\""'),
)

const otherKey = fc.oneof(
  address.map((host) => host.replace('://', '://other-')),
  address.map((host) => `"${host.replace('://', '://other-')}"`),
  label.map((name) => `:other_${name.replaceAll('-', '_')}`),
  fc.constantFrom(':rubygems', 'rubygems_api_key', '":rubygems_api_key"', ':github', "'a b'", 'with space', '-x', '?y'),
)

const comment = fc.oneof(
  fc.stringMatching(/^ {0,3}#[ a-zA-Z0-9.'"/*&{}-]{0,30}$/),
  fc.constantFrom('', '  ', '# key: value', '# grüße', '#', "# don't"),
)

const neutral = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(otherKey, oldValue).map(([key, value]) => `${key}: ${value}`) },
  { weight: 1, arbitrary: comment },
)

/** Spellings that Psych, RubyGems' line parser, or both take for the key. */
export function spellings(key: string): string[] {
  if (key === ':rubygems_api_key') {
    return [key, ':"rubygems_api_key"', ":'rubygems_api_key'", 'https://rubygems.org', '"https://rubygems.org/"']
  }
  const quoted = key.includes("'") ? [] : [`'${key}/'`, `'${key}'`]
  return [key, `${key}/`, `"${key}"`, `${key} `, key.replaceAll('.', '__'), ...quoted]
}

export const generated: fc.Arbitrary<Case> = fc
  .record({
    server: fc.oneof(fc.constant('https://rubygems.org'), address, loopback),
    secret,
    others: fc.array(neutral, { maxLength: 6 }),
    own: fc.array(fc.record({ spelling: fc.nat(), value: oldValue, at: fc.nat() }), { maxLength: 3 }),
    start: fc.constantFrom('---', '--- ', '--- # mine', undefined),
    ending: fc.constantFrom('\n', '\n', '\r\n'),
    final: fc.boolean(),
  })
  .map(({ server, secret: value, others, own, start, ending, final }) => {
    const key = server === 'https://rubygems.org' ? ':rubygems_api_key' : server
    const lines = others.map((text) => ({ text, own: false }))
    for (const entry of own) {
      const spelling = spellings(key)[entry.spelling % spellings(key).length] ?? key
      lines.splice(entry.at % (lines.length + 1), 0, { text: `${spelling}: ${entry.value}`, own: true })
    }
    if (start !== undefined) lines.unshift({ text: start, own: false })
    const text = lines.map((line) => line.text).join(ending) + (final && lines.length > 0 ? ending : '')
    // Without its line ending, an empty last line is no line.
    if (!final && lines.at(-1)?.text === '') lines.pop()
    return { server, key, secret: value, text, lines }
  })
