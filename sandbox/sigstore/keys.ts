import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readJson, writeJson } from '../registry/json-file.ts'
import {
  type CertificateFields,
  EXTENSIONS,
  newSerial,
  signed,
  spki,
  type Subject,
  tbsCertificate,
} from './certificate.ts'

export const ORGANIZATION = 'sigstore.sandbox'
export const INTERMEDIATE: Subject = { organization: ORGANIZATION, commonName: 'sigstore-intermediate' }
const ROOT: Subject = { organization: ORGANIZATION, commonName: 'sigstore' }
const YEAR = 365 * 24 * 60 * 60 * 1000

/** The keys and certificates of a world, the same ones after a restart. */
export interface SigstoreKeys {
  root: Buffer
  intermediate: Buffer
  /** Signs the leaf certificates. */
  authority: KeyObject
  ctLog: KeyObject
  rekor: KeyObject
}

interface Stored {
  root: string
  intermediate: string
  authority: string
  ctLog: string
  rekor: string
}

function newKey(curve: 'P-256' | 'P-384'): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: curve }).privateKey
}

function authorities(now: Date): { root: Buffer; intermediate: Buffer; authority: KeyObject } {
  const rootKey = newKey('P-384')
  const authority = newKey('P-384')
  const [rootPublic, authorityPublic] = [createPublicKey(rootKey), createPublicKey(authority)]
  const validity = { notBefore: new Date(now.getTime() - YEAR), notAfter: new Date(now.getTime() + 10 * YEAR) }
  const make = (fields: Pick<CertificateFields, 'subject' | 'publicKey' | 'extensions'>): Buffer =>
    signed(tbsCertificate({ ...validity, issuer: ROOT, ...fields }, newSerial()), rootKey)
  return {
    authority,
    root: make({
      subject: ROOT,
      publicKey: rootPublic,
      extensions: [EXTENSIONS.certificateSigning, EXTENSIONS.authority(1), EXTENSIONS.subjectKey(rootPublic)],
    }),
    intermediate: make({
      subject: INTERMEDIATE,
      publicKey: authorityPublic,
      extensions: [
        EXTENSIONS.certificateSigning,
        EXTENSIONS.codeSigning,
        EXTENSIONS.authority(0),
        EXTENSIONS.subjectKey(authorityPublic),
        EXTENSIONS.authorityKey(rootPublic),
      ],
    }),
  }
}

const text = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()

/** The keys kept in the file at `path`, made at the first start. */
export function openKeys(path: string, now: Date): SigstoreKeys {
  const stored = readJson<Stored | undefined>(path, undefined)
  if (stored) {
    return {
      root: Buffer.from(stored.root, 'base64'),
      intermediate: Buffer.from(stored.intermediate, 'base64'),
      authority: createPrivateKey(stored.authority),
      ctLog: createPrivateKey(stored.ctLog),
      rekor: createPrivateKey(stored.rekor),
    }
  }
  const keys = { ...authorities(now), ctLog: newKey('P-256'), rekor: newKey('P-256') }
  const { root, intermediate, authority, ctLog, rekor } = keys
  writeJson(path, {
    root: root.toString('base64'),
    intermediate: intermediate.toString('base64'),
    authority: text(authority),
    ctLog: text(ctLog),
    rekor: text(rekor),
  } satisfies Stored)
  return keys
}

/** A log is known by the digest of its public key (RFC 6962, 3.2). */
export function logId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(spki(createPublicKey(key)))
    .digest()
}
