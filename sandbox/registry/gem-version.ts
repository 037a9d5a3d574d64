/** Gem::Version as far as a registry needs it (RubyGems lib/rubygems/version.rb). */

const CORRECT = /^\d+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

export function isVersionNumber(number: string): boolean {
  return CORRECT.test(number)
}

/** A dash counts as `.pre.`. */
export function isPrerelease(number: string): boolean {
  return /[a-zA-Z-]/.test(number)
}

type Segment = number | string

function segments(text: string): Segment[] {
  return (text.match(/\d+|[a-z]+/gi) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part))
}

function canonicalSegments(number: string): Segment[] {
  const text = number.replaceAll('-', '.pre.').replace(/(?<=[a-zA-Z.])[.0]+$/, '')
  return segments(isPrerelease(number) ? text.replace(/(?<=\.|^)[0.]+(?=[a-zA-Z])/, '') : text)
}

/** `1.0` and `1.0.0` share it, which is why only one of them can exist. */
export function canonicalNumber(number: string): string {
  return canonicalSegments(number).join('.')
}

function compareSegments(one: Segment, other: Segment): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  if (typeof one === 'string' && typeof other === 'string') return one < other ? -1 : Number(one > other)
  return typeof one === 'string' ? -1 : 1
}

export function compareNumbers(one: string, other: string): number {
  const left = canonicalSegments(one)
  const right = canonicalSegments(other)
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareSegments(left[index] ?? 0, right[index] ?? 0)
    if (order !== 0) return order
  }
  return 0
}
