import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { git } from '../../sandbox/github/git.ts'
import { TestGitHub, withToken } from './github-setup.ts'

const REPO = '/repos/octo/rack-lens'
const NOBODY = 'f'.repeat(40)

describe('reading commits and the repository', () => {
  it.each(['main', 'heads/main', 'v1.0.0', 'tags/v1.0.0', 'refs/tags/v1.0.0'])('resolves %s', async (ref) => {
    await using world = await TestGitHub.start()
    const cwd = await world.clone()
    await git(['tag', '--annotate', '--message', 'v1', 'v1.0.0'], { cwd })
    await withToken(world.token, ['push', 'origin', 'v1.0.0'], cwd)
    const reply = await ask(world.github, `GET ${REPO}/commits/${ref}`)
    expect(reply.body['sha']).toBe(world.commit)
  })

  it('resolves a commit, whole and short, but no git expression', async () => {
    await using world = await TestGitHub.start()
    await world.repository.commit({ 'lib/lens.rb': '# new\n' })
    expect((await ask(world.github, `GET ${REPO}/commits/${world.commit}`)).body['sha']).toBe(world.commit)
    expect((await ask(world.github, `GET ${REPO}/commits/${world.commit.slice(0, 7)}`)).status).toBe(200)
    for (const ref of ['main~1', 'main@{0}', NOBODY, 'gone', '--all']) {
      const reply = await ask(world.github, `GET ${REPO}/commits/${ref}`)
      expect([ref, reply.status, reply.body['message']]).toEqual([ref, 422, `No commit found for SHA: ${ref}`])
    }
  })

  it('gives a git commit by its whole sha only', async () => {
    await using world = await TestGitHub.start()
    const reply = await ask(world.github, `GET ${REPO}/git/commits/${world.commit}`)
    expect(reply.body).toMatchObject({ sha: world.commit, message: 'Change files', parents: [] })
    expect((await ask(world.github, `GET ${REPO}/git/commits/main`)).status).toBe(404)
  })

  it('gives the bare sha where that media type is asked for', async () => {
    await using world = await TestGitHub.start()
    const headers = { accept: 'application/vnd.github.sha' }
    const response = await fetch(`${world.github.apiUrl}${REPO}/commits/main`, { headers })
    expect(await response.text()).toBe(world.commit)
  })

  it('describes the repository and its branches', async () => {
    await using world = await TestGitHub.start()
    const reply = await ask(world.github, `GET ${REPO}`)
    expect(reply.body).toMatchObject({ full_name: 'octo/rack-lens', private: false, default_branch: 'main' })
    expect(reply.body['clone_url']).toBe(world.repository.url)
    const branch = await ask(world.github, `GET ${REPO}/branches/main`)
    expect(branch.body).toMatchObject({ name: 'main', commit: { sha: world.commit } })
    expect((await ask(world.github, `GET ${REPO}/branches/gone`)).body['message']).toBe('Branch not found')
    expect(world.github.violations).toEqual([])
  })
})
