import { type Alteration, borrow, edit, find, flip, flipped, get, put, set } from './alteration.ts'

const CRASH = 'Server error. Please try again.'
const malformed = (text: string): string => `Error verifying sigstore attestation:\n${text}`
const unverified = (text: string): string => `Attestation verification failed:\n${text}`

const MATERIAL = 'verificationMaterial'
const CERTIFICATE = `${MATERIAL}.certificate.rawBytes`
const ENTRY = `${MATERIAL}.tlogEntries.0`
const PROOF = `${ENTRY}.inclusionProof`
const ENVELOPE = 'dsseEnvelope'
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const ENTRY_MISMATCH = malformed('Invalid rekor entry:')
const BAD_SIGNATURE = malformed('invalid signature')

/** Every way in which a good bundle is spoilt by one field. */
export const ALTERATIONS: readonly Alteration[] = [
  { name: 'is no object', alter: () => 'bundle', seen: /is not an object/, status: 500 },
  { name: 'has a field nobody knows', alter: put('extra', 1), seen: /`extra`, which the registry/, status: 500 },
  {
    name: 'has such a field in its log entry',
    alter: put(`${ENTRY}.checkpoint`, 'x'),
    seen: /tlogEntries\[0\]\.checkpoint/,
    status: 500,
  },
  {
    name: 'has such a field in its signature',
    alter: put(`${ENVELOPE}.signatures.0.cert`, 'x'),
    seen: /signatures\[0\]\.cert/,
    status: 500,
  },
  {
    name: 'is of an unknown type',
    alter: put('mediaType', 'application/vnd.dev.sigstore.bundle.v0.4+json'),
    seen: /media type .*v0\.4/,
    status: 422,
    text: malformed('Unsupported bundle format'),
  },
  { name: 'says no type', alter: put('mediaType', undefined), seen: /media type/, status: 422 },
  {
    name: 'is of version 0.2',
    alter: put('mediaType', 'application/vnd.dev.sigstore.bundle+json;version=0.2'),
    seen: /version 0\.3/,
    status: 422,
    text: 'Must provide at least v0.3 bundles',
  },
  {
    name: 'has no verification material',
    alter: put(MATERIAL, null),
    seen: /no certificate/,
    status: 422,
    text: malformed('bundle requires verification material'),
  },
  {
    name: 'has another payload',
    alter: edit(`${ENVELOPE}.payload`, (text) => text.replace('push', 'pull')),
    seen: /another signature, certificate or content/,
    status: 422,
    text: ENTRY_MISMATCH,
  },
  { name: 'has the payload of another gem', alter: borrow(`${ENVELOPE}.payload`), seen: /another/, status: 422 },
  {
    name: 'says another type of payload',
    alter: put(`${ENVELOPE}.payloadType`, 'application/json'),
    seen: /its payload is of type/,
    status: 422,
    text: unverified('DSSE envelope verification failed'),
  },
  { name: 'has a damaged signature', alter: flip(`${ENVELOPE}.signatures.0.sig`), seen: /signature/, status: 422 },
  {
    name: 'has the signature of another gem',
    alter: borrow(`${ENVELOPE}.signatures.0.sig`),
    seen: /its signature is not one/,
    status: 422,
    text: ENTRY_MISMATCH,
  },
  { name: 'has no signature', alter: put(`${ENVELOPE}.signatures`, []), seen: /signature/, status: 422 },
  {
    name: 'has a signature that is not base64',
    alter: put(`${ENVELOPE}.signatures.0.sig`, '*'),
    seen: /not base64/,
    status: 422,
    text: ENTRY_MISMATCH,
  },
  {
    name: 'has a signature of its own besides the envelope',
    alter: put('messageSignature', { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' }),
    seen: /both a signature and/,
    status: 500,
  },
  {
    name: 'holds nothing',
    alter: put(ENVELOPE, undefined),
    seen: /neither/,
    status: 422,
    text: malformed('expected either message_signature or dsse_envelope'),
  },
  { name: 'has the certificate of another run', alter: borrow(CERTIFICATE), seen: /another signature/, status: 422 },
  { name: 'has a damaged certificate', alter: flip(CERTIFICATE), seen: /certificate/, status: 422 },
  { name: 'has a certificate that is none', alter: put(CERTIFICATE, 'AAAA'), seen: /no certificate/, status: 422 },
  {
    name: 'has a public key instead of a certificate',
    alter: (bundle) => set(set(bundle, `${MATERIAL}.certificate`, undefined), `${MATERIAL}.publicKey`, { hint: 'x' }),
    seen: /with a public key/,
    status: 422,
    text: malformed('public_key content of bundle'),
  },
  {
    name: 'has no log entry',
    alter: put(`${MATERIAL}.tlogEntries`, []),
    seen: /0 transparency log entries/,
    status: 500,
    text: CRASH,
  },
  {
    name: 'has two log entries',
    alter: (bundle) => {
      const entry = find(bundle, ENTRY.split('.'))
      return set(bundle, `${MATERIAL}.tlogEntries`, [entry, entry])
    },
    seen: /2 transparency log entries/,
    status: 422,
    text: malformed('Expected one tlog entry'),
  },
  {
    name: 'has no proof of inclusion',
    alter: put(PROOF, undefined),
    seen: /no proof of inclusion/,
    status: 422,
    text: malformed('must contain an inclusion proof'),
  },
  {
    name: 'has no checkpoint',
    alter: put(`${PROOF}.checkpoint`, undefined),
    seen: /checkpoint/,
    status: 422,
    text: malformed('inclusion proof must contain a checkpoint'),
  },
  { name: 'has another root', alter: flip(`${PROOF}.rootHash`), seen: /does not lead/, status: 500 },
  { name: 'has another neighbour in its proof', alter: flip(`${PROOF}.hashes.0`), seen: /does not lead/, status: 500 },
  { name: 'has a proof cut short', alter: put(`${PROOF}.hashes`, []), seen: /does not lead/, status: 500 },
  { name: 'is elsewhere in the tree', alter: put(`${PROOF}.logIndex`, '1'), seen: /does not lead/, status: 500 },
  { name: 'is outside of the tree', alter: put(`${PROOF}.logIndex`, '99'), seen: /does not lead/, status: 500 },
  { name: 'has a number that is none', alter: put(`${PROOF}.treeSize`, 'x'), seen: /whole number/, status: 500 },
  {
    name: 'has the checkpoint of another state',
    alter: borrow(`${PROOF}.checkpoint.envelope`),
    seen: /another state of the log/,
    status: 422,
  },
  {
    name: 'has a checkpoint without a signature',
    alter: (bundle) => {
      const path = `${PROOF}.checkpoint.envelope`
      return set(bundle, path, get(bundle, path).split('\n\n')[0])
    },
    seen: /not a signed note/,
    status: 422,
    text: malformed('Note must include double newline separator'),
  },
  {
    name: 'has a checkpoint with a damaged signature',
    alter: (bundle) => {
      const path = `${PROOF}.checkpoint.envelope`
      const text = get(bundle, path)
      const signature = / ([\w+/=]+)\n$/.exec(text)?.[1] ?? ''
      return set(bundle, path, text.replace(signature, flipped(signature)))
    },
    status: 422,
    text: BAD_SIGNATURE,
  },
  {
    name: 'has a log entry of Rekor v2',
    alter: edit(`${ENTRY}.canonicalizedBody`, (text) => text.replace('"apiVersion":"0.0.1"', '"apiVersion":"0.0.2"')),
    seen: /kind dsse 0\.0\.2/,
    status: 422,
    text: malformed('Unhandled rekor entry kind/version: ["dsse", "0.0.2"]'),
  },
  {
    name: 'has a log entry that is not JSON',
    alter: put(`${ENTRY}.canonicalizedBody`, base64('no JSON')),
    seen: /not JSON/,
    status: 422,
    text: malformed('expected canonicalized_body to be JSON'),
  },
  {
    name: 'has the log entry of another gem',
    alter: borrow(`${ENTRY}.canonicalizedBody`),
    seen: /another signature/,
    status: 422,
    text: ENTRY_MISMATCH,
  },
  {
    name: 'was logged after its certificate had expired',
    alter: (bundle) => {
      const path = `${ENTRY}.integratedTime`
      return set(bundle, path, String(Number(get(bundle, path)) + 3600))
    },
    seen: /certificate was not valid/,
    status: 422,
    text: BAD_SIGNATURE,
  },
  {
    name: 'has another number in the log',
    alter: put(`${ENTRY}.logIndex`, '7'),
    status: 422,
    text: BAD_SIGNATURE,
  },
  {
    name: 'is of another log',
    alter: flip(`${ENTRY}.logId.keyId`),
    status: 500,
  },
  {
    name: 'is of a log that did not sign the checkpoint',
    alter: put(`${ENTRY}.logId.keyId`, Buffer.alloc(32).toString('base64')),
    seen: /signed by another log/,
    status: 422,
    text: malformed('sig_hash hint'),
  },
  {
    name: 'has a damaged promise of the log',
    alter: flip(`${ENTRY}.inclusionPromise.signedEntryTimestamp`),
    status: 422,
    text: BAD_SIGNATURE,
  },
  {
    name: 'has a timestamp of an unknown authority',
    alter: put(`${MATERIAL}.timestampVerificationData`, { rfc3161Timestamps: [{ signedTimestamp: 'MAMCAQA=' }] }),
    seen: /RFC 3161/,
    status: 500,
  },
]
