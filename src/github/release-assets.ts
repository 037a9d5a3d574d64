import { ReleaseError } from '../errors.ts'
import { stringAt } from '../json.ts'
import { type Http, type Upload, passingTrouble } from '../world/http.ts'
import { describe } from '../world/http-answer.ts'
import type { Clock } from '../world/clock.ts'
import type { Attempt } from '../world/retry.ts'
import type { Secret } from '../world/secret.ts'
import { type githubClient, isRefusal, orRefusal, type Refusal } from './api-client.ts'
import { releaseFailed } from './release-failure.ts'

export interface ReleaseAsset {
  id: number
  name: string
  size: number
  /** `sha256:…`; absent for assets of before GitHub computed it. */
  digest: string | undefined
  /** False for what is left of an upload that broke off: a `starter` without bytes, whose name is taken. */
  complete: boolean
}

export interface NewAsset {
  name: string
  type: string
  /** Undefined where any content that is there under this name is as good as ours. */
  sha256: string | undefined
  upload: Upload
}

type Client = Awaited<ReturnType<typeof githubClient>>

export interface Shelf {
  owner: string
  repo: string
  client: () => Promise<Client>
  http: Http
  clock: Clock
  token: Secret
  log: (line: string) => void
}

/** A page of a list; fewer entries than this end it. */
const PAGE = 100

/** All assets of a release. Throws ReleaseError (`github-release-failed`). */
export async function listAssets({ owner, repo, client }: Shelf, id: number): Promise<ReleaseAsset[]> {
  const { rest } = await client()
  const assets: ReleaseAsset[] = []
  for (let page = 1; ; page++) {
    const answer = await orRefusal(rest.repos.listReleaseAssets({ owner, repo, release_id: id, per_page: PAGE, page }))
    if (isRefusal(answer)) throw new ReleaseError(releaseFailed('list the assets of the release', answer))
    assets.push(...answer.data.map(asAsset))
    if (answer.data.length < PAGE) return assets
  }
}

/** Whether `asset` is what is wanted, to the last byte as far as GitHub tells. */
export function isWhole(asset: ReleaseAsset, { sha256, upload }: NewAsset): boolean {
  if (!asset.complete || asset.size === 0) return false
  if (sha256 === undefined) return true
  return asset.digest === undefined ? asset.size === upload.bytes : asset.digest === `sha256:${sha256}`
}

/**
 * Makes room for an asset: true where it is there, whole; otherwise what has its name is removed, half an upload or
 * other bytes, since a name is given once.
 */
export async function makeRoom(shelf: Shelf, assets: readonly ReleaseAsset[], wanted: NewAsset): Promise<boolean> {
  const found = assets.find((asset) => asset.name === wanted.name)
  if (!found) return false
  if (isWhole(found, wanted)) return true
  const { owner, repo } = shelf
  const { rest } = await shelf.client()
  const removed = await orRefusal(rest.repos.deleteReleaseAsset({ owner, repo, asset_id: found.id }))
  // 404: an earlier request of ours has removed it, and its answer got lost.
  if (isRefusal(removed) && removed.status !== 404) {
    throw new ReleaseError(releaseFailed(`replace ${wanted.name}`, removed))
  }
  shelf.log(
    found.complete
      ? `Replacing ${wanted.name}: the release had it with other bytes.`
      : `Replacing ${wanted.name}: an upload of it had broken off.`,
  )
  return false
}

/** One attempt to send an asset. */
export async function send(
  { http, clock, token }: Shelf,
  uploadUrl: URL,
  { name, type, upload }: NewAsset,
): Promise<Attempt<true> | Refusal> {
  const url = new URL(uploadUrl)
  url.searchParams.set('name', name)
  const headers = {
    authorization: `token ${token.reveal()}`,
    accept: 'application/vnd.github+json',
    'content-type': type,
  }
  const answer = await http.send('push', { method: 'POST', url, headers, body: upload })
  const trouble = passingTrouble(answer, clock)
  if (trouble) return trouble
  if (answer.status === 201) return { done: true }
  // Somebody was faster, or an attempt of ours has left something: the next one looks what it is.
  if (answer.status === 422 && /already_exists/.test(answer.text)) return { again: `there is a ${name} already` }
  return { status: answer.status, message: describe(answer) }
}

export function asAsset(value: object): ReleaseAsset {
  return {
    id: 'id' in value ? Number(value.id) : 0,
    name: stringAt(value, 'name') ?? '',
    size: 'size' in value ? Number(value.size) : 0,
    digest: stringAt(value, 'digest'),
    complete: stringAt(value, 'state') === 'uploaded',
  }
}
