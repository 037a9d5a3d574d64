import { type Problem, ReleaseError } from '../errors.ts'
import { objectsAt, parseJson, stringAt } from '../json.ts'
import type { Clock } from '../world/clock.ts'
import { type Http, isPassing, passingTrouble, type Upload } from '../world/http.ts'
import { describe } from '../world/http-answer.ts'
import { HttpFault } from '../world/http-fault.ts'
import { type Attempt, persist } from '../world/retry.ts'
import type { Secret } from '../world/secret.ts'
import { githubClient, githubClientOnce, isRefusal, orRefusal, type Refusal } from './api-client.ts'
import { lazily } from './lazily.ts'

/** A GitHub Release, published or still a draft. */
export interface GitHubRelease {
  id: number
  draft: boolean
  /** Page for people. */
  url: string
  /** Where assets are sent; checked to be GitHub's. */
  uploadUrl: URL
  assets: readonly ReleaseAsset[]
}

export interface ReleaseAsset {
  id: number
  name: string
  size: number
  /** False for what is left of an upload that broke off. */
  complete: boolean
}

export interface NewRelease {
  tag: string
  commit: string
  /** Markdown, or undefined for notes that GitHub generates. */
  notes: string | undefined
  prerelease: boolean
}

export interface NewAsset {
  name: string
  type: string
  upload: Upload
}

/** The releases of a repository. Everything here may be repeated: what is there is looked up before it is made. */
export interface Releases {
  /** The release of a tag, drafts included. */
  find(tag: string): Promise<GitHubRelease | undefined>
  /** Makes a draft; after an answer that got lost, takes the one that was made. Throws ReleaseError (`github-release-failed`). */
  draft(release: NewRelease): Promise<GitHubRelease>
  attach(release: GitHubRelease, asset: NewAsset): Promise<void>
  /** Publishes a draft; returns its page. */
  publish(release: GitHubRelease): Promise<string>
}

export interface ReleasesOptions {
  name: string
  apiUrl: string
  token: Secret
  http: Http
  clock: Clock
  signal: AbortSignal
  log: (line: string) => void
}

/** Drafts have no address of their own; they are among the newest releases. */
const NEWEST = 100

export function createReleases(options: ReleasesOptions): Releases {
  const [owner = '', repo = ''] = options.name.split('/')
  const here = { owner, repo }
  const client = lazily(() => githubClient(options.token, options.apiUrl, options.http))
  const once = lazily(() => githubClientOnce(options.token, options.apiUrl, options.http))

  const find = async (tag: string): Promise<GitHubRelease | undefined> => {
    const { rest } = await client()
    const published = await orRefusal(rest.repos.getReleaseByTag({ ...here, tag }))
    if (!isRefusal(published)) return asRelease(published.data, options.apiUrl)
    if (published.status !== 404) throw new ReleaseError(failed(`look for the release of ${tag}`, published))
    const newest = await orRefusal(rest.repos.listReleases({ ...here, per_page: NEWEST }))
    if (isRefusal(newest)) throw new ReleaseError(failed('list the releases', newest))
    const draft = newest.data.find((release) => release.tag_name === tag)
    return draft && asRelease(draft, options.apiUrl)
  }

  return {
    find,
    draft: ({ tag, commit, notes, prerelease }) =>
      carefully(
        'github',
        `create the release of ${tag}`,
        options,
        () => find(tag),
        async () => {
          const { rest } = await once()
          const answer = await orRefusal(
            rest.repos.createRelease({
              ...here,
              tag_name: tag,
              target_commitish: commit,
              name: tag,
              draft: true,
              prerelease,
              ...(notes === undefined ? { generate_release_notes: true } : { body: notes }),
            }),
          )
          return isRefusal(answer) ? answer : { done: asRelease(answer.data, options.apiUrl) }
        },
      ),
    async attach(release, { name, type, upload }) {
      const url = new URL(release.uploadUrl)
      url.searchParams.set('name', name)
      await carefully(
        'push',
        `attach ${name} to the release`,
        options,
        () => attached(release, name, upload.bytes),
        async () => {
          const headers = {
            authorization: `token ${options.token.reveal()}`,
            accept: 'application/vnd.github+json',
            'content-type': type,
          }
          const answer = await options.http.send('push', { method: 'POST', url, headers, body: upload })
          const trouble = passingTrouble(answer, options.clock)
          if (trouble) return trouble
          return answer.status === 201 ? { done: true } : { status: answer.status, message: describe(answer) }
        },
      )
    },
    async publish(release) {
      const { rest } = await client()
      const answer = await orRefusal(rest.repos.updateRelease({ ...here, release_id: release.id, draft: false }))
      if (isRefusal(answer)) throw new ReleaseError(failed('publish the release', answer))
      return answer.data.html_url
    },
  }

  /** Whether an asset is there, whole; what is left of a broken upload is removed, since its name is taken. */
  async function attached(release: GitHubRelease, name: string, bytes: number): Promise<true | undefined> {
    const { rest } = await client()
    const answer = await orRefusal(rest.repos.listReleaseAssets({ ...here, release_id: release.id, per_page: NEWEST }))
    if (isRefusal(answer)) throw new ReleaseError(failed('list the assets of the release', answer))
    const found = answer.data.find((asset) => asset.name === name)
    if (!found) return undefined
    if (found.state === 'uploaded' && found.size === bytes) return true
    const removed = await orRefusal(rest.repos.deleteReleaseAsset({ ...here, asset_id: found.id }))
    if (isRefusal(removed)) throw new ReleaseError(failed(`remove a broken upload of ${name}`, removed))
    return undefined
  }
}

/** Does something that must not be done twice: after every failure that leaves it open, looks before trying again. */
async function carefully<T>(
  edge: 'github' | 'push',
  purpose: string,
  { clock, signal, log }: ReleasesOptions,
  look: () => Promise<T | undefined>,
  attempt: () => Promise<Attempt<T> | Refusal>,
): Promise<T> {
  const undertaking = { edge, purpose, failure: (reason: string) => failure(purpose, reason) }
  return persist(undertaking, { clock, signal, log }, async (number) => {
    const made = number > 1 ? await look() : undefined
    if (made !== undefined) return { done: made }
    try {
      const outcome = await attempt()
      if (!('status' in outcome)) return outcome
      if (outcome.status >= 500 || outcome.status === 429) return { again: `the answer was ${String(outcome.status)}` }
      throw new ReleaseError(failed(purpose, outcome))
    } catch (error) {
      if (error instanceof HttpFault && isPassing(error, edge)) return { again: error.message }
      if (error instanceof HttpFault) throw new ReleaseError(failure(purpose, error.message))
      throw error
    }
  })
}

function failed(purpose: string, { status, message }: Refusal): Problem {
  return failure(purpose, `${String(status)} ${JSON.stringify(message)}`)
}

function failure(purpose: string, reason: string): Problem {
  return {
    code: 'github-release-failed',
    what: `GitHub did not let this run ${purpose}: ${reason}.`,
    why: 'The gems and the tag are out already; only the GitHub Release is missing or incomplete.',
    fix: 'Give the job `contents: write`, and re-run it: it publishes nothing again and completes the release.',
  }
}

function asRelease(data: unknown, apiUrl: string): GitHubRelease {
  const value = parseJson(JSON.stringify(data))
  const id = typeof value === 'object' && value !== null && 'id' in value ? Number(value.id) : 0
  const draft = typeof value === 'object' && value !== null && 'draft' in value && value.draft === true
  return {
    id,
    draft,
    url: stringAt(value, 'html_url') ?? '',
    uploadUrl: trustedUploadUrl(stringAt(value, 'upload_url') ?? '', apiUrl),
    assets: objectsAt(value, 'assets').map((asset) => ({
      id: Number(asset['id']),
      name: stringAt(asset, 'name') ?? '',
      size: Number(asset['size']),
      complete: stringAt(asset, 'state') === 'uploaded',
    })),
  }
}

/** The token goes only to the API's own host, or to `uploads.github.com` for `api.github.com`. */
function trustedUploadUrl(template: string, apiUrl: string): URL {
  const url = URL.parse(template.replace(/\{.*\}$/, ''))
  const api = new URL(apiUrl)
  const allowed = new Set([api.origin, api.origin.replace('//api.', '//uploads.')])
  if (url && allowed.has(url.origin)) return url
  throw new ReleaseError(failure('attach files to the release', 'it named an upload address of another host'))
}
