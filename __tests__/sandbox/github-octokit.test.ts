import { getOctokit } from '@actions/github'
import { describe, expect, it } from 'vitest'
import { TestGitHub } from './github-setup.ts'

const REPO = { owner: 'octo', repo: 'rack-lens' }

/** The client that workflows use, pointed at the sandbox as `GITHUB_API_URL` points it. */
function octokitOf(world: TestGitHub, token = world.token) {
  return getOctokit(token, { baseUrl: world.github.apiUrl }).rest
}

describe("GitHub's own client", () => {
  it('tags a commit', async () => {
    await using world = await TestGitHub.start()
    const { git, repos } = octokitOf(world)
    const { data: repository } = await repos.get(REPO)
    const { data: commit } = await repos.getCommit({ ...REPO, ref: repository.default_branch })
    const object = { tag: 'lens/v1.0.0', message: 'Version 1.0.0', object: commit.sha, type: 'commit' } as const
    const { data: tag } = await git.createTag({ ...REPO, ...object })
    await git.createRef({ ...REPO, ref: 'refs/tags/lens/v1.0.0', sha: tag.sha })
    const { data: ref } = await git.getRef({ ...REPO, ref: 'tags/lens/v1.0.0' })
    expect(ref.object).toMatchObject({ sha: tag.sha, type: 'tag' })
    expect((await git.getTag({ ...REPO, tag_sha: tag.sha })).data.object.sha).toBe(world.commit)
    expect((await git.listMatchingRefs({ ...REPO, ref: 'tags/lens/' })).data).toHaveLength(1)
    expect((await world.repository.tag('lens/v1.0.0'))?.commit).toBe(world.commit)
    expect(world.github.violations).toEqual([])
  })

  it('makes a release with an asset and publishes it', async () => {
    await using world = await TestGitHub.start()
    const { repos } = octokitOf(world)
    const draft = { tag_name: 'v1.0.0', draft: true, generate_release_notes: true, make_latest: 'true' } as const
    const { data: release } = await repos.createRelease({ ...REPO, ...draft })
    const asset = {
      name: 'rack-lens-1.0.0.gem',
      data: 'bytes',
      headers: { 'content-type': 'application/octet-stream' },
    }
    await repos.uploadReleaseAsset({ ...REPO, release_id: release.id, ...asset, url: release.upload_url })
    await repos.updateRelease({ ...REPO, release_id: release.id, draft: false })
    const { data: published } = await repos.getReleaseByTag({ ...REPO, tag: 'v1.0.0' })
    expect(published.assets.map(({ name, size }) => [name, size])).toEqual([['rack-lens-1.0.0.gem', 5]])
    expect(published.draft).toBe(false)
    expect((await repos.listReleases(REPO)).data).toHaveLength(1)
    expect(world.github.violations).toEqual([])
  })

  it('sees refusals as errors with their status', async () => {
    await using world = await TestGitHub.start()
    const ref = { ...REPO, ref: 'refs/heads/main', sha: world.commit }
    await expect(octokitOf(world).git.createRef(ref)).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('Reference already exists'),
    })
    await expect(octokitOf(world, world.tokenWith('read')).git.createRef(ref)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('Resource not accessible by integration'),
    })
    await expect(octokitOf(world, 'ghs_nonsense').repos.get(REPO)).rejects.toMatchObject({ status: 401 })
  })

  it('is caught asking for what the sandbox does not serve', async () => {
    await using world = await TestGitHub.start()
    await expect(octokitOf(world).repos.getLatestRelease(REPO)).rejects.toMatchObject({ status: 404 })
    expect(world.github.violations).toHaveLength(1)
  })
})
