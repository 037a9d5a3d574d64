import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ask } from '../../sandbox/github/client.ts'
import { DESCRIPTION, answerProblems, findOperation } from '../../sandbox/github/openapi.ts'
import { problems, type Schema } from '../../sandbox/github/schema.ts'
import { TestGitHub } from './github-setup.ts'

const REPO = '/repos/octo/rack-lens'

describe('the schema validator', () => {
  const CASES: [string, Schema, unknown, string[]][] = [
    ['a string', { type: 'string' }, 'x', []],
    ['a number for a string', { type: 'string' }, 1, ['1 is not a string.']],
    ['a whole number', { type: 'integer' }, 1, []],
    ['a fraction for a whole number', { type: 'integer' }, 1.5, ['1.5 is not an integer.']],
    ['null where it may be', { type: 'string', nullable: true }, null, []],
    ['null where it may not be', { type: 'string' }, null, ['nil is not a string.']],
    ['a list for an object', { type: 'object' }, [], ['[] is not an object.']],
    ['a member', { type: 'string', enum: ['a', 'b'] }, 'b', []],
    ['no member', { type: 'string', enum: ['a', 'b'] }, 'c', ['"c" is not a member of ["a","b"].']],
    ['one of two', { oneOf: [{ type: 'string' }, { type: 'integer' }] }, 1, []],
    ['none of two', { oneOf: [{ type: 'string' }, { type: 'integer' }] }, true, ['true is not a string.']],
    ['any of two', { anyOf: [{ type: 'string' }, { type: 'object' }] }, {}, []],
    ['a bad item', { type: 'array', items: { type: 'string' } }, ['a', 2], ["For 'items/1', 2 is not a string."]],
    [
      'too short',
      { type: 'string', minLength: 3 },
      'ab',
      ['At least 3 characters are required; only 2 were supplied.'],
    ],
    ['too long', { type: 'string', maxLength: 1 }, 'ab', ['No more than 1 characters are allowed; 2 were supplied.']],
    ['out of range', { type: 'integer', maximum: 5 }, 6, ['6 is out of range.']],
  ]
  it.each(CASES)('%s', (_name, schema, value, expected) => {
    expect(problems(schema, value)).toEqual(expected)
  })

  it('names what is missing and what is too much, as GitHub does', () => {
    const schema: Schema = { type: 'object', required: ['b', 'a'], properties: { a: {}, b: {} } }
    expect(problems(schema, {})).toEqual(['"a", "b" weren\'t supplied.'])
    expect(problems(schema, { a: 1 })).toEqual(['"b" wasn\'t supplied.'])
    expect(problems(schema, { a: 1, b: 1, c: 1 })).toEqual(['"c" is not a permitted key.'])
    expect(problems(schema, { a: 1, b: 1, d: 1, c: 1 })).toEqual(['"c", "d" are not permitted keys.'])
  })

  it('checks properties a schema does not name by additionalProperties', () => {
    expect(problems({ properties: {}, additionalProperties: { type: 'string' } }, { a: 1 })).toEqual([
      "For 'properties/a', 1 is not a string.",
    ])
    expect(problems({ properties: {}, additionalProperties: true }, { a: 1 })).toEqual([])
    expect(problems({ type: 'object' }, { a: 1 })).toEqual([])
  })

  it('stops at a type it does not know', () => {
    expect(() => problems({ type: 'decimal' }, 1)).toThrow('unknown schema type decimal')
  })
})

describe('the description', () => {
  it("is GitHub's, of one version, and small", () => {
    expect(DESCRIPTION).toMatchObject({ version: '23.0.2', license: 'MIT' })
    expect(DESCRIPTION.source).toContain('@octokit/openapi')
    expect(statSync(new URL('../../sandbox/github/openapi.json', import.meta.url)).size).toBeLessThan(300_000)
  })

  it.each([
    [
      'GET',
      '/repos/o/r/git/ref/tags/a/b',
      'GET /repos/{owner}/{repo}/git/ref/{ref}',
      { owner: 'o', repo: 'r', ref: 'tags/a/b' },
    ],
    [
      'GET',
      '/repos/o/r/releases/tags/v1',
      'GET /repos/{owner}/{repo}/releases/tags/{tag}',
      { owner: 'o', repo: 'r', tag: 'v1' },
    ],
    [
      'GET',
      '/repos/o/r/releases/7',
      'GET /repos/{owner}/{repo}/releases/{release_id}',
      { owner: 'o', repo: 'r', release_id: '7' },
    ],
    [
      'POST',
      '/uploads/repos/o/r/releases/7/assets',
      'POST /repos/{owner}/{repo}/releases/{release_id}/assets',
      { owner: 'o', repo: 'r', release_id: '7' },
    ],
  ])('%s %s is an operation', (method, path, name, params) => {
    const match = findOperation(method, path)
    expect([match?.operation.name, match?.params]).toEqual([name, params])
  })

  it.each([
    ['PUT', '/repos/o/r/git/refs/tags/v1'],
    ['POST', '/repos/o/r/releases/7/assets'],
    ['GET', '/repos/o/r/git/ref/'],
    ['GET', '/user'],
    ['GET', '/repos/o/r/git/ref/%E0%A4%A'],
  ])('%s %s is none', (method, path) => {
    expect(findOperation(method, path)).toBeUndefined()
  })
})

describe('a wrong request', () => {
  const CASES: [string, string, unknown, number, string][] = [
    ['of no operation', 'GET /user', undefined, 404, 'is not an operation of the API that the sandbox serves'],
    ['with a field missing', `POST ${REPO}/git/refs`, { ref: 'refs/tags/v1' }, 422, '"sha" wasn\'t supplied.'],
    [
      'with a field too many',
      `POST ${REPO}/git/refs`,
      { ref: 'refs/tags/v1', sha: 'f'.repeat(40), force: true },
      422,
      '"force" is not a permitted key.',
    ],
    [
      'with a wrong type',
      `POST ${REPO}/git/refs`,
      { ref: 1, sha: 'f'.repeat(40) },
      422,
      "For 'properties/ref', 1 is not a string.",
    ],
    [
      'with a wrong choice',
      `POST ${REPO}/git/tags`,
      { tag: 'v1', message: '', object: 'f'.repeat(40), type: 'tag' },
      422,
      'is not a member of ["commit","tree","blob"].',
    ],
    [
      'with half a tagger',
      `POST ${REPO}/git/tags`,
      { tag: 'v1', message: '', object: 'f'.repeat(40), type: 'commit', tagger: { name: 'x' } },
      422,
      "For 'properties/tagger', \"email\" wasn't supplied.",
    ],
    ['without JSON', `POST ${REPO}/git/refs`, 'ref=refs/tags/v1', 400, 'Problems parsing JSON'],
    ['with a list', `POST ${REPO}/git/refs`, '[]', 400, 'Body should be a JSON object'],
    [
      'with a name for a number',
      `GET ${REPO}/releases/latest`,
      undefined,
      404,
      'For \'release_id\', "latest" is not an integer.',
    ],
    ['with an unknown query', `GET ${REPO}/releases?limit=5`, undefined, 200, '"limit" is not a query parameter'],
    ['with a wrong query', `GET ${REPO}/releases?page=x`, undefined, 200, 'For \'page\', "x" is not an integer.'],
  ]
  it.each(CASES)('%s is answered and recorded', async (_name, line, body, status, words) => {
    await using world = await TestGitHub.start()
    const reply = await ask(world.github, line, { token: world.token, body })
    expect(reply.status).toBe(status)
    const told = status < 400 || status === 404 ? '' : words
    expect(String(reply.body['message'])).toContain(told)
    expect(world.github.violations).toEqual([expect.stringContaining(words)])
    expect(world.github.violations[0]).toMatch(new RegExp(`^${line.replaceAll(/[?/]/g, '\\$&')}: `))
  })

  it('is not one that is only refused', async () => {
    await using world = await TestGitHub.start()
    await ask(world.github, `GET ${REPO}/git/ref/tags/gone`)
    await ask(world.github, `POST ${REPO}/git/refs`, { body: { ref: 'refs/tags/v1', sha: world.commit } })
    expect(world.github.violations).toEqual([])
  })
})

describe('a wrong answer', () => {
  it('is found by its shape', async () => {
    await using world = await TestGitHub.start()
    const { body } = await ask(world.github, `GET ${REPO}/git/ref/heads/main`)
    const found = (change: object) => answerProblems('GET', `${REPO}/git/ref/heads/main`, 200, { ...body, ...change })
    expect(found({})).toEqual([])
    expect(found({ object: { type: 'commit', sha: 'short', url: '' } })).toHaveLength(1)
    expect(found({ ref: undefined })).toEqual(['"ref" wasn\'t supplied.'])
    expect(found({ reff: 'x' })).toEqual(['"reff" is not a permitted key.'])
  })

  it('is found by its status', () => {
    const path = `${REPO}/git/refs`
    expect(answerProblems('POST', path, 200, {})).toEqual([`POST /repos/{owner}/{repo}/git/refs does not answer 200`])
    expect(answerProblems('POST', path, 403, { message: 'no' })).toEqual([
      '"documentation_url", "status" weren\'t supplied.',
    ])
    expect(answerProblems('DELETE', `${REPO}/releases/assets/1`, 204, undefined)).toEqual([])
    expect(answerProblems('DELETE', `${REPO}/releases/assets/1`, 204, {})).toHaveLength(1)
    expect(answerProblems('GET', '/user', 200, {})).toEqual(['GET /user is not described'])
    expect(answerProblems('GET', '/user', 404, { message: 'Not Found' })).toHaveLength(1)
  })
})
