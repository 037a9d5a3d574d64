import { ReleaseError } from '../errors.ts'
import type { Policy } from './retry.ts'

/**
 * Why no answer arrived. `unreachable`, `untrusted` (TLS refused) and `unsent` are certain to have had no effect;
 * after `lost` and `timeout` the server may have acted. `unusable` is an answer that must not be used, whatever it
 * says; `redirected` one that asks to go elsewhere, which is never done.
 */
export type FaultKind = 'unreachable' | 'untrusted' | 'unsent' | 'lost' | 'timeout' | 'unusable' | 'redirected'

/** A failed exchange, in words of ours: no header, body or URL of it is ever part of the text. */
export class HttpFault extends Error {
  readonly kind: FaultKind

  constructor(kind: FaultKind, message: string) {
    super(message)
    this.name = 'HttpFault'
    this.kind = kind
  }
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** UNSPECIFIED is what Node calls every other reason OpenSSL has: names an authority may not sign for, weak keys. */
const TLS =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|CRL_|ERROR_IN_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|PATH_LENGTH|INVALID_(CA|PURPOSE)|UNSPECIFIED$)/

/** Translates whatever undici or a socket threw. Its message is dropped: it may quote a header, a URL or a body. */
export function asFault(error: unknown, timedOut: boolean, sentAll: boolean, policy: Policy): Error {
  if (error instanceof HttpFault) return error
  if (error instanceof ReleaseError) return error
  const code = codeOf(error)
  if (timedOut) {
    const idle = sentAll ? (policy.answer ?? policy.attempt) : policy.attempt
    return new HttpFault(sentAll ? 'timeout' : 'unsent', `no complete answer came within ${String(idle / 1000)} s`)
  }
  if (NEVER_CONNECTED.has(code)) return new HttpFault('unreachable', `the server could not be reached (${code})`)
  if (TLS.test(code))
    return new HttpFault('untrusted', `the server's TLS certificate or protocol was refused (${code})`)
  return new HttpFault(sentAll ? 'lost' : 'unsent', `the connection broke${code ? ` (${code})` : ''}`)
}

function codeOf(error: unknown): string {
  for (let next = error; next instanceof Error; next = next.cause) {
    if ('code' in next && typeof next.code === 'string' && /^[A-Z_0-9]+$/.test(next.code)) return next.code
  }
  return ''
}
