import { createHash } from 'node:crypto'

/** RFC 6962, 2.1: the tree of a transparency log, by its definition. */

const EMPTY = createHash('sha256').digest()

export function leafHash(body: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(body)
    .digest()
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest()
}

/** The largest power of two below `size`. */
function split(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

export function rootHash(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves
  if (!only) return EMPTY
  if (leaves.length === 1) return only
  const at = split(leaves.length)
  return nodeHash(rootHash(leaves.slice(0, at)), rootHash(leaves.slice(at)))
}

/** PATH(index, leaves): the neighbours on the way from a leaf to the root, the nearest first. */
export function inclusionPath(index: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length <= 1) return []
  const at = split(leaves.length)
  const [left, right] = [leaves.slice(0, at), leaves.slice(at)]
  return index < at
    ? [...inclusionPath(index, left), rootHash(right)]
    : [...inclusionPath(index - at, right), rootHash(left)]
}
