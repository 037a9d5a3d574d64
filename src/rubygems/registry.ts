import { type Problem, ReleaseError } from '../errors.ts'
import { stringAt } from '../json.ts'
import type { GemServer } from '../server.ts'
import type { ApiKey } from './api-key.ts'
import { readServedGem, type ServedGem } from './served-gem.ts'
import type { Clock } from '../world/clock.ts'
import { type Http, passingTrouble } from '../world/http.ts'
import { describe, type HttpAnswer, isPage } from '../world/http-answer.ts'
import type { PushBody } from '../sigstore/upload.ts'
import type { Attempt } from '../world/retry.ts'

/** One version on the registry, as its API lists it. */
export interface PublishedVersion {
  version: string
  platform: string
  /** SHA-256 of the .gem file, 64 hex digits. */
  sha256: string
}

/** The read and write API of one gem server. Paths: rubygems.org config/routes.rb. */
export interface Registry {
  readonly server: GemServer
  /** Every live version of a gem; empty where the server knows no such gem. */
  versions(name: string): Promise<readonly PublishedVersion[]>
  /** SHA-256 of one version as its own page gives it, or undefined where it has none (yet). One attempt; throws HttpFault. */
  digest(gem: { name: string; version: string; originalPlatform: string }): Promise<Attempt<string | undefined>>
  /** One attempt to push; throws HttpFault where no complete answer came. */
  push(key: ApiKey, body: PushBody): Promise<HttpAnswer>
  /** The published file of a gem, for comparison; undefined where it is not to be had or is large. One attempt. */
  file(fullName: string): Promise<Uint8Array | undefined>
  /** What is given out as a gem's file, hashed; no longer than `until` on our clock. One attempt; throws HttpFault. */
  served(gem: { fullName: string; size: number }, until: number): Promise<ServedGem>
  /** The compact index file of a gem, one attempt; `unchanged` when `etag` still holds. */
  info(name: string, etag: string | undefined): Promise<InfoAnswer>
}

export type InfoAnswer =
  | { state: 'text'; text: string; etag: string | undefined }
  | { state: 'unchanged' }
  | { state: 'none'; reason: string }

const JSON_ONLY = { accept: 'application/json' }

export function createRegistry(server: GemServer, http: Http, clock: Clock): Registry {
  const url = (path: string): URL => new URL(path, server.origin)
  return {
    server,
    versions: (name) =>
      http.ask(
        {
          edge: 'preflight',
          purpose: `read the versions of ${name} on ${server.host}`,
          failure: (reason) => ({
            code: 'registry-unavailable',
            what: `${server.host} could not be asked which versions of ${name} it has: ${reason}.`,
            fix: 'Re-run the job when the registry answers again.',
          }),
        },
        { method: 'GET', url: url(`/api/v1/versions/${encodeURIComponent(name)}.json`), headers: JSON_ONLY },
        (answer) => judgeVersions(answer, name, server),
      ),
    async digest({ name, version, originalPlatform }) {
      const page = url(`/api/v2/rubygems/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}.json`)
      page.searchParams.set('platform', originalPlatform)
      const answer = await http.send('verify', { method: 'GET', url: page, headers: JSON_ONLY })
      if (answer.status === 404) return { done: undefined }
      const sha256 = digestAt(answer.json)
      const sameVersion =
        (stringAt(answer.json, 'number') ?? version) === version &&
        (stringAt(answer.json, 'platform') ?? originalPlatform) === originalPlatform
      if (answer.status === 200 && sha256 && sameVersion) return { done: sha256 }
      if (answer.status === 200) return { again: 'the answer was 200 without the digest of this version' }
      const trouble = passingTrouble(answer, clock, 'verify')
      if (trouble) return trouble
      if (isPage(answer)) return { again: describe(answer) }
      throw new ReleaseError(hidden(answer, name, server))
    },
    push: (key, { contentType, upload }) =>
      http.send('push', {
        method: 'POST',
        url: url('/api/v1/gems'),
        headers: { authorization: key.value.reveal(), 'content-type': contentType, accept: '*/*' },
        body: upload,
      }),
    async file(fullName) {
      const answer = await http.send('preflight', {
        method: 'GET',
        url: url(`/gems/${encodeURIComponent(fullName)}.gem`),
      })
      return answer.status === 200 ? answer.bytes : undefined
    },
    served: (gem, until) => readServedGem(gem, server, until, { http, clock }),
    async info(name, etag) {
      const headers = etag === undefined ? {} : { 'if-none-match': etag }
      const answer = await http.send('index', { method: 'GET', url: url(`/info/${encodeURIComponent(name)}`), headers })
      if (answer.status === 304) return { state: 'unchanged' }
      if (answer.status === 200) return { state: 'text', text: answer.text, etag: answer.headers.get('etag') }
      return { state: 'none', reason: describe(answer) }
    },
  }
}

function judgeVersions(answer: HttpAnswer, name: string, server: GemServer): Attempt<readonly PublishedVersion[]> {
  if (answer.status === 404) return { done: [] }
  const { json } = answer
  const listed = Array.isArray(json) && json.every((entry) => stringAt(entry, 'number') !== undefined)
  if (answer.status === 200 && listed) return { done: json.flatMap(asVersion) }
  if (answer.status === 200) return { again: 'the answer was 200 without a list of versions' }
  if (isPage(answer)) return { again: describe(answer) }
  throw new ReleaseError({
    code: 'registry-unavailable',
    what: `${server.host} refused to list the versions of ${name}: ${describe(answer)}.`,
    fix: 'Check `gem-server`, and whether something between this runner and the server blocks it.',
  })
}

function hidden(answer: HttpAnswer, name: string, server: GemServer): Problem {
  return {
    code: 'registry-unavailable',
    what: `${server.host} refused to show whether it has this version of ${name}: ${describe(answer)}.`,
    why: 'The gem may or may not be published.',
    fix: 'Re-run the job: it asks again, and sends the gem only if it is not there. If the answer is always the same, something between this runner and the server blocks it.',
  }
}

function asVersion(value: unknown): PublishedVersion[] {
  const version = stringAt(value, 'number')
  const sha256 = digestAt(value)
  return version && sha256 ? [{ version, sha256, platform: stringAt(value, 'platform') ?? 'ruby' }] : []
}

function digestAt(value: unknown): string | undefined {
  const sha = stringAt(value, 'sha')
  return sha !== undefined && /^[0-9a-f]{64}$/i.test(sha) ? sha.toLowerCase() : undefined
}
