import { ReleaseError } from '../errors.ts'
import { parseJson, stringAt } from '../json.ts'
import type { Clock } from '../world/clock.ts'
import { type Http, isPassing } from '../world/http.ts'
import { HttpFault } from '../world/http-fault.ts'
import { type Attempt, persist } from '../world/retry.ts'
import type { Secret } from '../world/secret.ts'
import { githubClient, githubClientOnce, isRefusal, orRefusal, type Refusal } from './api-client.ts'
import { lazily } from './lazily.ts'
import { listAssets, makeRoom, type NewAsset, type ReleaseAsset, send, type Shelf } from './release-assets.ts'
import { releaseFailed, releaseFailure } from './release-failure.ts'

export type { NewAsset } from './release-assets.ts'

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

export interface NewRelease {
  tag: string
  commit: string
  /** Markdown, or undefined for notes that GitHub generates. */
  notes: string | undefined
  prerelease: boolean
}

/** The releases of a repository. Everything here may be repeated: what is there is looked up before it is made. */
export interface Releases {
  /** The release of a tag, drafts included. */
  find(tag: string): Promise<GitHubRelease | undefined>
  /** Makes a draft; after an answer that got lost, takes the one that was made. Throws ReleaseError (`github-release-failed`). */
  draft(release: NewRelease): Promise<GitHubRelease>
  /** Attaches an asset unless it is there, whole; what else has its name is replaced. */
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
  const shelf: Shelf = { ...here, ...options, client }

  const find = async (tag: string): Promise<GitHubRelease | undefined> => {
    const { rest } = await client()
    const published = await orRefusal(rest.repos.getReleaseByTag({ ...here, tag }))
    if (!isRefusal(published)) return asRelease(published.data, options.apiUrl, shelf)
    if (published.status !== 404) throw new ReleaseError(releaseFailed(`look for the release of ${tag}`, published))
    const newest = await orRefusal(rest.repos.listReleases({ ...here, per_page: NEWEST }))
    if (isRefusal(newest)) throw new ReleaseError(releaseFailed('list the releases', newest))
    const draft = newest.data.find((release) => release.tag_name === tag)
    return draft && asRelease(draft, options.apiUrl, shelf)
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
          return isRefusal(answer) ? answer : { done: freshRelease(answer.data, options.apiUrl) }
        },
      ),
    async attach(release, asset) {
      if (await makeRoom(shelf, release.assets, asset)) return
      await carefully(
        'push',
        `attach ${asset.name} to the release`,
        options,
        async () => ((await makeRoom(shelf, await listAssets(shelf, release.id), asset)) ? true : undefined),
        () => send(shelf, release.uploadUrl, asset),
      )
    },
    async publish(release) {
      const { rest } = await client()
      const answer = await orRefusal(rest.repos.updateRelease({ ...here, release_id: release.id, draft: false }))
      if (isRefusal(answer)) throw new ReleaseError(releaseFailed('publish the release', answer))
      return answer.data.html_url
    },
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
  const undertaking = { edge, purpose, failure: (reason: string) => releaseFailure(purpose, reason) }
  return persist(undertaking, { clock, signal, log }, async (number) => {
    const made = number > 1 ? await look() : undefined
    if (made !== undefined) return { done: made }
    try {
      const outcome = await attempt()
      if (!('status' in outcome)) return outcome
      if (outcome.status >= 500 || outcome.status === 429) return { again: `the answer was ${String(outcome.status)}` }
      throw new ReleaseError(releaseFailed(purpose, outcome))
    } catch (error) {
      if (error instanceof HttpFault && isPassing(error, edge)) return { again: error.message }
      if (error instanceof HttpFault) throw new ReleaseError(releaseFailure(purpose, error.message))
      throw error
    }
  })
}

/** A release that was there before, with all its assets: GitHub's own list in it may be cut short. */
async function asRelease(data: unknown, apiUrl: string, shelf: Shelf): Promise<GitHubRelease> {
  const release = freshRelease(data, apiUrl)
  return { ...release, assets: await listAssets(shelf, release.id) }
}

function freshRelease(data: unknown, apiUrl: string): GitHubRelease {
  const value = parseJson(JSON.stringify(data))
  const id = typeof value === 'object' && value !== null && 'id' in value ? Number(value.id) : 0
  const draft = typeof value === 'object' && value !== null && 'draft' in value && value.draft === true
  return {
    id,
    draft,
    url: stringAt(value, 'html_url') ?? '',
    uploadUrl: trustedUploadUrl(stringAt(value, 'upload_url') ?? '', apiUrl),
    assets: [],
  }
}

/** The token goes only to the API's own host, or to `uploads.github.com` for `api.github.com`. */
function trustedUploadUrl(template: string, apiUrl: string): URL {
  const url = URL.parse(template.replace(/\{.*\}$/, ''))
  const api = new URL(apiUrl)
  const allowed = new Set([api.origin, api.origin.replace('//api.', '//uploads.')])
  if (url && allowed.has(url.origin)) return url
  throw new ReleaseError(releaseFailure('attach files to the release', 'it named an upload address of another host'))
}
