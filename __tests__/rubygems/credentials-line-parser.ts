/** RubyGems' own line parser (about 3.5 and later), from the rules it was observed to follow. */
export function lineParser(text: string): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const line of text.split(/\r?\n/)) {
    const code = line.trimStart()
    const colon = Math.max(
      ...[...code.matchAll(/:(?=\s|$)/g)].map((match) => match.index).filter((at) => !code.slice(0, at).includes('#')),
    )
    if (code.startsWith('#') || colon < 1 || !Number.isFinite(colon)) continue
    let value = code.slice(colon + 1).replace(/^ /, '')
    const quoted = /^(["']).*\1$/.test(value) && value.length > 1
    if (quoted) value = value.slice(1, -1)
    if (value.includes('#') && !value.startsWith('#')) value = value.slice(0, value.indexOf('#')).trim()
    found.set(lineParserKey(code.slice(0, colon)), convert(value))
  }
  // One key with a colon and a space in it, and the whole file is "not a valid YAML hash".
  return [...found.keys()].some((key) => key.replaceAll(/https?:\/\//g, '').includes(': ')) ? new Map() : found
}

export function lineParserKey(key: string): string {
  return key.startsWith(':') ? key : key.replaceAll('__', '.').replace(/\/$/, '')
}

function convert(value: string): unknown {
  if (value.startsWith(':')) return Symbol.for(value.slice(1))
  if (/^[+-]?\d+$/.test(value)) return Number(value)
  if (/^true|false$/.test(value)) return value === 'true'
  return value === '' ? null : value
}

/** As `gem push` looks a key up: the host, else RubyGems.org's. */
export function lineParserLookup(text: string, server: string): unknown {
  const keys = lineParser(text)
  return keys.has(server) ? keys.get(server) : keys.get(':rubygems_api_key')
}
