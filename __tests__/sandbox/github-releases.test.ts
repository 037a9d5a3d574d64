import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { TestGitHub } from './github-setup.ts'

const REPO = '/repos/octo/rack-lens'

async function create(world: TestGitHub, body: Record<string, unknown>, token = world.token) {
  return await ask(world.github, `POST ${REPO}/releases`, { token, body })
}

async function byTag(world: TestGitHub, tag: string): Promise<number> {
  return (await ask(world.github, `GET ${REPO}/releases/tags/${tag}`, { token: world.token })).status
}

async function draftOf(world: TestGitHub): Promise<string> {
  const { body } = await create(world, { tag_name: 'v1.0.0', draft: true })
  return String(body['id'])
}

describe('a draft', () => {
  it('makes no tag and is not found by its tag', async () => {
    await using world = await TestGitHub.start()
    const reply = await create(world, { tag_name: 'v1.0.0', name: '1.0.0', body: 'Notes', draft: true })
    expect(reply.status).toBe(201)
    expect(reply.body).toMatchObject({ tag_name: 'v1.0.0', draft: true, published_at: null, target_commitish: 'main' })
    expect(reply.body['html_url']).toMatch(/\/octo\/rack-lens\/releases\/tag\/untagged-[0-9a-f]{20}$/)
    expect(await world.repository.tag('v1.0.0')).toBeUndefined()
    expect(await byTag(world, 'v1.0.0')).toBe(404)
  })

  it('is there only for those who may push', async () => {
    await using world = await TestGitHub.start()
    const id = await draftOf(world)
    const seen = async (token: string) => {
      const list = await ask(world.github, `GET ${REPO}/releases`, { token })
      const one = await ask(world.github, `GET ${REPO}/releases/${id}`, { token })
      return [list.list.length, one.status]
    }
    expect(await seen(world.token)).toEqual([1, 200])
    expect(await seen(world.tokenWith('read'))).toEqual([0, 404])
  })

  it('must have a target that exists, too', async () => {
    await using world = await TestGitHub.start()
    const reply = await create(world, { tag_name: 'v1.0.0', target_commitish: 'refs/tags/v0', draft: true })
    expect(reply.status).toBe(422)
    expect(reply.body['errors']).toEqual([{ resource: 'Release', code: 'invalid', field: 'target_commitish' }])
  })

  it('makes a lightweight tag at its target when it is published', async () => {
    await using world = await TestGitHub.start()
    const first = world.commit
    await world.repository.commit({ 'lib/lens.rb': '# new\n' })
    const { body } = await create(world, { tag_name: 'v1.0.0', target_commitish: first, draft: true })
    const line = `PATCH ${REPO}/releases/${String(body['id'])}`
    const reply = await ask(world.github, line, { token: world.token, body: { draft: false } })
    expect(reply.status).toBe(200)
    expect(reply.body).toMatchObject({ draft: false, tag_name: 'v1.0.0' })
    expect(reply.body['published_at']).not.toBeNull()
    expect(await world.repository.tag('v1.0.0')).toEqual({ object: first, type: 'commit', commit: first })
    expect(await byTag(world, 'v1.0.0')).toBe(200)
  })
})

describe('publishing', () => {
  it('leaves an annotated tag as it is', async () => {
    await using world = await TestGitHub.start()
    const object = { tag: 'v1.0.0', message: 'v1', object: world.commit, type: 'commit' }
    const tag = await ask(world.github, `POST ${REPO}/git/tags`, { token: world.token, body: object })
    const sha = String(tag.body['sha'])
    await ask(world.github, `POST ${REPO}/git/refs`, { token: world.token, body: { ref: 'refs/tags/v1.0.0', sha } })
    await world.repository.commit({ 'lib/lens.rb': '# new\n' })
    const reply = await create(world, { tag_name: 'v1.0.0' })
    expect(reply.status).toBe(201)
    expect(reply.headers.get('location')).toBe(reply.body['url'])
    expect((await world.repository.tag('v1.0.0'))?.object).toBe(sha)
  })

  it('dates a release by its commit', async () => {
    await using world = await TestGitHub.start()
    await world.repository.commit({ 'lib/lens.rb': '# new\n' }, { date: new Date('2026-01-02T03:04:05Z') })
    const { body } = await create(world, { tag_name: 'v1.0.0' })
    expect(body['created_at']).toBe('2026-01-02T03:04:05Z')
    expect(body['published_at']).not.toBe(body['created_at'])
  })

  it('needs no rule where the protected tag is there already', async () => {
    await using world = await TestGitHub.start()
    const ref = { ref: 'refs/tags/v1.0.0', sha: world.commit }
    await ask(world.github, `POST ${REPO}/git/refs`, { token: world.token, body: ref })
    world.repository.protectTags('v*')
    expect((await create(world, { tag_name: 'v1.0.0' })).status).toBe(201)
  })

  it('is refused at a short commit, even one that is there', async () => {
    await using world = await TestGitHub.start()
    const reply = await create(world, { tag_name: 'v1.0.0', target_commitish: world.commit.slice(0, 8) })
    expect(reply.status).toBe(422)
  })

  it('is refused for a tag that has a release', async () => {
    await using world = await TestGitHub.start()
    expect((await create(world, { tag_name: 'v1.0.0' })).status).toBe(201)
    const again = await create(world, { tag_name: 'v1.0.0' })
    expect(again.status).toBe(422)
    expect(again.body['errors']).toEqual([{ resource: 'Release', code: 'already_exists', field: 'tag_name' }])
    const id = await draftOf(world)
    const publish = { token: world.token, body: { draft: false } }
    expect((await ask(world.github, `PATCH ${REPO}/releases/${id}`, publish)).status).toBe(422)
    expect(world.github.releases('octo/rack-lens').map(({ draft }) => draft)).toEqual([false, true])
  })

  it('is done by one of many at the same time', async () => {
    await using world = await TestGitHub.start()
    const replies = await Promise.all(Array.from({ length: 4 }, () => create(world, { tag_name: 'v1.0.0' })))
    expect(replies.map(({ status }) => String(status)).toSorted()).toEqual(['201', '422', '422', '422'])
    expect(world.github.releases('octo/rack-lens')).toHaveLength(1)
  })

  it.each(['v9.9.9', 'refs/heads/main', 'HEAD', 'f'.repeat(40)])('is refused at target %s', async (target) => {
    await using world = await TestGitHub.start()
    const reply = await create(world, { tag_name: 'v1.0.0', target_commitish: target })
    expect(reply.status).toBe(422)
    expect(reply.body['errors']).toContainEqual({ resource: 'Release', code: 'invalid', field: 'target_commitish' })
    expect(await world.repository.tag('v1.0.0')).toBeUndefined()
    expect(world.github.releases('octo/rack-lens')).toEqual([])
  })

  it('breaks the rule of a protected tag in the words of a hook', async () => {
    await using world = await TestGitHub.start()
    world.repository.protectTags('v*')
    const reply = await create(world, { tag_name: 'v1.0.0' })
    expect(reply.status).toBe(422)
    expect(JSON.stringify(reply.body['errors'])).toContain('Cannot create ref due to creations being restricted.')
    expect(reply.body['errors']).toContainEqual({
      resource: 'Release',
      code: 'custom',
      message: 'Published releases must have a valid tag',
    })
    expect((await create(world, { tag_name: 'v1.0.0' }, world.tokenWith('write', true))).status).toBe(201)
  })

  it('is refused in a repository without commits', async () => {
    await using world = await TestGitHub.start()
    await world.github.createRepository('octo/empty')
    const token = world.github.addToken({ repository: 'octo/empty', permissions: { contents: 'write' } })
    const reply = await ask(world.github, 'POST /repos/octo/empty/releases', { token, body: { tag_name: 'v1' } })
    expect([reply.status, reply.body['message']]).toEqual([422, 'Repository is empty.'])
  })
})

describe('a release', () => {
  it('is changed field by field', async () => {
    await using world = await TestGitHub.start()
    const { body } = await create(world, { tag_name: 'v1.0.0', name: 'One', body: 'Old', prerelease: true })
    const line = `PATCH ${REPO}/releases/${String(body['id'])}`
    const reply = await ask(world.github, line, { token: world.token, body: { body: 'New' } })
    expect(reply.body).toMatchObject({ name: 'One', body: 'New', prerelease: true, draft: false })
  })

  it('comes newest first and in pages that lead to each other', async () => {
    await using world = await TestGitHub.start()
    for (const tag of ['v1', 'v2', 'v3']) await create(world, { tag_name: tag })
    const first = await ask(world.github, `GET ${REPO}/releases?per_page=2`)
    expect(first.list.map((one) => one['tag_name'])).toEqual(['v3', 'v2'])
    const next = /<(?<url>[^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.groups?.['url'] ?? ''
    const second = await ask(world.github, `GET ${next}`)
    expect(second.list.map((one) => one['tag_name'])).toEqual(['v1'])
    expect(second.headers.get('link')).not.toContain('rel="next"')
  })

  it('has notes that compare it with the one before', async () => {
    await using world = await TestGitHub.start()
    const notes = async (body: object) =>
      await ask(world.github, `POST ${REPO}/releases/generate-notes`, { token: world.token, body })
    const html = `${world.github.serverUrl}/octo/rack-lens`
    const first = await notes({ tag_name: 'v1' })
    expect(first.body).toEqual({ name: 'v1', body: `**Full Changelog**: ${html}/commits/v1` })
    await create(world, { tag_name: 'v1' })
    const second = await create(world, { tag_name: 'v2', body: 'Hello', generate_release_notes: true })
    expect(second.body).toMatchObject({ name: 'v2', body: `Hello\n\n**Full Changelog**: ${html}/compare/v1...v2` })
    expect((await notes({ tag_name: 'v3', previous_tag_name: 'v0' })).status).toBe(422)
    expect((await notes({ tag_name: 'v3', target_commitish: 'gone' })).status).toBe(422)
  })
})
