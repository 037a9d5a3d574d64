import type { Bundle } from '../../src/sigstore/attester.ts'

/** JSON that may be taken apart at will: objects, and lists by their numbers. */
type Loose = Record<string, unknown>

function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null
}

export interface Alteration {
  name: string
  alter: (bundle: Loose, other: Loose) => unknown
  /**
   * What our own look at the bundle says about it. Absent where only somebody with the keys of Sigstore's roots and logs
   * can see it: the registry.
   */
  seen?: RegExp
  /** What the registry answers. */
  status: 422 | 500
  text?: string
}

export function find(bundle: Loose, names: readonly string[]): unknown {
  let found: unknown = bundle
  for (const name of names) found = isLoose(found) ? found[name] : undefined
  return found
}

/** Sets what `path` leads to, and gives the whole bundle back. */
export function set(bundle: Loose, path: string, value: unknown): Loose {
  const names = path.split('.')
  const last = names.pop() ?? ''
  const holder = find(bundle, names)
  if (!isLoose(holder)) throw new Error(`there is no ${path}`)
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return bundle
}

export function get(bundle: Loose, path: string): string {
  const found = find(bundle, path.split('.'))
  if (typeof found !== 'string') throw new Error(`there is no ${path}`)
  return found
}

/** Another character of base64 in the middle: other bytes of the same length. */
export function flipped(base64: string): string {
  const at = Math.floor(base64.length / 2)
  return base64.slice(0, at) + (base64[at] === 'A' ? 'B' : 'A') + base64.slice(at + 1)
}

export const flip =
  (path: string) =>
  (bundle: Loose): unknown =>
    set(bundle, path, flipped(get(bundle, path)))

export const put =
  (path: string, value: unknown) =>
  (bundle: Loose): unknown =>
    set(bundle, path, value)

export const borrow =
  (path: string) =>
  (bundle: Loose, other: Loose): unknown =>
    set(bundle, path, get(other, path))

export function edit(path: string, change: (text: string) => string): Alteration['alter'] {
  return (bundle) => {
    const text = Buffer.from(get(bundle, path), 'base64').toString('utf8')
    return set(bundle, path, Buffer.from(change(text)).toString('base64'))
  }
}

export function altered(bundle: Bundle, other: Bundle, { alter }: Alteration): unknown {
  return alter(structuredClone({ ...bundle }), { ...other })
}
