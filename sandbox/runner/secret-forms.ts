/** Ways a secret can hide in a file or a log. The runner masks only the first, some of the second and the fifth. */
export type Encoding = 'plain' | 'base64' | 'base64url' | 'hex' | 'uri' | 'json' | 'reversed' | 'uppercase'

export interface SecretForm {
  encoding: Encoding
  bytes: Buffer
}

const SHORTEST = 8

/** Every form to look for. A secret of fewer than eight bytes would be found everywhere, so it is refused. */
export function formsOf(name: string, secret: string): SecretForm[] {
  if (Buffer.byteLength(secret) < SHORTEST) throw new Error(`${name} is too short to be looked for`)
  const hex = Buffer.from(secret).toString('hex')
  const percent = hex.replace(/../g, '%$&')
  const uri = encodeURIComponent(secret.toWellFormed())
  const forms: [Encoding, string][] = [
    ['plain', secret],
    ...([0, 1, 2] as const).map((shift): [Encoding, string] => ['base64', base64Core(secret, shift)]),
    ...([0, 1, 2] as const).map((shift): [Encoding, string] => ['base64url', urlSafe(base64Core(secret, shift))]),
    ['hex', hex],
    ['hex', hex.toUpperCase()],
    ['uri', uri],
    ['uri', uri.replace(/%../g, (escape) => escape.toLowerCase())],
    ['uri', uri.replace(/[!'()*.~_-]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)],
    ['uri', percent],
    ['uri', percent.toUpperCase()],
    ['json', JSON.stringify(secret).slice(1, -1)],
    ['json', unicodeEscapes(secret)],
    ['reversed', secret.split('').toReversed().join('')],
    ['uppercase', secret.toUpperCase()],
  ]
  // Forms that look alike are reported under the first name only.
  const unique = new Map<string, SecretForm>()
  for (const [encoding, text] of forms) {
    if (!unique.has(text)) unique.set(text, { encoding, bytes: Buffer.from(text) })
  }
  return [...unique.values()]
}

/**
 * The base64 characters that depend on nothing but the secret when `shift` bytes of something else precede it. What
 * follows the secret, padding included, only changes the characters that are left out.
 */
function base64Core(secret: string, shift: 0 | 1 | 2): string {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
  const firstWhole = Math.ceil((shift * 8) / 6)
  const lastWhole = Math.floor((bytes.length * 8) / 6)
  return bytes.toString('base64').slice(firstWhole, lastWhole)
}

function urlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_')
}

function unicodeEscapes(text: string): string {
  return text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
