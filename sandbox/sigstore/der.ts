/** As much of DER as X.509 certificates need (ITU-T X.690), written and read. */

const BASE = 128

function lengthOf(size: number): Buffer {
  if (size < BASE) return Buffer.from([size])
  const bytes: number[] = []
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([BASE + bytes.length, ...bytes])
}

export function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

export const sequence = (...contents: Uint8Array[]): Buffer => der(0x30, ...contents)
export const set = (...contents: Uint8Array[]): Buffer => der(0x31, ...contents)
export const octets = (content: Uint8Array): Buffer => der(0x04, content)
export const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content)
export const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0]))
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text))
export const printable = (text: string): Buffer => der(0x13, Buffer.from(text, 'latin1'))
/** `[number]` around whole elements. */
export const explicit = (number: number, ...contents: Uint8Array[]): Buffer => der(0xa0 + number, ...contents)
/** `[number]` in place of a primitive's own tag. */
export const implicit = (number: number, content: Uint8Array): Buffer => der(0x80 + number, content)

/** A whole number that is not negative, from its bytes. */
export function integer(bytes: Uint8Array | number): Buffer {
  const raw = typeof bytes === 'number' ? Buffer.from([bytes]) : Buffer.from(bytes)
  return der(0x02, (raw[0] ?? 0) >= BASE ? Buffer.concat([Buffer.from([0]), raw]) : raw)
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const part of rest) {
    const groups = [part % BASE]
    for (let left = Math.floor(part / BASE); left > 0; left = Math.floor(left / BASE))
      groups.unshift((left % BASE) + BASE)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

/** UTCTime, which X.509 wants for years before 2050. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[^0-9]/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}

export interface DerElement {
  tag: number
  content: Buffer
  /** With tag and length. */
  whole: Buffer
}

/** The elements that follow each other in `bytes`. */
export function elements(bytes: Buffer): DerElement[] {
  const found: DerElement[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0
    const extra = first < BASE ? 0 : first - BASE
    const size = extra === 0 ? first : bytes.readUIntBE(at + 2, extra)
    const start = at + 2 + extra
    if (start + size > bytes.length) throw new RangeError('an element is longer than what holds it')
    found.push({ tag, content: bytes.subarray(start, start + size), whole: bytes.subarray(at, start + size) })
    at = start + size
  }
  return found
}
