import type { SandboxRequest, SandboxResponse } from '../messages.ts'

type Headers = Record<string, string>

export function plain(status: number, body: string, headers: Headers = {}): SandboxResponse {
  return { status, body, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } }
}

export function json(status: number, value: unknown, headers: Headers = {}): SandboxResponse {
  const body = JSON.stringify(value)
  return { status, body, headers: { 'content-type': 'application/json; charset=utf-8', ...headers } }
}

export function html(status: number, title: string, headers: Headers = {}): SandboxResponse {
  const body = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`
  return { status, body, headers: { 'content-type': 'text/html; charset=utf-8', ...headers } }
}

export function nginxPage(status: number, title: string): SandboxResponse {
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
  return { status, body, headers: { 'content-type': 'text/html' } }
}

type Format = 'html' | 'json' | 'yaml' | 'any'

function formatOf(mime: string): Format {
  if (mime === 'text/html' || mime === '*/*') return 'html'
  if (mime === 'application/json' || mime === 'text/x-json' || mime === 'application/jsonrequest') return 'json'
  if (mime === 'application/x-yaml' || mime === 'text/yaml') return 'yaml'
  return 'any'
}

function quality(range: string): number {
  const match = /;\s*q=([\d.]+)/.exec(range)
  return match ? Number(match[1]) : 1
}

/**
 * The format Rails renders for an Accept header: a list that also holds the wildcard looks like a browser's and
 * means HTML, as does no header at all (actionpack mime_negotiation.rb, BROWSER_LIKE_ACCEPTS).
 */
function negotiate(request: SandboxRequest): Format {
  const accept = request.headers.accept ?? ''
  if (accept === '' || /,\s*\*\/\*|\*\/\*\s*,/.test(accept)) return 'html'
  const ranges = accept.split(',').toSorted((one, other) => quality(other) - quality(one))
  return formatOf((ranges[0] ?? '').split(';')[0]?.trim().toLowerCase() ?? '')
}

/** rubygems.org app/controllers/application_controller.rb render_not_found: the reason is never given. */
export function notFound(request: SandboxRequest): SandboxResponse {
  const format = negotiate(request)
  if (format === 'json') return json(404, { error: 'Not Found' })
  if (format === 'yaml') {
    return {
      status: 404,
      body: '---\n:error: Not Found\n',
      headers: { 'content-type': 'application/x-yaml; charset=utf-8' },
    }
  }
  return format === 'html' ? html(404, 'Page not found') : plain(404, 'Not Found')
}

/** app/controllers/api/base_controller.rb render_forbidden: text, unless JSON was asked for. */
export function forbidden(request: SandboxRequest, message: string): SandboxResponse {
  return negotiate(request) === 'json' ? json(403, { error: message }) : plain(403, message)
}

/** app/controllers/api/base_controller.rb render_bad_request: JSON whatever was asked for. */
export function badRequest(error: string): SandboxResponse {
  return json(400, { error })
}

/** What Rails shows for an exception nothing rescued (actionpack public_exceptions.rb). */
export function unrescued(request: SandboxRequest, status: number, error: string): SandboxResponse {
  return negotiate(request) === 'json' ? json(status, { status, error }) : html(status, error)
}

export const TEXTS = {
  signUp: 'Access Denied. Please sign up for an account at https://rubygems.org',
  keyForbidden: "The API key doesn't have access",
  insufficientScope: 'This API key cannot perform the specified action on this gem.',
  rubygemNotFound: 'This rubygem could not be found.',
  gemNotFound: 'This gem could not be found',
} as const
