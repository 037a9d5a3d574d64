import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { git } from '../../sandbox/github/git.ts'
import { aim } from '../../sandbox/faults.ts'
import { TestGitHub, withToken } from './github-setup.ts'

async function pushTag(world: TestGitHub, token: string | undefined, tag: string): Promise<string> {
  const cwd = await world.clone(world.token)
  await git(['tag', '--annotate', '--message', `Version ${tag}`, tag], { cwd })
  const { code, stderr } = await withToken(token, ['push', 'origin', `refs/tags/${tag}`], cwd)
  return `${String(code)}\n${stderr}`
}

describe('reading over git', () => {
  it('lets anybody clone a public repository', async () => {
    await using world = await TestGitHub.start()
    const directory = await world.clone()
    expect(existsSync(join(directory, 'lib/lens.rb'))).toBe(true)
    expect(await git(['rev-parse', 'HEAD'], { cwd: directory })).toBe(world.commit)
  })

  it('answers to an address without .git and in another case', async () => {
    await using world = await TestGitHub.start()
    const { stdout } = await withToken(undefined, ['ls-remote', `${world.github.serverUrl}/Octo/Rack-Lens`, 'HEAD'])
    expect(stdout.toString()).toBe(`${world.commit}\tHEAD\n`)
  })

  it('asks for credentials of a private repository, as of one that does not exist', async () => {
    await using world = await TestGitHub.start({ private: true })
    for (const name of ['octo/rack-lens', 'octo/nothing']) {
      const response = await fetch(`${world.github.serverUrl}/${name}.git/info/refs?service=git-upload-pack`)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Basic realm="GitHub"')
    }
  })

  it('hides a private repository from the token of another', async () => {
    await using world = await TestGitHub.start({ private: true })
    const stranger = world.github.addToken({ repository: 'octo/other', permissions: { contents: 'write' } })
    const { code, stderr } = await withToken(stranger, ['ls-remote', world.repository.url])
    expect(code).toBe(128)
    expect(stderr).toContain('remote: Repository not found.')
  })

  it.each([
    ['read', 0],
    ['none', 128],
  ] as const)('with contents: %s a private repository can be cloned with %i', async (level, expected) => {
    await using world = await TestGitHub.start({ private: true })
    const { code } = await withToken(world.tokenWith(level), ['ls-remote', world.repository.url])
    expect(code).toBe(expected)
  })

  it('refuses a token it never issued, even for a public repository', async () => {
    await using world = await TestGitHub.start()
    const response = await fetch(`${world.repository.url}/info/refs?service=git-upload-pack`, {
      headers: { authorization: `Bearer ghs_${'0'.repeat(36)}` },
    })
    expect(response.status).toBe(401)
    expect(await response.text()).toContain('Invalid username or token.')
  })

  it('does not serve files to dumb clients', async () => {
    await using world = await TestGitHub.start()
    const responses = await Promise.all([
      fetch(`${world.repository.url}/info/refs`),
      fetch(`${world.repository.url}/HEAD`),
      fetch(`${world.repository.url}/../../../state.json`),
    ])
    expect(responses.map(({ status }) => status)).toEqual([403, 404, 404])
  })
})

describe('pushing over git', () => {
  it('takes an annotated tag from a token with contents: write', async () => {
    await using world = await TestGitHub.start()
    expect(await pushTag(world, world.token, 'v1.0.0')).toContain('* [new tag]')
    const tag = await world.repository.tag('v1.0.0')
    expect(tag).toMatchObject({ type: 'tag', message: 'Version v1.0.0\n', commit: world.commit })
    expect(tag?.object).not.toBe(world.commit)
    expect(tag?.tagger?.name).toBe('Octo Cat')
  })

  it('takes a branch with its commits, and the API sees it', async () => {
    await using world = await TestGitHub.start()
    const cwd = await world.clone()
    await git(['commit', '--quiet', '--allow-empty', '--message', 'Bump'], { cwd })
    const { code } = await withToken(world.token, ['push', 'origin', 'HEAD:main'], cwd)
    expect(code).toBe(0)
    const { body } = await ask(world.github, 'GET /repos/octo/rack-lens/commits/main')
    expect(body['sha']).toBe(await git(['rev-parse', 'HEAD'], { cwd }))
    expect(body['sha']).not.toBe(world.commit)
  })

  it('asks for credentials where there are none, in public too', async () => {
    await using world = await TestGitHub.start()
    const text = await pushTag(world, undefined, 'v1.0.0')
    expect(text).toContain('could not read Username')
    expect(await world.repository.tag('v1.0.0')).toBeUndefined()
  })

  it.each(['read', 'none'] as const)("denies a push to contents: %s in GitHub's words", async (level) => {
    await using world = await TestGitHub.start()
    const text = await pushTag(world, world.tokenWith(level), 'v1.0.0')
    expect(text).toContain('remote: Permission to octo/rack-lens.git denied to github-actions[bot].')
    expect(text).toContain('The requested URL returned error: 403')
    expect(await world.repository.tag('v1.0.0')).toBeUndefined()
  })

  it('rejects a tag that is there already and another object', async () => {
    await using world = await TestGitHub.start()
    await pushTag(world, world.token, 'v1.0.0')
    const first = await world.repository.tag('v1.0.0')
    const cwd = await world.clone()
    await git(['tag', '--delete', 'v1.0.0'], { cwd })
    await git(['tag', '--annotate', '--message', 'again', 'v1.0.0'], { cwd })
    const { code, stderr } = await withToken(world.token, ['push', 'origin', 'v1.0.0'], cwd)
    expect(code).toBe(1)
    expect(stderr).toContain('(already exists)')
    expect(await world.repository.tag('v1.0.0')).toEqual(first)
  })

  it('takes no refs that belong to pull requests', async () => {
    await using world = await TestGitHub.start()
    const { code, stderr } = await withToken(
      world.token,
      ['push', 'origin', 'HEAD:refs/pull/1/head'],
      await world.clone(),
    )
    expect(code).toBe(1)
    expect(stderr).toContain('(deny updating a hidden ref)')
  })

  it('keeps the tag when the answer to the push is lost', async () => {
    await using world = await TestGitHub.start()
    const cwd = await world.clone()
    await git(['tag', 'v1.0.0'], { cwd })
    world.github.inject(aim('reset-after', { method: 'POST', path: /git-receive-pack$/ }, 1))
    const { code } = await withToken(world.token, ['push', 'origin', 'v1.0.0'], cwd)
    expect(code).not.toBe(0)
    expect((await world.repository.tag('v1.0.0'))?.commit).toBe(world.commit)
  })
})

describe('tag rulesets over git', () => {
  it('rejects a protected tag with GH013 and takes the rest of the push', async () => {
    await using world = await TestGitHub.start()
    world.repository.protectTags('v*')
    const cwd = await world.clone()
    await git(['tag', 'v1.0.0'], { cwd })
    await git(['tag', 'nightly'], { cwd })
    const { code, stderr } = await withToken(world.token, ['push', 'origin', 'v1.0.0', 'nightly'], cwd)
    expect(code).toBe(1)
    expect(stderr).toContain('remote: error: GH013: Repository rule violations found for refs/tags/v1.0.0.')
    expect(stderr).toContain('remote: - Cannot create ref due to creations being restricted.')
    expect(stderr).toContain('! [remote rejected] v1.0.0 -> v1.0.0 (push declined due to repository rule violations)')
    expect(Object.keys(await world.repository.refs())).toEqual(['refs/heads/main', 'refs/tags/nightly'])
  })

  it('lets a token on the bypass list through and says so', async () => {
    await using world = await TestGitHub.start()
    world.repository.protectTags('v*')
    const text = await pushTag(world, world.tokenWith('write', true), 'v1.0.0')
    expect(text).toContain('remote: Bypassed rule violations for refs/tags/v1.0.0:')
    expect((await world.repository.tag('v1.0.0'))?.commit).toBe(world.commit)
  })

  it.each([
    ['update', ['--force', 'HEAD:refs/tags/v1.0.0'], 'Cannot update this protected ref.'],
    ['delete', [':refs/tags/v1.0.0'], 'Cannot delete this protected ref.'],
  ])('refuses to %s a protected tag', async (_change, refs, words) => {
    await using world = await TestGitHub.start()
    await pushTag(world, world.token, 'v1.0.0')
    world.repository.protectTags('v*')
    const before = await world.repository.refs()
    const { code, stderr } = await withToken(world.token, ['push', 'origin', ...refs], await world.clone())
    expect(code).toBe(1)
    expect(stderr).toContain(`remote: - ${words}`)
    expect(await world.repository.refs()).toEqual(before)
  })

  it.each([
    ['v*', 'v1.0.0', false],
    ['v*', 'lens/v1.0.0', true],
    ['**/v*', 'lens/v1.0.0', false],
    ['*', 'lens/v1.0.0', true],
    ['lens/*', 'lens/v1.0.0', false],
  ])('pattern %s lets %s through: %s', async (pattern, tag, passes) => {
    await using world = await TestGitHub.start()
    world.repository.protectTags(pattern)
    await pushTag(world, world.token, tag)
    expect((await world.repository.tag(tag)) !== undefined).toBe(passes)
  })
})
