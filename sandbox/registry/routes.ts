import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { html, nginxPage, notFound, plain, unrescued } from './answers.ts'
import { assumeRole } from './assume-role.ts'
import type { Context } from './context.ts'
import { exchangeToken } from './exchange.ts'
import { INDEXES } from './legacy-index.ts'
import { pushGem } from './push.ts'
import {
  attestationsOf,
  compactIndexFile,
  gemDetails,
  gemFile,
  latestVersion,
  legacyGemspec,
  legacyIndexFile,
  ownGems,
  versionDetails,
  versionsOfGem,
} from './reads.ts'

type Answer = Promise<SandboxResponse> | SandboxResponse
type Serve = (request: SandboxRequest, context: Context, names: Record<string, string>) => Answer

interface Route {
  method: 'GET' | 'POST'
  path: RegExp
  serve: Serve
}

/** rubygems.org app/controllers/api/v1/api_keys_controller.rb show */
const RETIRED =
  'This endpoint has been retired. `gem signin` (GET /api/v1/api_key) is no ' +
  'longer supported. Create an API key at https://rubygems.org/profile/api_keys ' +
  'and set it up following https://guides.rubygems.org/api-key-scopes/.'

const BASIC = { 'www-authenticate': 'Basic realm="Application"' }

/** rubygems.org config/routes.rb, as far as clients that publish or install need it. */
const ROUTES: Route[] = [
  { method: 'GET', path: /^\/$/, serve: () => html(200, 'RubyGems.org | your community gem host') },
  {
    method: 'POST',
    path: /^\/api\/v1\/oidc\/trusted_publisher\/exchange_token(?:\.json)?$/,
    serve: exchangeToken,
  },
  {
    method: 'POST',
    path: /^\/api\/v1\/oidc\/api_key_roles\/(?<token>[^/.]+)\/assume_role(?:\.json)?$/,
    serve: (request, context, { token = '' }) => assumeRole(request, token, context),
  },
  { method: 'POST', path: /^\/api\/v1\/gems(?:\.json)?$/, serve: pushGem },
  { method: 'GET', path: /^\/api\/v1\/gems(?:\.json)?$/, serve: ownGems },
  {
    method: 'GET',
    path: /^\/api\/v1\/gems\/(?<name>[^/]+)\.json$/,
    serve: (request, context, { name = '' }) => gemDetails(request, name, context),
  },
  { method: 'GET', path: /^\/api\/v1\/api_key(?:\.json)?$/, serve: () => plain(410, RETIRED) },
  {
    method: 'POST',
    path: /^\/api\/v1\/api_key(?:\.json)?$/,
    serve: () => plain(401, 'HTTP Basic: Access denied.\n', BASIC),
  },
  { method: 'POST', path: /^\/api\/v1\/api_key\/revoke$/, serve: () => plain(401, 'Missing GitHub Signature') },
  {
    method: 'GET',
    path: /^\/api\/v1\/versions\/(?<name>[^/]+)\/latest\.json$/,
    serve: (request, context, { name = '' }) => latestVersion(request, name, context),
  },
  {
    method: 'GET',
    path: /^\/api\/v1\/versions\/(?<name>[^/]+)\.json$/,
    serve: (request, context, { name = '' }) => versionsOfGem(request, name, context),
  },
  {
    method: 'GET',
    path: /^\/api\/v2\/rubygems\/(?<name>[^/]+)\/versions\/(?<number>[^/]+)\.json$/,
    serve: (request, context, { name = '', number = '' }) => versionDetails(request, name, number, context),
  },
  {
    method: 'GET',
    path: /^\/api\/v1\/attestations\/(?<name>[^/]+)\.json$/,
    serve: (_request, context, { name = '' }) => attestationsOf(name, context),
  },
  { method: 'GET', path: /^\/(?:names|versions|info\/(?<name>[^/]+))$/, serve: compactIndexFile },
  {
    method: 'GET',
    path: /^\/gems\/(?<name>[^/]+)\.gem$/,
    serve: (_request, context, { name = '' }) => gemFile(name, context),
  },
  {
    method: 'GET',
    path: /^\/quick\/Marshal\.4\.8\/(?<name>[^/]+)\.gemspec\.rz$/,
    serve: (_request, context, { name = '' }) => legacyGemspec(name, context),
  },
  ...INDEXES.map((name): Route => {
    return {
      method: 'GET',
      path: new RegExp(`^/${name}\\.4\\.8\\.gz$`),
      serve: (_request, context) => legacyIndexFile(name, context),
    }
  }),
]

function decoded(groups: Record<string, string>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]))
  } catch {
    return undefined
  }
}

/** Finds the route and serves it; an unknown path is Rails' 404. */
export async function serve(request: SandboxRequest, context: Context): Promise<SandboxResponse> {
  const { pathname } = request.url
  if (context.nginx && !context.nginx.allows(pathname)) return nginxPage(429, '429 Too Many Requests')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  for (const route of ROUTES) {
    const match = route.method === method ? route.path.exec(pathname) : null
    if (!match) continue
    const names = decoded(match.groups ?? {})
    return names ? await route.serve(request, context, names) : unrescued(request, 400, 'Bad Request')
  }
  return notFound(request)
}
