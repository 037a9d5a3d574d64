import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { TestGitHub } from './github-setup.ts'

const REPO = '/repos/octo/rack-lens'

async function draftOf(world: TestGitHub): Promise<{ id: string; upload: string }> {
  const { body } = await ask(world.github, `POST ${REPO}/releases`, {
    token: world.token,
    body: { tag_name: 'v1.0.0', draft: true },
  })
  return { id: String(body['id']), upload: String(body['upload_url']).replace(/\{.*\}$/, '') }
}

async function upload(world: TestGitHub, url: string, body: Buffer, token = world.token) {
  const headers = { 'content-type': 'application/octet-stream' }
  return await ask(world.github, `POST ${url}`, { token, body, headers })
}

describe('assets', () => {
  it('are uploaded byte for byte, listed and deleted', async () => {
    await using world = await TestGitHub.start()
    const { id, upload: url } = await draftOf(world)
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_none, at) => at % 256))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const reply = await upload(world, `${url}?name=rack-lens-1.0.0.gem`, bytes)
    expect(reply.status).toBe(201)
    expect(reply.body).toMatchObject({
      name: 'rack-lens-1.0.0.gem',
      size: 70_000,
      digest: `sha256:${sha256}`,
      state: 'uploaded',
    })
    const [asset] = world.github.releases('octo/rack-lens')[0]?.assets ?? []
    const file = world.github.assetFile(asset?.id ?? 0)
    expect(readFileSync(file).equals(bytes)).toBe(true)
    const list = async () => (await ask(world.github, `GET ${REPO}/releases/${id}/assets`, { token: world.token })).list
    expect((await list()).map(({ name }) => name)).toEqual(['rack-lens-1.0.0.gem'])
    const line = `DELETE ${REPO}/releases/assets/${String(asset?.id)}`
    expect((await ask(world.github, line, { token: world.token })).status).toBe(204)
    expect(await list()).toEqual([])
    expect(existsSync(file)).toBe(false)
    expect((await ask(world.github, line, { token: world.token })).status).toBe(404)
    expect(world.github.violations).toEqual([])
  })

  it('are refused under a name that is taken', async () => {
    await using world = await TestGitHub.start()
    const { upload: url } = await draftOf(world)
    await upload(world, `${url}?name=a.gem`, Buffer.from('one'))
    const again = await upload(world, `${url}?name=a.gem`, Buffer.from('two'))
    expect(again.status).toBe(422)
    expect(again.body['errors']).toEqual([{ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' }])
  })

  it.each([
    ['a b(c).gem', 'a.b.c.gem'],
    ['.hidden', 'default.hidden'],
    ['a+b_c-1.gem', 'a+b_c-1.gem'],
  ])('%s is stored as %s', async (name, stored) => {
    await using world = await TestGitHub.start()
    const { upload: url } = await draftOf(world)
    const reply = await upload(world, `${url}?name=${encodeURIComponent(name)}`, Buffer.from('x'))
    expect(reply.body['name']).toBe(stored)
  })

  it('need contents: write, some bytes and a release', async () => {
    await using world = await TestGitHub.start()
    const { upload: url } = await draftOf(world)
    expect((await upload(world, `${url}?name=a.gem`, Buffer.from('x'), world.tokenWith('read'))).status).toBe(403)
    expect((await upload(world, `${url}?name=a.gem`, Buffer.alloc(0))).status).toBe(400)
    const gone = url.replace(/\d+\/assets$/, '1/assets')
    expect((await upload(world, `${gone}?name=a.gem`, Buffer.from('x'))).status).toBe(404)
    expect(world.github.releases('octo/rack-lens')[0]?.assets).toEqual([])
  })
})
