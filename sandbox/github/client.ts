import type { GitHub } from './github.ts'
import { answerProblems } from './openapi.ts'
import { isObject, type JsonObject } from './schema.ts'

export interface Reply {
  status: number
  headers: Headers
  /** The parsed answer where it is a JSON object; empty otherwise. */
  body: JsonObject
  /** The parsed answer where it is a list of objects; empty otherwise. */
  list: JsonObject[]
}

export interface AskOptions {
  token?: string
  body?: unknown
  headers?: Record<string, string>
}

/**
 * Asks the sandbox's GitHub API as a test does: any method, any path, any body. Throws where the *answer*
 * is not one that GitHub's description allows, so that every test is a test of the sandbox as well.
 */
export async function ask(github: GitHub, line: string, options: AskOptions = {}): Promise<Reply> {
  const [method = 'GET', path = '/'] = line.split(' ')
  const { body, token } = options
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  const response = await fetch(path.startsWith('http') ? path : `${github.apiUrl}${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body) }),
  })
  const text = await response.text()
  const parsed: unknown = text === '' ? undefined : JSON.parse(text)
  const wrong = answerProblems(method, new URL(response.url).pathname, response.status, parsed)
  if (wrong.length > 0) throw new Error(`${line} gave an answer GitHub does not: ${wrong.join(' ')}`)
  return {
    status: response.status,
    headers: response.headers,
    body: isObject(parsed) ? parsed : {},
    list: Array.isArray(parsed) ? parsed.filter(isObject) : [],
  }
}
