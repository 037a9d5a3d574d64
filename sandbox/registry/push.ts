import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { badRequest, forbidden, nginxPage, plain, TEXTS, unrescued } from './answers.ts'
import type { Context } from './context.ts'
import { findKey, isLive, ownerOf } from './keys.ts'
import { MalformedBody, type ReceivedFile } from './multipart.ts'
import { Pusher } from './pusher.ts'
import { type Body, BodyTooLarge, Upload } from './upload.ts'

const SERVER_ERROR = 'Server error. Please try again.'

interface Submission {
  file: ReceivedFile
  attestations: unknown[]
}

/** Ruby's name for what JSON held instead of an array. */
function className(value: unknown): string {
  if (value === null) return 'NilClass'
  if (typeof value === 'boolean') return value ? 'TrueClass' : 'FalseClass'
  if (typeof value === 'number') return Number.isInteger(value) ? 'Integer' : 'Float'
  return typeof value === 'string' ? 'String' : 'Hash'
}

function parseAttestations(text: string): unknown[] | SandboxResponse {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return plain(500, SERVER_ERROR)
  }
  return Array.isArray(value) ? value : badRequest(`attestations must be an array, is ${className(value)}`)
}

/** The two forms of a push: the gem as the body, or a form with the parts `gem` and `attestations`. */
function submissionOf(body: Body): Submission | SandboxResponse {
  if (body.kind === 'raw') return { file: body.file, attestations: [] }
  const gem = body.parts.get('gem')
  if (!gem) return plain(500, SERVER_ERROR)
  if (gem.kind !== 'file') return badRequest('gem is not a file upload')
  const attestations = body.parts.get('attestations')
  if (attestations?.kind !== 'text') return badRequest('missing attestations')
  const list = parseAttestations(attestations.text)
  return Array.isArray(list) ? { file: gem.file, attestations: list } : list
}

/**
 * POST /api/v1/gems (rubygems.org app/controllers/api/v1/rubygems_controller.rb create). As behind nginx, the whole
 * body is taken in before anything is decided. Limit: OTP codes are not asked for.
 */
export async function pushGem(request: SandboxRequest, context: Context): Promise<SandboxResponse> {
  await using upload = new Upload(context.store)
  try {
    return await push(request, await upload.receive(request), context)
  } catch (error) {
    if (error instanceof BodyTooLarge) return nginxPage(413, '413 Request Entity Too Large')
    if (error instanceof MalformedBody) return unrescued(request, 400, 'Bad Request')
    throw error
  }
}

async function push(request: SandboxRequest, body: Body, context: Context): Promise<SandboxResponse> {
  const { store } = context
  const key = findKey(store, request.headers.authorization)
  const retryAfter = context.throttle?.count(key && ownerOf(key))
  if (retryAfter !== undefined) {
    return {
      status: 429,
      body: 'Retry later\n',
      headers: { 'content-type': 'text/plain', 'retry-after': String(retryAfter) },
    }
  }
  if (!key || !isLive(key, store.clock())) return plain(401, TEXTS.signUp)
  if (!key.scopes.includes('push_rubygem')) return forbidden(request, TEXTS.insufficientScope)
  const submission = submissionOf(body)
  if ('status' in submission) return submission
  const outcome = await new Pusher(context, key, submission.file, submission.attestations).process()
  return plain(outcome.status, outcome.message)
}
