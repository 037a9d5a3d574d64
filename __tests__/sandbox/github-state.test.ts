import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { startGitHub } from '../../sandbox/github/github.ts'
import { SandboxServer } from '../../sandbox/server.ts'
import { TestGitHub } from './github-setup.ts'

function temporary(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'sandbox-github-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

describe('a second start on the same directory', () => {
  it('goes on with tokens, rules, repositories, refs, releases and assets', async () => {
    using directory = temporary()
    const write = { repository: 'octo/rack-lens', permissions: { contents: 'write' } } as const
    let token = ''
    let commit = ''
    {
      await using github = await startGitHub({ directory: directory.path })
      const repository = await github.createRepository('octo/rack-lens', { private: true, id: 42, ownerId: 7 })
      commit = await repository.commit({ 'lib/lens.rb': '' })
      repository.protectTags('v*')
      token = github.addToken(write)
      const release = { tag_name: 'nightly', name: 'Nightly' }
      const { body } = await ask(github, 'POST /repos/octo/rack-lens/releases', { token, body: release })
      const upload = String(body['upload_url']).replace('{?name,label}', '?name=a.gem')
      await ask(github, `POST ${upload}`, { token, body: 'bytes', headers: { 'content-type': 'text/plain' } })
    }
    await using github = await startGitHub({ directory: directory.path })
    const repository = github.repository('octo/rack-lens')
    expect(await repository.refs()).toEqual({ 'refs/heads/main': commit, 'refs/tags/nightly': commit })
    const reply = await ask(github, 'GET /repos/octo/rack-lens', { token })
    expect(reply.body).toMatchObject({ id: 42, private: true, owner: { id: 7, login: 'octo' } })
    expect(github.releases('octo/rack-lens')).toMatchObject([{ name: 'Nightly', assets: [{ name: 'a.gem', size: 5 }] }])
    const body = { ref: 'refs/tags/v1', sha: commit }
    expect((await ask(github, 'POST /repos/octo/rack-lens/git/refs', { token, body })).status).toBe(422)
    expect(github.addToken(write)).not.toBe(token)
  })

  it('can have the addresses of the first', async () => {
    using directory = temporary()
    const first = await startGitHub({ directory: directory.path })
    const { apiUrl, serverUrl } = first
    await first[Symbol.asyncDispose]()
    const ports = { apiPort: Number(new URL(apiUrl).port), gitPort: Number(new URL(serverUrl).port) }
    await using second = await startGitHub({ directory: directory.path, ...ports })
    expect([second.apiUrl, second.serverUrl]).toEqual([apiUrl, serverUrl])
  })

  it('sees at once what another process changes', async () => {
    using directory = temporary()
    await using one = await startGitHub({ directory: directory.path })
    await using other = await startGitHub({ directory: directory.path })
    const repository = await one.createRepository('octo/rack-lens')
    const commit = await repository.commit({ 'lib/lens.rb': '' })
    const token = one.addToken({ repository: 'octo/rack-lens', permissions: { contents: 'write' } })
    const body = { ref: 'refs/tags/v1', sha: commit }
    expect((await ask(other, 'POST /repos/octo/rack-lens/git/refs', { token, body })).status).toBe(201)
    expect((await repository.tag('v1'))?.commit).toBe(commit)
  })
})

describe('the world on disk', () => {
  it('keeps its tokens from other users and leaves no half-written file', async () => {
    await using world = await TestGitHub.start()
    expect(world.stateFiles).toEqual(['assets', 'repositories', 'state.json'])
    const { bareDirectory } = world.repository
    const mode = statSync(join(bareDirectory, '../../../state.json')).mode
    expect((mode & 0o777).toString(8)).toBe('600')
  })

  it('refuses a name twice and a name that is none', async () => {
    await using world = await TestGitHub.start()
    await expect(world.github.createRepository('Octo/Rack-Lens')).rejects.toThrow('already')
    await expect(world.github.createRepository('octo/../x')).rejects.toThrow('not a repository name')
    expect(() => world.github.repository('octo/nothing')).toThrow('there is no repository')
  })

  it('gives repositories of one owner one owner id, and their own ids', async () => {
    await using world = await TestGitHub.start()
    await world.github.createRepository('octo/two')
    await world.github.createRepository('hex/one')
    const seen = await Promise.all(
      ['octo/rack-lens', 'octo/two', 'hex/one'].map((name) => ask(world.github, `GET /repos/${name}`)),
    )
    const owners = seen.map(({ body }) => JSON.parse(JSON.stringify(body['owner'])).id)
    expect(owners[0]).toBe(owners[1])
    expect(owners[0]).not.toBe(owners[2])
    expect(new Set(seen.map(({ body }) => body['id'])).size).toBe(3)
  })

  it('lets the git remote go where the API cannot start', async () => {
    using directory = temporary()
    await using taken = await SandboxServer.start(() => ({ status: 200 }), { service: 'other' })
    const gitPort = await (async () => {
      await using free = await SandboxServer.start(() => ({ status: 200 }), { service: 'other' })
      return Number(new URL(free.url).port)
    })()
    const apiPort = Number(new URL(taken.url).port)
    await expect(startGitHub({ directory: directory.path, apiPort, gitPort })).rejects.toThrow('EADDRINUSE')
    await using again = await startGitHub({ directory: directory.path, gitPort })
    expect(again.serverUrl).toBe(`http://127.0.0.1:${String(gitPort)}`)
  })
})
