import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkout } from '../../sandbox/github/checkout.ts'
import { git, tryGit } from '../../sandbox/github/git.ts'
import { TestGitHub, withToken } from './github-setup.ts'

/** Two commits, and between them an annotated `v1.0.0` and a lightweight `nightly`. */
async function tagged(world: TestGitHub): Promise<{ first: string; head: string; tagObject: string }> {
  const cwd = await world.clone()
  await git(['tag', '--annotate', '--message', 'Version 1.0.0', 'v1.0.0'], { cwd })
  await git(['tag', 'nightly'], { cwd })
  await withToken(world.token, ['push', 'origin', 'v1.0.0', 'nightly'], cwd)
  const head = await world.repository.commit({ 'lib/lens.rb': '# new\n' })
  return { first: world.commit, head, tagObject: (await world.repository.tag('v1.0.0'))?.object ?? '' }
}

async function look(cwd: string) {
  const symbolic = await tryGit(['symbolic-ref', '--quiet', 'HEAD'], { cwd })
  return {
    branch: symbolic.stdout.toString().trim(),
    commits: Number(await git(['rev-list', '--count', 'HEAD'], { cwd })),
    refs: (await git(['for-each-ref', '--format=%(refname) %(objecttype)'], { cwd })).split('\n').filter(Boolean),
    status: await git(['status', '--porcelain'], { cwd }),
  }
}

async function pushes(directory: string): Promise<boolean> {
  await git(['tag', 'v2.0.0'], { cwd: directory })
  return (await tryGit(['push', 'origin', 'v2.0.0'], { cwd: directory })).code === 0
}

describe('a run for a branch', () => {
  it('has a shallow local branch that tracks origin, and no tags', async () => {
    await using world = await TestGitHub.start()
    const { head } = await tagged(world)
    const directory = world.newDirectory()
    const commit = await checkout({ repository: world.repository, ref: 'refs/heads/main', sha: head, directory })
    expect(commit).toBe(head)
    expect(await look(directory)).toEqual({
      branch: 'refs/heads/main',
      commits: 1,
      refs: ['refs/heads/main commit', 'refs/remotes/origin/main commit'],
      status: '',
    })
    expect(await git(['rev-parse', '--abbrev-ref', 'main@{upstream}'], { cwd: directory })).toBe('origin/main')
    expect(readFileSync(join(directory, 'lib/lens.rb'), 'utf8')).toBe('# new\n')
  })

  it('stays at the commit of the run when the branch goes on', async () => {
    await using world = await TestGitHub.start()
    const { first } = await tagged(world)
    const options = { repository: world.repository, ref: 'refs/heads/main', sha: first }
    expect(await checkout({ ...options, directory: world.newDirectory() })).toBe(first)
  })

  it('fetches tags where they are asked for, and everything at depth 0', async () => {
    await using world = await TestGitHub.start()
    await tagged(world)
    const withTags = world.newDirectory()
    await checkout({ repository: world.repository, ref: 'refs/heads/main', directory: withTags, tags: true })
    expect((await look(withTags)).refs).toContain('refs/tags/v1.0.0 tag')
    const whole = world.newDirectory()
    await checkout({ repository: world.repository, ref: 'refs/heads/main', directory: whole, depth: 0 })
    expect(await look(whole)).toMatchObject({ commits: 2, branch: 'refs/heads/main' })
    expect((await look(whole)).refs).toContain('refs/tags/nightly commit')
  })
})

describe('a run for a tag', () => {
  it('has a detached HEAD and the annotated tag, since 6.0.2', async () => {
    await using world = await TestGitHub.start()
    const { first, tagObject } = await tagged(world)
    const directory = world.newDirectory()
    const commit = await checkout({ repository: world.repository, ref: 'refs/tags/v1.0.0', sha: first, directory })
    expect(commit).toBe(first)
    expect(await look(directory)).toEqual({ branch: '', commits: 1, refs: ['refs/tags/v1.0.0 tag'], status: '' })
    expect(await git(['rev-parse', 'refs/tags/v1.0.0'], { cwd: directory })).toBe(tagObject)
  })

  it('had a lightweight tag before, whatever the remote has', async () => {
    await using world = await TestGitHub.start()
    const { first } = await tagged(world)
    const directory = world.newDirectory()
    const options = { repository: world.repository, ref: 'refs/tags/v1.0.0', sha: first, tagFetch: 'commit' } as const
    await checkout({ ...options, directory })
    expect((await look(directory)).refs).toEqual(['refs/tags/v1.0.0 commit'])
  })

  it('fails where the tag has moved since', async () => {
    await using world = await TestGitHub.start()
    const { head } = await tagged(world)
    const options = { repository: world.repository, ref: 'refs/tags/v1.0.0', sha: head }
    await expect(checkout({ ...options, directory: world.newDirectory() })).rejects.toThrow(
      `The ref 'refs/tags/v1.0.0' does not point to the expected commit '${head}'`,
    )
  })
})

describe('other refs', () => {
  it('a commit is a detached HEAD without refs', async () => {
    await using world = await TestGitHub.start()
    const { first } = await tagged(world)
    const directory = world.newDirectory()
    expect(await checkout({ repository: world.repository, ref: first, directory })).toBe(first)
    expect(await look(directory)).toEqual({ branch: '', commits: 1, refs: [], status: '' })
  })

  it.each([
    ['main', 'refs/heads/main'],
    ['v1.0.0', ''],
  ])('short name %s is a branch or a tag', async (ref, branch) => {
    await using world = await TestGitHub.start()
    await tagged(world)
    const directory = world.newDirectory()
    await checkout({ repository: world.repository, ref, directory })
    expect((await look(directory)).branch).toBe(branch)
  })

  it('a name of neither is refused: by git where the checkout is shallow, by the action where it is not', async () => {
    await using world = await TestGitHub.start()
    const options = { repository: world.repository, ref: 'gone' }
    await expect(checkout({ ...options, directory: world.newDirectory() })).rejects.toThrow('ended with 1')
    await expect(checkout({ ...options, directory: world.newDirectory(), depth: 0 })).rejects.toThrow(
      "A branch or tag with the name 'gone' could not be found",
    )
  })
})

describe('credentials', () => {
  it('are used for a private repository and gone afterwards', async () => {
    await using world = await TestGitHub.start({ private: true })
    const directory = world.newDirectory()
    await checkout({ repository: world.repository, ref: 'refs/heads/main', directory, token: world.token })
    expect(readFileSync(join(directory, '.git/config'), 'utf8')).not.toMatch(/extraheader|includeIf/i)
    expect(await pushes(directory)).toBe(false)
  })

  it('leave no file in RUNNER_TEMP either', async () => {
    await using world = await TestGitHub.start({ private: true })
    const [directory, runnerTemp] = [world.newDirectory(), world.newDirectory()]
    const options = { repository: world.repository, ref: 'refs/heads/main', token: world.token, runnerTemp }
    await checkout({ ...options, directory })
    expect(readdirSync(runnerTemp)).toEqual([])
    expect(readFileSync(join(directory, '.git/config'), 'utf8')).not.toContain('includeIf')
  })

  it('are gone after a checkout that failed, too', async () => {
    await using world = await TestGitHub.start({ private: true })
    const directory = world.newDirectory()
    const options = { repository: world.repository, ref: 'gone', directory, token: world.token }
    await expect(checkout(options)).rejects.toThrow('ended with 1')
    expect(readFileSync(join(directory, '.git/config'), 'utf8')).not.toContain('extraheader')
  })

  it('stay in .git/config where they are persisted the old way', async () => {
    await using world = await TestGitHub.start({ private: true })
    const directory = world.newDirectory()
    const options = {
      repository: world.repository,
      ref: 'refs/heads/main',
      token: world.token,
      persistCredentials: true,
    }
    await checkout({ ...options, directory })
    const { origin } = new URL(world.repository.url)
    const header = await git(['config', '--local', `http.${origin}/.extraheader`], { cwd: directory })
    const basic = Buffer.from(`x-access-token:${world.token}`).toString('base64')
    expect(header).toBe(`AUTHORIZATION: basic ${basic}`)
    expect(await pushes(directory)).toBe(true)
  })

  it('stay in RUNNER_TEMP where they are persisted the new way', async () => {
    await using world = await TestGitHub.start({ private: true })
    const [directory, runnerTemp] = [world.newDirectory(), world.newDirectory()]
    const options = {
      repository: world.repository,
      ref: 'refs/heads/main',
      token: world.token,
      persistCredentials: true,
    }
    await checkout({ ...options, directory, runnerTemp })
    const config = readFileSync(join(directory, '.git/config'), 'utf8')
    expect(config).toContain('includeIf')
    expect(config).not.toContain('extraheader')
    expect(readdirSync(runnerTemp)).toEqual([expect.stringMatching(/^git-credentials-[0-9a-f-]{36}\.config$/)])
    expect(await pushes(directory)).toBe(true)
  })
})
