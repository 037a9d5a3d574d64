import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pack } from 'tar-stream'
import { buffer } from 'node:stream/consumers'
import { deflateSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Leak, searchForSecrets } from '../../sandbox/runner/leaks.ts'

// Its base64 holds `+` and `/`, it needs escaping everywhere, and it has lower-case letters.
const SECRET = 'key>>>???"\\\u00fb\u00ff~_end+/='

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'leaks-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

function inText(text: string, secret = SECRET): string[] {
  const leaks = searchForSecrets({ secrets: { key: secret }, roots: [], texts: { log: text } })
  expect(leaks.every((leak) => leak.secret === 'key' && leak.where === 'log')).toBe(true)
  return leaks.map(({ encoding }) => encoding)
}

async function inFile(bytes: Buffer | string): Promise<Leak[]> {
  await writeFile(join(root, 'file'), bytes)
  return searchForSecrets({ secrets: { key: SECRET }, roots: [root], texts: {} })
}

describe('in a text', () => {
  const bytes = Buffer.from(SECRET)
  const after = (prefix: string, encoding: 'base64' | 'base64url'): string =>
    Buffer.from(`${prefix}${SECRET} and more`).toString(encoding)

  test.each([
    ['plain', `x${SECRET}x`],
    ['base64', bytes.toString('base64')],
    ['base64', bytes.toString('base64').replace(/=+$/, '')],
    ['base64', after('', 'base64')],
    ['base64', after('1', 'base64')],
    ['base64', after('12', 'base64')],
    ['base64', after('user:', 'base64').replace(/.{20}/g, '$&\n')],
    ['base64url', bytes.toString('base64url')],
    ['base64url', after('1', 'base64url')],
    ['base64url', after('12', 'base64url')],
    ['hex', bytes.toString('hex')],
    ['hex', bytes.toString('hex').toUpperCase()],
    ['uri', encodeURIComponent(SECRET)],
    ['uri', encodeURIComponent(SECRET).replace(/%../g, (escape) => escape.toLowerCase())],
    ['uri', encodeURIComponent(SECRET).replaceAll('~', '%7E').replaceAll('_', '%5F')],
    ['uri', bytes.toString('hex').replace(/../g, '%$&')],
    ['json', JSON.stringify({ a: SECRET })],
    ['json', SECRET.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)],
    ['reversed', SECRET.split('').toReversed().join('')],
    ['uppercase', SECRET.toUpperCase()],
  ])('finds %s: %s', (encoding, text) => {
    expect(inText(text)).toEqual([encoding])
  })

  test('finds a form that looks like plain text once', () => {
    expect(inText('rubygems_0123456789abcdef', 'rubygems_0123456789abcdef')).toEqual(['plain'])
  })

  test.each([['nothing'], [SECRET.slice(1)], [SECRET.slice(0, -1)], [SECRET.replace('key', 'kex')], ['']])(
    'does not find it in %s',
    (text) => {
      expect(inText(text)).toEqual([])
      expect(inText(Buffer.from(text).toString('base64'))).toEqual([])
      expect(inText(Buffer.from(text).toString('hex'))).toEqual([])
      expect(inText(encodeURIComponent(text))).toEqual([])
    },
  )

  test('refuses a secret too short to be told from chance', () => {
    expect(() => inText('x', 'short')).toThrow('key is too short')
  })

  test('tells secrets apart, and never repeats them', () => {
    const texts = { log: 'first-secret', other: 'second-secret' }
    const leaks = searchForSecrets({ secrets: { a: 'first-secret', b: 'second-secret' }, roots: [], texts })
    expect(leaks).toEqual([
      { secret: 'a', encoding: 'plain', inflated: false, where: 'log', offset: 0 },
      { secret: 'b', encoding: 'plain', inflated: false, where: 'other', offset: 0 },
    ])
  })
})

describe('in files', () => {
  test.each([
    ['gzip', gzipSync(`x${SECRET}`)],
    ['zlib, as loose git objects', deflateSync(`x${SECRET}`)],
    ['gzip in gzip', gzipSync(gzipSync(`x${SECRET}`))],
    ['a cut-off gzip', gzipSync(`x${SECRET}${'x'.repeat(500)}`).subarray(0, -10)],
    ['gzip in the middle of something', Buffer.concat([Buffer.from('head'), gzipSync(`x${SECRET}`), Buffer.alloc(99)])],
  ])('inflates %s', async (_, bytes) => {
    const leaks = await inFile(bytes)
    expect(leaks).toMatchObject([{ secret: 'key', inflated: true, where: join(root, 'file') }])
  })

  test('looks inside a gem', async () => {
    const archive = pack()
    archive.entry({ name: 'metadata.gz' }, gzipSync('name: a'))
    archive.entry({ name: 'data.tar.gz' }, gzipSync(Buffer.from(SECRET).toString('hex')))
    archive.finalize()
    expect(await inFile(await buffer(archive))).toMatchObject([{ encoding: 'hex', inflated: true }])
  })

  test('finds nothing in innocent files, compressed or not', async () => {
    expect(await inFile(gzipSync('nothing'))).toEqual([])
    expect(await inFile(Buffer.from([0x1f, 0x8b, 0x08, 0xff, 0xff]))).toEqual([])
    expect(await inFile(Buffer.from([0x78, 0x9c, 0xff]))).toEqual([])
  })

  test('searches all levels, hidden files, names and link targets, without following links', async () => {
    const [outside, inside] = [join(root, 'outside'), join(root, 'inside')]
    await mkdir(outside)
    await mkdir(join(inside, '.hidden', 'deep'), { recursive: true })
    await writeFile(join(outside, 'file'), 'deep-secret-1')
    await symlink(outside, join(inside, 'link'))
    await symlink('/to/deep-secret-1', join(inside, 'target'))
    await writeFile(join(inside, 'name-deep-secret-1'), '')
    await writeFile(join(inside, '.hidden', 'deep', 'file'), 'deep-secret-1')
    const leaks = searchForSecrets({ secrets: { s: 'deep-secret-1' }, roots: [inside], texts: {} })
    expect(leaks.map(({ where }) => where).toSorted()).toEqual([
      join(inside, '.hidden', 'deep', 'file'),
      `name of ${join(inside, 'name-deep-secret-1')}`,
      `target of ${join(inside, 'target')}`,
    ])
  })

  test('a missing root is an error, so that a wrong path cannot pass for a clean one', () => {
    const search = { secrets: { s: 'some-secret' }, roots: [join(root, 'missing')], texts: {} }
    expect(() => searchForSecrets(search)).toThrow('no such file or directory')
  })
})
