import { createHash } from 'node:crypto'
import { botBody } from './bodies.ts'
import { UPLOADS } from './openapi.ts'
import { type Call, nodeId } from './routes.ts'
import type { StoredAsset, StoredRelease } from './world.ts'

/** A draft's pages do not have its tag in their address, for there may be no such tag. */
function pageName(release: StoredRelease): string {
  const digest = createHash('sha256').update(String(release.id)).digest('hex')
  return release.draft ? `untagged-${digest.slice(0, 20)}` : encodeURIComponent(release.tag)
}

export function assetBody(call: Call, release: StoredRelease, asset: StoredAsset) {
  return {
    url: `${call.api}/releases/assets/${String(asset.id)}`,
    id: asset.id,
    node_id: nodeId('RA', asset.id),
    name: asset.name,
    label: asset.label,
    uploader: botBody(call),
    content_type: asset.contentType,
    state: asset.state ?? 'uploaded',
    size: asset.size,
    digest: asset.state ? null : `sha256:${asset.sha256}`,
    download_count: 0,
    created_at: asset.createdAt,
    updated_at: asset.createdAt,
    browser_download_url: `${call.html}/releases/download/${pageName(release)}/${asset.name}`,
  }
}

export function releaseBody(call: Call, release: StoredRelease) {
  const url = `${call.api}/releases/${String(release.id)}`
  const uploads = `${call.request.url.origin}${UPLOADS}/repos/${call.repository.name}/releases/${String(release.id)}/assets`
  return {
    url,
    assets_url: `${url}/assets`,
    upload_url: `${uploads}{?name,label}`,
    html_url: `${call.html}/releases/tag/${pageName(release)}`,
    id: release.id,
    author: botBody(call),
    node_id: nodeId('RE', release.id),
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    draft: release.draft,
    immutable: false,
    prerelease: release.prerelease,
    created_at: release.createdAt,
    updated_at: release.updatedAt,
    published_at: release.publishedAt,
    assets: release.assets.map((asset) => assetBody(call, release, asset)),
    tarball_url: release.draft ? null : `${call.api}/tarball/${release.tag}`,
    zipball_url: release.draft ? null : `${call.api}/zipball/${release.tag}`,
    body: release.body,
  }
}
