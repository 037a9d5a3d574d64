import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { git } from '../../sandbox/github/git.ts'
import { TestGitHub, withToken } from './github-setup.ts'

const REPO = '/repos/octo/rack-lens'
const NOBODY = 'f'.repeat(40)

async function createTagObject(world: TestGitHub, tag: string, extra: Record<string, unknown> = {}): Promise<string> {
  const body = { tag, message: `Version ${tag}`, object: world.commit, type: 'commit', ...extra }
  const reply = await ask(world.github, `POST ${REPO}/git/tags`, { token: world.token, body })
  expect(reply).toMatchObject({ status: 201 })
  return String(reply.body['sha'])
}

async function createRef(world: TestGitHub, ref: string, sha: string, token = world.token) {
  return await ask(world.github, `POST ${REPO}/git/refs`, { token, body: { ref, sha } })
}

describe('an annotated tag through the API', () => {
  it('is made of an object without a ref and then a ref', async () => {
    await using world = await TestGitHub.start()
    const sha = await createTagObject(world, 'v1.0.0')
    expect(await world.repository.tag('v1.0.0')).toBeUndefined()
    const reply = await createRef(world, 'refs/tags/v1.0.0', sha)
    expect(reply.status).toBe(201)
    expect(reply.body).toMatchObject({ ref: 'refs/tags/v1.0.0', object: { sha, type: 'tag' } })
    expect(reply.headers.get('location')).toBe(reply.body['url'])
    expect(await world.repository.tag('v1.0.0')).toMatchObject({
      object: sha,
      type: 'tag',
      message: 'Version v1.0.0',
      commit: world.commit,
      tagger: { name: 'github-actions[bot]', email: '41898282+github-actions[bot]@users.noreply.github.com' },
    })
    expect(world.github.violations).toEqual([])
  })

  it('is fetched by git as the same object', async () => {
    await using world = await TestGitHub.start()
    const tagger = { name: 'Jane', email: 'jane@example.com', date: '2026-11-23T10:00:00+02:00' }
    const sha = await createTagObject(world, 'v1.0.0', { tagger })
    await createRef(world, 'refs/tags/v1.0.0', sha)
    const cwd = await world.clone()
    expect(await git(['rev-parse', 'v1.0.0'], { cwd })).toBe(sha)
    const text = await git(['cat-file', 'tag', 'v1.0.0'], { cwd })
    expect(text).toBe(
      `object ${world.commit}\ntype commit\ntag v1.0.0\ntagger Jane <jane@example.com> 1795420800 +0000\n\nVersion v1.0.0`,
    )
  })

  it('is read back by its sha, one pushed by git as well', async () => {
    await using world = await TestGitHub.start()
    const cwd = await world.clone()
    await git(['tag', '--annotate', '--message', 'by git', 'v1.0.0'], { cwd })
    await withToken(world.token, ['push', 'origin', 'v1.0.0'], cwd)
    const sha = await git(['rev-parse', 'v1.0.0'], { cwd })
    const reply = await ask(world.github, `GET ${REPO}/git/tags/${sha}`)
    expect(reply.body).toMatchObject({
      sha,
      tag: 'v1.0.0',
      message: 'by git\n',
      object: { sha: world.commit, type: 'commit' },
    })
  })

  it.each([
    ['an unknown object', { object: NOBODY }, 'Could not verify object'],
    ['another type than the object has', { type: 'tree' }, 'Could not verify object'],
    ['a name git does not allow', { tag: 'v1..0' }, 'Could not verify tag name'],
    ['a short commit', { object: 'abc1234' }, 'At least 40 characters are required; only 7 were supplied.'],
  ])('is refused with %s', async (_what, change, words) => {
    await using world = await TestGitHub.start()
    const body = { tag: 'v1.0.0', message: 'x', object: world.commit, type: 'commit', ...change }
    const reply = await ask(world.github, `POST ${REPO}/git/tags`, { token: world.token, body })
    expect(reply.status).toBe(422)
    expect(reply.body['message']).toContain(words)
  })
})

describe('creating a ref', () => {
  it.each([
    ['refs/tags/v1.0.0', NOBODY, 'Object does not exist'],
    ['refs/tags/v1..0', undefined, 'refs/tags/v1..0 is not a valid ref name.'],
    ['tags/v1.0.0', undefined, "Reference name must start with 'refs/'."],
    ['refs/v1.0.0', undefined, 'Reference name must contain at least three slash-separated components.'],
    ['refs/heads/main', undefined, 'Reference already exists'],
    ['refs/heads/main/more', undefined, 'Reference update failed'],
    ['refs/tags/v1.0.0', 'abc1234', 'Invalid request.\n\nAt least 40 characters are required; only 7 were supplied.'],
  ])('%s at %s is refused', async (ref, sha, message) => {
    await using world = await TestGitHub.start()
    const reply = await createRef(world, ref, sha ?? world.commit)
    expect(reply.status).toBe(422)
    expect(reply.body).toEqual({
      message,
      documentation_url: 'https://docs.github.com/rest/git/refs#create-a-reference',
      status: '422',
    })
    expect(Object.keys(await world.repository.refs())).toEqual(['refs/heads/main'])
  })

  it('does not put a branch on a tag object', async () => {
    await using world = await TestGitHub.start()
    const sha = await createTagObject(world, 'v1.0.0')
    const reply = await createRef(world, 'refs/heads/release', sha)
    expect([reply.status, reply.body['message']]).toEqual([422, 'Reference update failed'])
  })

  it('is won by one of many at the same time', async () => {
    await using world = await TestGitHub.start()
    const shas = await Promise.all(['a', 'b', 'c', 'd'].map((message) => createTagObject(world, 'v1.0.0', { message })))
    const replies = await Promise.all(shas.map((sha) => createRef(world, 'refs/tags/v1.0.0', sha)))
    expect(replies.map(({ status }) => String(status)).toSorted()).toEqual(['201', '422', '422', '422'])
    const winner = replies.findIndex(({ status }) => status === 201)
    expect((await world.repository.tag('v1.0.0'))?.object).toBe(shas[winner])
  })

  it('of a protected tag breaks a rule, unless the token may bypass it', async () => {
    await using world = await TestGitHub.start()
    world.repository.protectTags('v*')
    const refused = await createRef(world, 'refs/tags/v1.0.0', world.commit)
    expect(refused.status).toBe(422)
    expect(refused.body['message']).toBe(
      'Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n',
    )
    expect(await world.repository.tag('v1.0.0')).toBeUndefined()
    const passed = await createRef(world, 'refs/tags/v1.0.0', world.commit, world.tokenWith('write', true))
    expect(passed.status).toBe(201)
  })

  it('needs workflows: write for a commit whose workflows are not those of the default branch', async () => {
    await using world = await TestGitHub.start()
    const old = await world.repository.commit({ '.github/workflows/ci.yml': 'on: push\n' })
    await world.repository.commit({ '.github/workflows/ci.yml': 'on: [push, pull_request]\n' })
    const head = await world.repository.commit({ 'lib/lens.rb': '# new\n' })
    const refused = await createRef(world, 'refs/tags/v1.0.0', old)
    expect([refused.status, refused.body['message']]).toEqual([403, 'Resource not accessible by integration'])
    expect(refused.headers.get('x-accepted-github-permissions')).toBe('contents=write; contents=write,workflows=write')
    expect((await createRef(world, 'refs/tags/v2.0.0', head)).status).toBe(201)
    const permissions = { contents: 'write', workflows: 'write' } as const
    const app = world.github.addToken({ repository: 'octo/rack-lens', permissions })
    expect((await createRef(world, 'refs/tags/v1.0.0', old, app)).status).toBe(201)
  })
})

describe('reading refs', () => {
  it('finds the ref itself and no other that begins with its name', async () => {
    await using world = await TestGitHub.start()
    await createRef(world, 'refs/tags/v1.0.0', world.commit)
    const found = await ask(world.github, `GET ${REPO}/git/ref/tags/v1.0.0`)
    expect(found.body).toMatchObject({ ref: 'refs/tags/v1.0.0', object: { sha: world.commit, type: 'commit' } })
    for (const ref of ['tags/v1.0', 'tags', 'refs/tags/v1.0.0', 'v1.0.0', world.commit]) {
      expect([ref, (await ask(world.github, `GET ${REPO}/git/ref/${ref}`)).status]).toEqual([ref, 404])
    }
  })

  it('takes the slashes of a ref percent-encoded, as Octokit sends them', async () => {
    await using world = await TestGitHub.start()
    await createRef(world, 'refs/tags/lens/v1.0.0', world.commit)
    const reply = await ask(world.github, `GET ${REPO}/git/ref/tags%2Flens%2Fv1.0.0`)
    expect(reply.body['ref']).toBe('refs/tags/lens/v1.0.0')
  })

  it('lists every ref that begins with a name', async () => {
    await using world = await TestGitHub.start()
    for (const tag of ['v1.0.0', 'v1.0.1', 'v2.0.0']) await createRef(world, `refs/tags/${tag}`, world.commit)
    const some = await ask(world.github, `GET ${REPO}/git/matching-refs/tags/v1`)
    expect(some.list.map(({ ref }) => ref)).toEqual(['refs/tags/v1.0.0', 'refs/tags/v1.0.1'])
    const none = await ask(world.github, `GET ${REPO}/git/matching-refs/tags/w`)
    expect([none.status, none.list]).toEqual([200, []])
  })

  it('says 409 of a repository without commits', async () => {
    await using world = await TestGitHub.start()
    await world.github.createRepository('octo/empty')
    const reply = await ask(world.github, 'GET /repos/octo/empty/git/ref/heads/main')
    expect([reply.status, reply.body['message']]).toEqual([409, 'Git Repository is empty.'])
  })
})
