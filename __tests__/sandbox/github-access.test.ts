import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { FAULTS } from '../../sandbox/faults.ts'
import { ask } from '../../sandbox/github/client.ts'
import { secondaryRateLimit } from '../../sandbox/github/faults.ts'
import { TestGitHub } from './github-setup.ts'

const REPO = '/repos/octo/rack-lens'

/** Callers down, routes across: the status each must get. 201 and 422 both mean: permitted. */
const ROUTES = ['repository', 'ref', 'releases', 'tag object', 'new ref', 'new release', 'notes'] as const
const TABLE = {
  public: {
    nobody: [200, 200, 200, 401, 401, 401, 401],
    unknown: [401, 401, 401, 401, 401, 401, 401],
    stranger: [200, 200, 200, 403, 403, 403, 403],
    none: [200, 200, 200, 403, 403, 403, 403],
    read: [200, 200, 200, 403, 403, 403, 403],
    write: [200, 200, 200, 201, 201, 201, 200],
  },
  private: {
    nobody: [404, 404, 404, 404, 404, 404, 404],
    unknown: [401, 401, 401, 401, 401, 401, 401],
    stranger: [404, 404, 404, 404, 404, 404, 404],
    none: [200, 403, 403, 403, 403, 403, 403],
    read: [200, 200, 200, 403, 403, 403, 403],
    write: [200, 200, 200, 201, 201, 201, 200],
  },
} as const

type CallerName = keyof (typeof TABLE)['public']

function tokenOf(world: TestGitHub, caller: CallerName): string | undefined {
  if (caller === 'nobody') return undefined
  if (caller === 'unknown') return `ghs_${'x'.repeat(36)}`
  if (caller === 'stranger') {
    return world.github.addToken({ repository: 'octo/other', permissions: { contents: 'write' } })
  }
  return world.tokenWith(caller)
}

async function statuses(world: TestGitHub, caller: CallerName): Promise<number[]> {
  const token = tokenOf(world, caller)
  const { commit: sha } = world
  const requests: [string, unknown][] = [
    [`GET ${REPO}`, undefined],
    [`GET ${REPO}/git/ref/heads/main`, undefined],
    [`GET ${REPO}/releases`, undefined],
    [`POST ${REPO}/git/tags`, { tag: 'v1', message: 'v1', object: sha, type: 'commit' }],
    [`POST ${REPO}/git/refs`, { ref: 'refs/tags/v1', sha }],
    [`POST ${REPO}/releases`, { tag_name: 'v2', target_commitish: sha }],
    [`POST ${REPO}/releases/generate-notes`, { tag_name: 'v3' }],
  ]
  const found: number[] = []
  for (const [line, body] of requests) {
    found.push((await ask(world.github, line, { ...(token === undefined ? {} : { token }), body })).status)
  }
  return found
}

describe.each(['public', 'private'] as const)('permissions in a %s repository', (visibility) => {
  it.each(['nobody', 'unknown', 'stranger', 'none', 'read', 'write'] as const)('of %s', async (caller) => {
    await using world = await TestGitHub.start({ private: visibility === 'private' })
    const found = await statuses(world, caller)
    expect(Object.fromEntries(ROUTES.map((route, at) => [route, found[at]]))).toEqual(
      Object.fromEntries(ROUTES.map((route, at) => [route, TABLE[visibility][caller][at]])),
    )
    expect(world.github.violations).toEqual([])
  })
})

describe('refusals', () => {
  it('have the body and headers clients know them by', async () => {
    await using world = await TestGitHub.start()
    const body = { ref: 'refs/tags/v1', sha: world.commit }
    const reply = await ask(world.github, `POST ${REPO}/git/refs`, { token: world.tokenWith('read'), body })
    expect(reply.body).toEqual({
      message: 'Resource not accessible by integration',
      documentation_url: 'https://docs.github.com/rest/git/refs#create-a-reference',
      status: '403',
    })
    expect(reply.headers.get('x-accepted-github-permissions')).toContain('contents=write')
    expect(reply.headers.get('x-github-request-id')).toMatch(/^[0-9A-F]{4}(:[0-9A-F]+){4}$/)
  })

  it('of unknown credentials come before anything else', async () => {
    await using world = await TestGitHub.start()
    for (const authorization of ['Bearer nonsense', 'token ghp_x', 'Basic eDp5', 'nonsense']) {
      const reply = await ask(world.github, 'GET /repos/octo/nothing', { headers: { authorization } })
      expect([reply.status, reply.body['message']]).toEqual([401, 'Bad credentials'])
    }
  })

  it('of a repository that is not there are 404', async () => {
    await using world = await TestGitHub.start()
    const reply = await ask(world.github, 'GET /repos/octo/nothing', { token: world.token })
    expect([reply.status, reply.body['message']]).toEqual([404, 'Not Found'])
    expect(world.github.violations).toEqual([])
  })

  it('leave no doubt about a missing User-Agent', async () => {
    await using world = await TestGitHub.start()
    const status = await new Promise((resolve, reject) => {
      const sent = request(`${world.github.apiUrl}${REPO}`, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject)
      sent.end()
    })
    expect(status).toBe(403)
    expect(world.github.violations).toEqual([`GET ${REPO}: has no User-Agent header`])
  })
})

describe('tokens', () => {
  it('look like those of a workflow run', async () => {
    await using world = await TestGitHub.start()
    const tokens = Array.from({ length: 20 }, () => world.tokenWith('read'))
    expect(new Set(tokens).size).toBe(20)
    for (const token of tokens) expect(token).toMatch(/^ghs_[A-Za-z0-9]{36}$/)
  })

  it.each(['Bearer', 'bearer', 'token'])('are taken after %s', async (scheme) => {
    await using world = await TestGitHub.start({ private: true })
    const reply = await ask(world.github, `GET ${REPO}`, { headers: { authorization: `${scheme} ${world.token}` } })
    expect(reply.status).toBe(200)
  })
})

describe('rate limits', () => {
  it('count down, by token', async () => {
    await using world = await TestGitHub.start({ hourlyLimit: 2 })
    const remaining = async (token: string) => {
      const { status, headers } = await ask(world.github, `GET ${REPO}`, { token })
      return [status, headers.get('x-ratelimit-remaining')]
    }
    expect(await remaining(world.token)).toEqual([200, '1'])
    expect(await remaining(world.token)).toEqual([200, '0'])
    expect(await remaining(world.token)).toEqual([403, '0'])
    expect(await remaining(world.tokenWith('read'))).toEqual([200, '1'])
  })

  it('can be of the secondary kind, with Retry-After and without', async () => {
    await using world = await TestGitHub.start()
    const path = /\/git\/refs$/
    world.github.inject(secondaryRateLimit({ method: 'POST', path, retryAfter: 7, times: 1 }))
    world.github.inject(secondaryRateLimit({ method: 'POST', path, status: 429, times: 1 }))
    const body = { ref: 'refs/tags/v1', sha: world.commit }
    const create = async () => await ask(world.github, `POST ${REPO}/git/refs`, { token: world.token, body })
    const first = await create()
    expect([first.status, first.headers.get('retry-after')]).toEqual([403, '7'])
    expect(first.body['message']).toContain('You have exceeded a secondary rate limit.')
    const second = await create()
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, null])
    expect(await world.repository.tag('v1')).toBeUndefined()
    expect((await create()).status).toBe(201)
  })
})

describe('what is recorded', () => {
  it('names the service and keeps the body', async () => {
    await using world = await TestGitHub.start()
    await world.clone()
    await ask(world.github, `POST ${REPO}/git/refs`, {
      token: world.token,
      body: { ref: 'refs/tags/v1', sha: world.commit },
    })
    const services = new Set(world.github.requests.map(({ service }) => service))
    expect([...services].toSorted()).toEqual(['git', 'github'])
    expect(world.github.requests.at(-1)?.body.toString()).toContain('refs/tags/v1')
  })

  it('a request that reached GitHub although its answer was lost', async () => {
    await using world = await TestGitHub.start()
    const lost = { name: 'lost', times: 1, on: () => true, play: FAULTS['reset-after'] }
    world.github.inject(lost)
    const body = { ref: 'refs/tags/v1', sha: world.commit }
    await expect(ask(world.github, `POST ${REPO}/git/refs`, { token: world.token, body })).rejects.toThrow(
      'fetch failed',
    )
    expect((await world.repository.tag('v1'))?.commit).toBe(world.commit)
  })
})
