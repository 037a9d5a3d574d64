/** A part of a secret as long as this could be told from chance. */
const TELLING = 8
/** Longer text is no error message of a server, and is not looked through letter by letter. */
const LONGEST = 256 * 1024
/** What every key or token of a kind begins with is in ordinary texts as well. */
const KNOWN = /^(rubygems_|gh[a-z]_|github_pat_|eyJ)/

/** Text of a server without what it repeats of a secret it was sent, be it only a part of it. */
export function withoutEcho(text: string, secret: string): string {
  const plain = text.replaceAll(secret, '***')
  const rest = secret.replace(KNOWN, '')
  if (rest.length < TELLING || plain.length > LONGEST) return plain
  const parts = new Set(Array.from({ length: rest.length - TELLING + 1 }, (_, at) => rest.slice(at, at + TELLING)))
  let safe = ''
  let end = 0
  for (let at = 0; at + TELLING <= plain.length; at++) {
    if (!parts.has(plain.slice(at, at + TELLING))) continue
    if (at >= end) safe += `${plain.slice(end, at)}***`
    end = at + TELLING
  }
  return safe + plain.slice(end)
}
