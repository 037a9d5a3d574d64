import { createHash } from 'node:crypto'
import { type JsonObject, objectAt, stringAt } from '../json.ts'

/**
 * What can be seen of a log entry's proof without the log's key: that it leads from the entry to the root, and that the
 * checkpoint is about this root (RFC 6962, 2.1.1; github.com/transparency-dev/formats, log/README.md). Whether the log
 * really signed it, the registry sees: it has the keys.
 */
export function proofProblems(entry: JsonObject): string[] {
  const proof = objectAt(entry, 'inclusionProof')
  const root = bytes(stringAt(proof, 'rootHash'))
  const hashes = Array.isArray(proof['hashes']) ? proof['hashes'].map((hash) => bytes(String(hash))) : []
  const [index, size] = [BigInt(stringAt(proof, 'logIndex') ?? '0'), BigInt(stringAt(proof, 'treeSize') ?? '0')]
  const body = bytes(stringAt(entry, 'canonicalizedBody'))
  const computed = rootOf(digest(Buffer.from([0]), body), index, size, hashes)
  return [
    ...(computed?.equals(root)
      ? []
      : ['the proof of inclusion does not lead from the log entry to the root of the log']),
    ...checkpointProblems(stringAt(proof, 'checkpoint', 'envelope') ?? '', size, root, entry),
  ]
}

function rootOf(leaf: Buffer, index: bigint, size: bigint, hashes: readonly Buffer[]): Buffer | undefined {
  if (index >= size) return undefined
  // Below the point where the paths of this leaf and the last one part, the neighbour may be on either side.
  const inner = bitLength(index ^ (size - 1n))
  const border = ones(index >> BigInt(inner))
  if (hashes.length !== inner + border) return undefined
  return hashes.reduce((below, neighbour, level) => {
    const isRight = level >= inner || ((index >> BigInt(level)) & 1n) === 1n
    return isRight ? digest(Buffer.from([1]), neighbour, below) : digest(Buffer.from([1]), below, neighbour)
  }, leaf)
}

function checkpointProblems(checkpoint: string, size: bigint, root: Buffer, entry: JsonObject): string[] {
  const [note = '', signatures] = checkpoint.split('\n\n', 2)
  const [origin, treeSize, rootHash] = note.split('\n')
  if (!origin || signatures === undefined) return ['the checkpoint of the log is not a signed note']
  const hints = [...signatures.matchAll(/^— \S+ ([\w+/]+={0,2})$/gm)].map(([, text]) => bytes(text).subarray(0, 4))
  const logId = bytes(stringAt(entry, 'logId', 'keyId'))
  return [
    ...(treeSize === String(size) && bytes(rootHash).equals(root)
      ? []
      : ['the checkpoint is about another state of the log than the proof of inclusion']),
    ...(hints.length > 0 && hints.every((hint) => hint.equals(logId.subarray(0, 4)))
      ? []
      : ['the checkpoint is signed by another log than the entry names']),
  ]
}

function bytes(base64: string | undefined): Buffer {
  return Buffer.from(base64 ?? '', 'base64')
}

function digest(...parts: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length
}

function ones(value: bigint): number {
  return value.toString(2).replaceAll('0', '').length
}
