import { isObject, type JsonObject } from '../json.ts'

/** What a field of a bundle holds. */
type Field = 'text' | 'bytes' | 'integer' | 'byteses' | { message: Message } | { messages: Message }

interface Message {
  [name: string]: Field
}

const bytes = (name: string): { message: Message } => ({ message: { [name]: 'bytes' } })

/**
 * Every field the server's parser knows: protobug_sigstore_protos 0.1.0, generated from Sigstore's protobuf-specs. It
 * stops at any other with an exception that becomes a bare 500.
 */
const BUNDLE: Message = {
  mediaType: 'text',
  verificationMaterial: {
    message: {
      publicKey: { message: { hint: 'text' } },
      x509CertificateChain: { message: { certificates: { messages: { rawBytes: 'bytes' } } } },
      certificate: bytes('rawBytes'),
      tlogEntries: {
        messages: {
          logIndex: 'integer',
          logId: bytes('keyId'),
          kindVersion: { message: { kind: 'text', version: 'text' } },
          integratedTime: 'integer',
          inclusionPromise: bytes('signedEntryTimestamp'),
          inclusionProof: {
            message: {
              logIndex: 'integer',
              rootHash: 'bytes',
              treeSize: 'integer',
              hashes: 'byteses',
              checkpoint: { message: { envelope: 'text' } },
            },
          },
          canonicalizedBody: 'bytes',
        },
      },
      timestampVerificationData: {
        message: { rfc3161Timestamps: { messages: { signedTimestamp: 'bytes' } } },
      },
    },
  },
  messageSignature: {
    message: { messageDigest: { message: { algorithm: 'text', digest: 'bytes' } }, signature: 'bytes' },
  },
  dsseEnvelope: {
    message: {
      payload: 'bytes',
      payloadType: 'text',
      signatures: { messages: { sig: 'bytes', keyid: 'text' } },
    },
  },
}

/** Protobuf's JSON has two spellings for every field; this is the one of the specification. */
function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Either alphabet, with or without padding: protobuf's JSON allows all of it. */
const BASE64 = /^[\w+/-]*={0,2}$/

function isBytes(value: unknown): boolean {
  return typeof value === 'string' && BASE64.test(value)
}

function isInteger(value: unknown): boolean {
  return typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && /^\d{1,19}$/.test(value)
}

/** The bundle with every field in its usual spelling, and what in it the server could not read. */
export function readFields(bundle: unknown): { bundle: JsonObject; problems: string[] } {
  const problems: string[] = []
  return { bundle: readMessage(bundle, BUNDLE, '', problems), problems }
}

function readMessage(value: unknown, message: Message, path: string, problems: string[]): JsonObject {
  if (!isObject(value)) {
    problems.push(`${path || 'the bundle'} is not an object`)
    return {}
  }
  const read: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`
    const field = Object.hasOwn(message, camel(name)) ? message[camel(name)] : undefined
    if (field === undefined) problems.push(`it has the field \`${at.slice(0, 200)}\`, which the registry does not know`)
    // Protobuf reads null as "not there".
    else if (inner !== null) read[camel(name)] = readField(inner, field, at, problems)
  }
  return read
}

function readField(value: unknown, field: Field, path: string, problems: string[]): unknown {
  if (typeof field === 'object' && 'message' in field) return readMessage(value, field.message, path, problems)
  if (typeof field === 'object' || field === 'byteses') {
    if (!Array.isArray(value)) {
      problems.push(`\`${path}\` is not a list`)
      return []
    }
    return value.map((item: unknown, index) => {
      const at = `${path}[${String(index)}]`
      return field === 'byteses'
        ? readField(item, 'bytes', at, problems)
        : readMessage(item, field.messages, at, problems)
    })
  }
  const fits = field === 'text' ? typeof value === 'string' : field === 'bytes' ? isBytes(value) : isInteger(value)
  if (fits && field === 'bytes') return Buffer.from(String(value), 'base64').toString('base64')
  if (fits) return field === 'integer' ? String(value) : value
  problems.push(`\`${path}\` is not ${field === 'text' ? 'text' : field === 'bytes' ? 'base64' : 'a whole number'}`)
  return field === 'integer' ? '0' : ''
}
