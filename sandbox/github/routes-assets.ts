import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { type Answer, Refusal, created, notFound, validationFailed } from './answers.ts'
import { assetBody } from './bodies-releases.ts'
import { releaseOf } from './routes-releases.ts'
import type { Call, Route } from './routes.ts'
import type { StoredAsset, StoredRelease } from './world.ts'

const MAX_ASSET_BYTES = 1024 * 1024 * 1024

/** "GitHub renames asset filenames that have special characters, non-alphanumeric characters, and leading or trailing periods." */
function storedName(name: string): string {
  const plain = name
    .replaceAll(/[^\w.+@-]+/g, '.')
    .replaceAll(/\.{2,}/g, '.')
    .replace(/\.$/, '')
  return plain.startsWith('.') ? `default${plain}` : plain
}

function refuseTaken(release: StoredRelease | undefined, name: string): StoredRelease {
  if (!release) throw notFound()
  if (release.assets.some((one) => one.name === name)) {
    throw validationFailed({ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' })
  }
  return release
}

/**
 * An upload whose bytes do not all arrive leaves "an empty asset with a state of starter. It can be safely deleted"
 * (https://docs.github.com/rest/releases/assets#upload-a-release-asset), and until then its name is taken.
 */
async function uploadAsset(call: Call): Promise<Answer> {
  const { searchParams } = call.request.url
  const wanted = searchParams.get('name') ?? ''
  const size = call.request.headers['content-length'] ?? ''
  const type = call.request.headers['content-type']
  const release = releaseOf(call)
  if (!/^[1-9]\d*$/.test(size)) throw new Refusal(400, `Bad Content-Length: ${size}`)
  if (wanted === '') throw validationFailed({ resource: 'ReleaseAsset', code: 'missing_field', field: 'name' })
  if (type === undefined)
    throw validationFailed({ resource: 'ReleaseAsset', code: 'missing_field', field: 'content_type' })
  const name = storedName(wanted)
  const asset: StoredAsset = {
    id: 300_000_000 + call.world.takeId(),
    name,
    label: searchParams.get('label') ?? '',
    contentType: type,
    state: 'starter',
    size: 0,
    sha256: '',
    createdAt: new Date().toISOString().replace(/\.\d+/, ''),
  }
  const keep = (bytes: Buffer): void => {
    call.world.changeRepository(call.repository.name, ({ releases }) => {
      const current = releases.find((one) => one.id === release.id)
      refuseTaken(current, name).assets.push(asset)
      writeFileSync(call.world.assetFile(asset.id), bytes)
    })
  }
  const bytes = await call.request.body(MAX_ASSET_BYTES).catch((error: unknown) => {
    keep(Buffer.alloc(0))
    throw error
  })
  delete asset.state
  asset.size = bytes.length
  asset.sha256 = createHash('sha256').update(bytes).digest('hex')
  keep(bytes)
  return created(assetBody(call, release, asset))
}

function listAssets(call: Call): Answer {
  const release = releaseOf(call)
  return call.page(release.assets.map((asset) => assetBody(call, release, asset)))
}

function deleteAsset(call: Call): Answer {
  const id = Number(call.params['asset_id'])
  const found = call.world.changeRepository(call.repository.name, ({ releases }) => {
    const release = releases.find(({ assets }) => assets.some((one) => one.id === id))
    if (release) release.assets = release.assets.filter((one) => one.id !== id)
    return release
  })
  if (!found) throw notFound()
  rmSync(call.world.assetFile(id), { force: true })
  return { status: 204 }
}

const RELEASES = '/repos/{owner}/{repo}/releases'

export const ASSET_ROUTES: Record<string, Route> = {
  [`GET ${RELEASES}/{release_id}/assets`]: { permission: 'contents=read', handle: listAssets },
  [`POST ${RELEASES}/{release_id}/assets`]: { permission: 'contents=write', handle: uploadAsset },
  [`DELETE ${RELEASES}/assets/{asset_id}`]: { permission: 'contents=write', handle: deleteAsset },
}
