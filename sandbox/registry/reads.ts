import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { forbidden, json, plain, TEXTS } from './answers.ts'
import { conditional, indexFile, ranged, SHARED_CACHE, withEtag } from './conditional.ts'
import type { Context } from './context.ts'
import { findKey, isLive, ownsGem } from './keys.ts'
import { type IndexName } from './legacy-index.ts'
import { gemPayload, mostRecent, publicVersions, versionPayload } from './payloads.ts'

const BINARY = 'application/octet-stream'

/** GET /api/v1/versions/NAME.json */
export function versionsOfGem(request: SandboxRequest, name: string, context: Context): SandboxResponse {
  const answer = context.edge.answer(request.url.pathname, () => {
    const gem = context.store.gem(name)
    const versions = publicVersions(context, name)
    if (!gem || versions.length === 0) return plain(404, TEXTS.rubygemNotFound)
    return withEtag(json(200, versions.map(versionPayload)), gem.updatedAt)
  })
  return conditional(request, answer)
}

/** GET /api/v1/versions/NAME/latest.json: 200 also for a gem that is not there. */
export function latestVersion(request: SandboxRequest, name: string, context: Context): SandboxResponse {
  return context.edge.answer(request.url.pathname, () => {
    const version = mostRecent(publicVersions(context, name))
    return json(200, { version: version?.number ?? 'unknown' }, SHARED_CACHE)
  })
}

/** GET /api/v1/gems/NAME.json */
export function gemDetails(request: SandboxRequest, name: string, context: Context): SandboxResponse {
  return context.edge.answer(request.url.pathname, () => {
    const gem = context.store.gem(name)
    if (!gem || publicVersions(context, name).length === 0) return plain(404, TEXTS.rubygemNotFound)
    return json(200, gemPayload(context, gem), SHARED_CACHE)
  })
}

/** GET /api/v2/rubygems/NAME/versions/NUMBER.json: without a platform, whichever was created last. */
export function versionDetails(
  request: SandboxRequest,
  name: string,
  number: string,
  context: Context,
): SandboxResponse {
  const { pathname, search, searchParams } = request.url
  const answer = context.edge.answer(`${pathname}${search}`, () => {
    const gem = context.store.gem(name)
    if (!gem) return plain(404, TEXTS.gemNotFound)
    const platform = searchParams.get('platform')
    const version = publicVersions(context, name).find(
      (row) => row.number === number && (platform === null || row.platform === platform),
    )
    if (!version) return plain(404, 'This version could not be found.', SHARED_CACHE)
    return withEtag(json(200, { ...gemPayload(context, gem, version), ...versionPayload(version) }), gem.updatedAt)
  })
  return conditional(request, answer)
}

/** GET /api/v1/attestations/FULL_NAME.json: yanked versions too. */
export function attestationsOf(fullName: string, context: Context): SandboxResponse {
  const version = context.store.version(fullName)
  return version ? json(200, version.attestations) : plain(404, TEXTS.rubygemNotFound)
}

/** GET /api/v1/gems.json: tells a live trusted publisher's key (403) from a dead one (401). */
export function ownGems(request: SandboxRequest, context: Context): SandboxResponse {
  const { store } = context
  const key = findKey(store, request.headers.authorization)
  if (!key || !isLive(key, store.clock())) return plain(401, TEXTS.signUp)
  if (key.owner.type !== 'user') return forbidden(request, TEXTS.keyForbidden)
  if (!key.scopes.includes('index_rubygems')) return forbidden(request, TEXTS.insufficientScope)
  const gems = store.state.gems.filter((gem) => ownsGem(key, gem) && publicVersions(context, gem.name).length > 0)
  return json(
    200,
    gems.map((gem) => gemPayload(context, gem)),
    { 'cache-control': 'private, no-store' },
  )
}

/** GET /names, /versions and /info/NAME */
export function compactIndexFile(
  request: SandboxRequest,
  context: Context,
  { name = '' }: Record<string, string>,
): SandboxResponse {
  const { pathname } = request.url
  const answer = context.edge.answer(pathname, () => {
    if (pathname === '/names') return indexFile(context.compactIndex.names())
    if (pathname === '/versions') return indexFile(context.compactIndex.versions())
    const text = context.compactIndex.info(name)
    if (text !== undefined) return indexFile(text)
    const surrogate = 'max-age=600, stale-while-revalidate=300, stale-if-error=300'
    return plain(404, TEXTS.gemNotFound, { ...SHARED_CACHE, 'surrogate-control': surrogate })
  })
  return ranged(request, answer)
}

/** GET /gems/FULL_NAME.gem: the bytes, from the moment the push is answered until the version is yanked. */
export async function gemFile(fullName: string, context: Context): Promise<SandboxResponse> {
  const version = context.store.version(fullName)
  if (!version?.indexed) return plain(404, 'Not Found')
  const path = context.store.gemPath(fullName)
  const { size } = await stat(path)
  const headers = {
    'content-type': BINARY,
    'content-length': String(size),
    'cache-control': 'max-age=31536000',
    etag: `"${version.sha256}"`,
  }
  return { status: 200, body: createReadStream(path), headers }
}

export async function legacyIndexFile(name: IndexName, context: Context): Promise<SandboxResponse> {
  return { status: 200, body: await context.legacyIndex.specs(name), headers: { 'content-type': BINARY } }
}

export async function legacyGemspec(fullName: string, context: Context): Promise<SandboxResponse> {
  const body = await context.legacyIndex.gemspec(fullName)
  return body ? { status: 200, body, headers: { 'content-type': BINARY } } : plain(404, 'Not Found')
}
