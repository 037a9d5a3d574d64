import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { spki } from './certificate.ts'
import { logId } from './keys.ts'

/** What a log signs about a precertificate, and what is checked later: RFC 6962, 3.2, `digitally-signed struct`. */
export function timestampedEntry(timestamp: bigint, issuer: KeyObject, tbs: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeBigUInt64BE(timestamp, 2)
  // Entry type 1: a precertificate, known by its issuer's key and by what will be signed.
  head.writeUInt16BE(1, 10)
  const size = Buffer.alloc(3)
  size.writeUIntBE(tbs.length, 0, 3)
  const issuerKeyHash = createHash('sha256').update(spki(issuer)).digest()
  return Buffer.concat([head, issuerKeyHash, size, tbs, Buffer.alloc(2)])
}

/** A Certificate Transparency log that promises every precertificate to appear in it. */
export function signedCertificateTimestamp(tbs: Buffer, issuer: KeyObject, key: KeyObject, now: Date): Buffer {
  const timestamp = BigInt(now.getTime())
  const signature = sign('sha256', timestampedEntry(timestamp, createPublicKey(issuer), tbs), key)
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(timestamp)
  // No extensions; SHA-256 (4) with ECDSA (3).
  const tail = Buffer.from([0, 0, 4, 3, 0, 0])
  tail.writeUInt16BE(signature.length, 4)
  return Buffer.concat([Buffer.from([0]), logId(key), time, tail, signature])
}
