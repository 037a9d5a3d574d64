import { randomBytes } from 'node:crypto'
import type { SandboxResponse } from '../messages.ts'

/** An entry of the `errors` that GitHub sends with "Validation Failed". */
export interface FieldError {
  resource: string
  code: string
  field?: string
  message?: string
}

/** A refusal in GitHub's form. Thrown by routes; the API adds the documentation address of the operation. */
export class Refusal extends Error {
  readonly status: number
  readonly errors: FieldError[] | undefined

  constructor(status: number, message: string, errors?: FieldError[]) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.errors = errors
  }
}

export function validationFailed(...errors: FieldError[]): Refusal {
  return new Refusal(422, 'Validation Failed', errors)
}

export function notFound(): Refusal {
  return new Refusal(404, 'Not Found')
}

/** What a route gives back. */
export interface Answer {
  status: number
  /** Sent as JSON; no body when absent. */
  body?: unknown
  /** Sent as it is, for the media types that are not JSON. */
  text?: string
  headers?: Record<string, string>
}

export function ok(body: unknown, headers: Record<string, string> = {}): Answer {
  return { status: 200, body, headers }
}

export function created(body: { url: string }): Answer {
  return { status: 201, body, headers: { location: body.url } }
}

/** Such as `E1B2:3F4A5:1C0FFEE:2DECAF0:6921B3F4`. */
export function newRequestId(): string {
  return randomBytes(16)
    .toString('hex')
    .toUpperCase()
    .replace(/^(.{4})(.{6})(.{7})(.{7})(.{8})$/, '$1:$2:$3:$4:$5')
}

export function refusalBody(status: number, message: string, docs: string, errors?: FieldError[]) {
  return { message, ...(errors ? { errors } : {}), documentation_url: docs, status: String(status) }
}

/** Puts an answer on the wire as GitHub does. */
export function onTheWire(answer: Answer, headers: Record<string, string>): SandboxResponse {
  const all = {
    'x-github-media-type': 'github.v3; format=json',
    'x-github-request-id': newRequestId(),
    'x-content-type-options': 'nosniff',
    ...headers,
    ...answer.headers,
  }
  if (answer.text !== undefined) return { status: answer.status, headers: all, body: answer.text }
  if (answer.body === undefined) return { status: answer.status, headers: all }
  const body = JSON.stringify(answer.body)
  return { status: answer.status, headers: { 'content-type': 'application/json; charset=utf-8', ...all }, body }
}
