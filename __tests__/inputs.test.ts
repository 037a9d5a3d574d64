import { spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Problem, ReleaseError } from '../src/errors.ts'
import { type Inputs, readInputs } from '../src/inputs.ts'
import { RecordedRunner } from './recorded-runner.ts'

const ROLE = `rg_oidc_akr_${'a1'.repeat(10)}`
const COMMIT = 'b2'.repeat(32)
const KEY = `rubygems_${'0f'.repeat(24)}`

function read(inputs: Record<string, string> = {}): Inputs {
  return readInputs(new RecordedRunner(inputs, { GITHUB_WORKSPACE: '/home/runner/work/lens/lens' }))
}

function problemsOf(inputs: Record<string, string>): readonly Problem[] {
  try {
    read(inputs)
    return []
  } catch (error) {
    if (error instanceof ReleaseError) return error.problems
    throw error
  }
}

function refusal(inputs: Record<string, string>): { message: string; problems: readonly Problem[] } {
  const problems = problemsOf(inputs)
  if (problems.length === 0) throw new Error(`${JSON.stringify(inputs)} was accepted`)
  return { message: JSON.stringify(problems), problems }
}

describe('inputs', () => {
  it('have defaults that release a gem to RubyGems.org as a trusted publisher', () => {
    expect(read()).toMatchObject({
      workingDirectory: '/home/runner/work/lens/lens',
      gems: [],
      expectedVersion: undefined,
      strategy: 'auto',
      server: { origin: 'https://rubygems.org', host: 'rubygems.org', kind: 'rubygems.org' },
      authentication: { kind: 'trusted-publisher', audience: 'rubygems.org' },
      tag: { kind: 'auto' },
      githubToken: undefined,
      awaitRelease: 'true',
      awaitTimeout: 300,
      persistCredentials: false,
    })
  })

  it.each<[Record<string, string>, Partial<Inputs>]>([
    [{ 'working-directory': 'gems/lens' }, { workingDirectory: '/home/runner/work/lens/lens/gems/lens' }],
    [{ 'working-directory': '/elsewhere' }, { workingDirectory: '/elsewhere' }],
    [{ gems: ' pkg/*.gem \n\n other.gem' }, { gems: ['pkg/*.gem', 'other.gem'] }],
    [{ gems: '*.gem', commit: `\n ${'A1'.repeat(20)} \n\n` }, { commit: 'a1'.repeat(20) }],
    [{ gems: '*.gem', commit: `${COMMIT}\n${COMMIT.toUpperCase()}` }, { commit: COMMIT }],
    [{ gems: '*.gem', commit: ' \n' }, { commit: undefined }],
    [{ 'expected-version': 'v2.0.0.rc1' }, { expectedVersion: '2.0.0.rc1' }],
    [{ strategy: 'RAKE' }, { strategy: 'rake' }],
    [{ tag: 'false' }, { tag: { kind: 'none' } }],
    [{ tag: '{name}/v{version}' }, { tag: { kind: 'template', template: '{name}/v{version}' } }],
    [{ 'await-release': 'Strict' }, { awaitRelease: 'strict' }],
    [{ 'await-timeout': '0' }, { awaitTimeout: 0 }],
    [{ 'await-timeout': '3600' }, { awaitTimeout: 3600 }],
    [{ 'persist-credentials': 'True' }, { persistCredentials: true }],
    [{ 'setup-trusted-publisher': 'false' }, { authentication: { kind: 'existing' } }],
    [{ 'role-to-assume': ROLE }, { authentication: { kind: 'api-key-role', role: ROLE, audience: 'rubygems.org' } }],
    [
      { 'setup-trusted-publisher': 'false', 'role-to-assume': ROLE },
      { authentication: { kind: 'api-key-role', role: ROLE, audience: 'rubygems.org' } },
    ],
  ])('%o are read as %o', (inputs, expected) => {
    expect(read(inputs)).toMatchObject(expected)
  })

  it.each([
    ['https://rubygems.org/', '', 'https://rubygems.org', 'rubygems.org'],
    ['https://RubyGems.org:443', '', 'https://rubygems.org', 'rubygems.org'],
    ['https://gems.example.com', '', 'https://gems.example.com', 'gems.example.com'],
    ['https://gems.example.com:8443/', '', 'https://gems.example.com:8443', 'gems.example.com:8443'],
    ['https://gems.example.com', 'mine', 'https://gems.example.com', 'mine'],
    ['http://127.0.0.1:9292', '', 'http://127.0.0.1:9292', 'rubygems.org'],
    ['http://localhost:9292', '', 'http://localhost:9292', 'rubygems.org'],
    ['http://[::1]:9292', '', 'http://[::1]:9292', 'rubygems.org'],
  ])('gem-server %s with audience "%s" is %s with tokens for %s', (server, audience, origin, expected) => {
    const inputs = read({ 'gem-server': server, audience })
    expect(inputs.server.origin).toBe(origin)
    expect(inputs.authentication).toEqual({ kind: 'trusted-publisher', audience: expected })
  })

  it.each([
    'http://rubygems.org',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'ftp://rubygems.org',
    'file:///etc/passwd',
    'rubygems.org',
    '//rubygems.org',
    'https://',
    'https://rubygems.org/api/v1/gems',
    'https://rubygems.org?x=1',
    'https://user@rubygems.org',
  ])('gem-server %s is refused', (server) => {
    expect(refusal({ 'gem-server': server }).problems.map(({ code }) => code)).toEqual(['invalid-input'])
  })

  it('with a token for RubyGems.org are refused for any other server but loopback', () => {
    const given = { 'gem-server': 'https://gems.example.com', audience: 'rubygems.org' }
    expect(refusal(given).message).toContain('could use the token at rubygems.org')
    expect(refusal({ ...given, 'role-to-assume': ROLE }).message).toContain('could use the token at rubygems.org')
  })

  it('are reported all at once, each with its name, its value and a fix', () => {
    const wrong = {
      'expected-version': 'newest',
      strategy: 'fast',
      'gem-server': 'gems.example',
      audience: 'a b',
      'setup-trusted-publisher': 'maybe',
      'role-to-assume': 'admin',
      tag: 'latest',
      'await-release': 'soon',
      'await-timeout': '-1',
      'persist-credentials': 'perhaps',
    }
    const { problems } = refusal(wrong)
    const byInput = new Map(problems.map((problem) => [/^Input `([\w-]+)`/.exec(problem.what)?.[1] ?? '', problem]))
    expect([...byInput.keys()].toSorted()).toEqual(Object.keys(wrong).toSorted())
    for (const [name, value] of Object.entries(wrong)) {
      expect(byInput.get(name)?.what).toContain(JSON.stringify(value))
      expect(byInput.get(name)?.fix).toContain(`\`${name}:\``)
    }
  })

  it.each([
    [{ gems: 'pkg/*.gem', strategy: 'rake' }, '`gems` and `strategy: rake` contradict'],
    [{ commit: COMMIT }, '`commit` is given without `gems`'],
    [{ gems: '*.gem', commit: `${COMMIT}\n${'a1'.repeat(20)}` }, '`commit` names 2 commits'],
    [{ 'api-token': KEY, 'role-to-assume': ROLE }, '`api-token` and `role-to-assume` are given together'],
  ])('that contradict each other are refused: %o', (inputs, says) => {
    expect(refusal(inputs).message).toContain(says)
  })
})

describe('secrets in inputs', () => {
  it('are masked before they can be used, and print as ***', () => {
    const runner = new RecordedRunner({ token: 'ghs_0123456789', 'api-token': KEY })
    const inputs = readInputs(runner)
    expect(new Set(runner.masks)).toEqual(new Set(['ghs_0123456789', KEY]))
    expect(`${JSON.stringify(inputs)}${String(inputs.githubToken)}`).not.toContain('0123456789')
    expect(JSON.stringify(inputs)).not.toContain(KEY)
  })

  it.each(['main', 'a1b2c3d', 'a1'.repeat(21), 'v1.2.3', `${'a1'.repeat(20)} ${'a1'.repeat(20)}`])(
    'name a commit in full: %s is refused',
    (commit) => {
      const { problems } = refusal({ gems: '*.gem', commit })
      expect(problems.map(({ what }) => what)).toEqual([expect.stringContaining('`commit` is')])
    },
  )

  it.each(['gem-server', 'audience', 'role-to-assume', 'strategy', 'tag', 'expected-version', 'await-timeout'])(
    'are not repeated where a key was put into %s',
    (input) => {
      const given = `${KEY}@ {`
      expect(refusal({ [input]: given }).message).not.toContain(KEY.slice(0, 20))
    },
  )

  it('are never in a message, whatever the other inputs hold; and nothing but a ReleaseError is thrown', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.constantFrom('', 'true', 'auto'),
    )
    const secret = fc.string({ maxLength: 40 }).map((text) => `S3CRET${text}`)
    const server = fc.oneof(
      anything,
      fc
        .tuple(fc.constantFrom('https', 'http', 'ssh', ''), fc.string(), secret, fc.string())
        .map(([scheme, user, password, host]) => `${scheme}://${user}:${password}@${host}`),
      fc.tuple(fc.webUrl(), secret).map(([url, token]) => `${url}?token=${token}`),
    )
    const given = fc.record(
      {
        'working-directory': anything,
        gems: anything,
        commit: anything,
        checksums: anything,
        platforms: anything,
        'expected-version': anything,
        strategy: anything,
        'gem-server': server,
        audience: anything,
        'setup-trusted-publisher': anything,
        'role-to-assume': anything,
        'api-token': secret,
        tag: anything,
        token: secret,
        'await-release': anything,
        'await-timeout': anything,
        'persist-credentials': anything,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(given, (inputs) => {
        const problems = problemsOf(inputs)
        expect(problems.filter(({ code, fix }) => code !== 'invalid-input' || fix === '')).toEqual([])
        expect(JSON.stringify(problems)).not.toContain('S3CRET')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('input `tag`', () => {
  it('is only taken when git takes the tags it makes', () => {
    const text = ['{name}', 'v', '-', '/', '.', '.lock', '@', '~', '{', '}', '..', 'ü', '\\', ' ']
    const parts = fc.array(fc.constantFrom(...text), { maxLength: 4 }).map((list) => list.join(''))
    const refused: string[] = []
    fc.assert(
      fc.property(parts, parts, (before, after) => {
        const template = `${before}{version}${after}`
        if (!isTaken(template)) return
        const tag = template.trim().replaceAll('{name}', 'rack-lens').replaceAll('{version}', '1.2.3')
        const { status } = spawnSync('git', ['check-ref-format', `refs/tags/${tag}`])
        if (status !== 0) refused.push(template)
        expect(refused).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['gems.lock/{version}', '{version}.lock', '-{version}', '{version}/', 'v{version}@{u}', '{Version}', 'v'])(
    '%s is refused',
    (template) => {
      expect(isTaken(template)).toBe(false)
    },
  )
})

function isTaken(tag: string): boolean {
  return problemsOf({ tag }).length === 0
}
