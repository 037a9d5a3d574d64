import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { compactVerify, createRemoteJWKSet } from 'jose'
import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { type Extension, EXTENSIONS, newSerial, pem, signed, tbsCertificate } from './certificate.ts'
import { signedCertificateTimestamp } from './ct-log.ts'
import { identityExtensions } from './identity.ts'
import { INTERMEDIATE, type SigstoreKeys } from './keys.ts'

/** A certificate is good for ten minutes (github.com/sigstore/fulcio, pkg/ca/common.go). */
const LIFETIME = 10 * 60 * 1000
const AUDIENCE = 'sigstore'

export interface FulcioOptions {
  keys: SigstoreKeys
  jwksUrl: string
  issuer: string
  clock: () => Date
  /** Changes what goes into a certificate, to make those that Fulcio never would. */
  tamper?: (extensions: Extension[]) => Extension[]
  /** Leaves out the promise of the Certificate Transparency log. */
  withoutTimestamp?: boolean
}

type Fields = Record<string, unknown>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, ...path: string[]): string {
  let found: unknown = value
  for (const key of path) found = isFields(found) ? found[key] : undefined
  return typeof found === 'string' ? found : ''
}

/** Fulcio answers through grpc-gateway: gRPC's number for the trouble, and its text. */
function refusal(status: number, code: number, message: string): SandboxResponse {
  return json(status, { code, message, details: [] })
}

function json(status: number, value: unknown): SandboxResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

async function claimsOf(token: string, { jwksUrl, issuer, clock }: FulcioOptions): Promise<Fields | undefined> {
  try {
    const { payload } = await compactVerify(token, createRemoteJWKSet(new URL(jwksUrl)), { algorithms: ['RS256'] })
    const claims = parsed(Buffer.from(payload).toString('utf8'))
    if (!isFields(claims) || claims['iss'] !== issuer || claims['aud'] !== AUDIENCE) return undefined
    const now = clock().getTime() / 1000
    return Number(claims['exp']) > now && Number(claims['nbf']) <= now + 30 ? claims : undefined
  } catch {
    return undefined
  }
}

/** The key in a request, where it is one and the caller has shown to hold its private half by signing the subject. */
function provenKey(body: unknown, subject: string): KeyObject | string {
  const content = at(body, 'publicKeyRequest', 'publicKey', 'content')
  const proof = Buffer.from(at(body, 'publicKeyRequest', 'proofOfPossession'), 'base64')
  let key: KeyObject
  try {
    key = createPublicKey(content)
  } catch {
    return 'The public key supplied in the request could not be parsed'
  }
  const held = key.asymmetricKeyType === 'ec' && verify('sha256', Buffer.from(subject), key, proof)
  return held ? key : 'The signature supplied in the request could not be verified'
}

function certificateFor(
  publicKey: KeyObject,
  claims: Fields,
  { keys, clock, tamper, withoutTimestamp }: FulcioOptions,
): Buffer {
  const authority = createPublicKey(keys.authority)
  const extensions = [
    EXTENSIONS.digitalSignature,
    EXTENSIONS.codeSigning,
    EXTENSIONS.subjectKey(publicKey),
    EXTENSIONS.authorityKey(authority),
    ...identityExtensions(claims),
  ]
  const serial = newSerial()
  const now = clock()
  const fields = {
    issuer: INTERMEDIATE,
    subject: undefined,
    notBefore: now,
    notAfter: new Date(now.getTime() + LIFETIME),
    publicKey,
    extensions: tamper?.(extensions) ?? extensions,
  }
  const sct = signedCertificateTimestamp(tbsCertificate(fields, serial), keys.authority, keys.ctLog, now)
  const promise = withoutTimestamp ? [] : [EXTENSIONS.timestamps(sct)]
  const complete = { ...fields, extensions: [...fields.extensions, ...promise] }
  return signed(tbsCertificate(complete, serial), keys.authority)
}

/** POST /api/v2/signingCert (github.com/sigstore/fulcio, fulcio.proto, pkg/server/grpc_server.go). */
export async function serveFulcio(request: SandboxRequest, options: FulcioOptions): Promise<SandboxResponse> {
  if (request.url.pathname !== '/api/v2/signingCert') return refusal(404, 5, 'Not Found')
  if (request.method !== 'POST') return refusal(501, 12, 'Method Not Allowed')
  const body = parsed((await request.body()).toString('utf8'))
  const claims = await claimsOf(at(body, 'credentials', 'oidcIdentityToken'), options)
  if (!claims) return refusal(401, 16, 'There was an error processing the identity token')
  const key = provenKey(body, at(claims, 'sub'))
  if (typeof key === 'string') return refusal(400, 3, key)
  const { intermediate, root } = options.keys
  const certificates = [certificateFor(key, claims, options), intermediate, root].map(pem)
  return json(200, { signedCertificateEmbeddedSct: { chain: { certificates } } })
}
