import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gemspecYaml, seedGem, tar } from '../../sandbox/registry/seed-gem.ts'
import { push, startWorld } from './registry-world.ts'

const DEMO = { name: 'demo', number: '1.0.0' }

const DATA = gzipSync(tar([]))

const METADATA = gzipSync(gemspecYaml(DEMO))

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function checksums(metadata: string, data: string): Buffer {
  return gzipSync(`---\nSHA256:\n  metadata.gz: ${metadata}\n  data.tar.gz: ${data}\n`)
}

async function pushing(bytes: Buffer): Promise<{ status: number; body: string; stored: number }> {
  const { registry } = await startWorld()
  const { status, body } = await push(registry, registry.addUserKey({}), bytes)
  return { status, body, stored: registry.versions().length }
}

function unprocessable(detail?: string): { status: number; body: string; stored: number } {
  const reason = detail === undefined ? '' : `\nError:\n${detail}`
  const advice = "Please try rebuilding it and installing it locally to make sure it's valid."
  return { status: 422, body: `RubyGems.org cannot process this gem.\n${advice}${reason}\n`, stored: 0 }
}

function withYaml(change: (yaml: string) => string): Buffer {
  return tar([
    ['metadata.gz', gzipSync(change(gemspecYaml(DEMO)))],
    ['data.tar.gz', DATA],
  ])
}

describe('gems that are accepted', () => {
  it.each<[string, Buffer]>([
    [
      'without checksums',
      tar([
        ['metadata.gz', METADATA],
        ['data.tar.gz', DATA],
      ]),
    ],
    [
      'with uncompressed metadata',
      tar([
        ['metadata', Buffer.from(gemspecYaml(DEMO))],
        ['data.tar.gz', DATA],
      ]),
    ],
    [
      'with right checksums',
      tar([
        ['metadata.gz', METADATA],
        ['data.tar.gz', DATA],
        ['checksums.yaml.gz', checksums(digest(METADATA), digest(DATA))],
      ]),
    ],
    [
      'with links',
      withYaml((yaml) => yaml.replace('metadata: {}', 'metadata:\n  source_code_uri: https://github.com/octo/demo')),
    ],
    [
      'with a requirement of the old kind',
      withYaml((yaml) => yaml.replaceAll('Gem::Requirement', 'Gem::Version::Requirement')),
    ],
  ])('%s', async (_, bytes) => {
    expect(await pushing(bytes)).toMatchObject({ status: 200, stored: 1 })
  })
})

describe('packages that are refused', () => {
  it.each<[string, Buffer, string | undefined]>([
    ['nothing at all', Buffer.alloc(0), 'gem package contains no entries'],
    ['an empty archive', tar([]), 'gem package contains no entries'],
    ['no metadata', tar([['data.tar.gz', DATA]]), 'missing metadata.gz file'],
    ['no data', tar([['metadata.gz', METADATA]]), 'missing data.tar.gz file'],
    [
      'metadata twice',
      tar([
        ['metadata.gz', METADATA],
        ['metadata.gz', METADATA],
      ]),
      'duplicate metadata file: already processed metadata, found metadata.gz',
    ],
    [
      'data twice',
      tar([
        ['data.tar.gz', DATA],
        ['data.tar.gz', DATA],
      ]),
      'duplicate data.tar.gz file found',
    ],
    [
      'another file',
      tar([
        ['metadata.gz', METADATA],
        ['data.tar.gz', DATA],
        ['evil.rb', DATA],
      ]),
      'unexpected gem file entry: "evil.rb"',
    ],
    [
      'metadata that is no gzip',
      tar([
        ['metadata.gz', Buffer.from('plain')],
        ['data.tar.gz', DATA],
      ]),
      undefined,
    ],
    [
      'metadata that is a bomb',
      tar([
        ['metadata.gz', gzipSync(Buffer.alloc(10 * 1024 * 1024 + 1, 0x20))],
        ['data.tar.gz', DATA],
      ]),
      'metadata.gz is too big (over 10485760 bytes)',
    ],
    [
      'a wrong checksum',
      tar([
        ['metadata.gz', METADATA],
        ['data.tar.gz', DATA],
        ['checksums.yaml.gz', checksums(digest(METADATA), 'f'.repeat(64))],
      ]),
      `expected "data.tar.gz" to have ${digest(DATA)} but was ${'f'.repeat(64)}`,
    ],
    [
      'checksums of something else',
      tar([
        ['metadata.gz', METADATA],
        ['data.tar.gz', DATA],
        ['checksums.yaml.gz', gzipSync('---\nSHA512:\n  metadata.gz: aa\n')],
      ]),
      'missing fields "SHA256" path: /',
    ],
    [
      'a missing checksum',
      tar([
        ['metadata.gz', METADATA],
        ['data.tar.gz', DATA],
        ['checksums.yaml.gz', gzipSync('---\nSHA256:\n  metadata.gz: aa\n')],
      ]),
      'expected checksum for "data.tar.gz" but found none',
    ],
    [
      'a signature without a certificate',
      tar([
        ['metadata.gz', METADATA],
        ['metadata.gz.sig', DATA],
        ['data.tar.gz', DATA],
        ['data.tar.gz.sig', DATA],
      ]),
      'missing signing certificate',
    ],
    [
      'half the signatures',
      tar([
        ['metadata.gz', METADATA],
        ['metadata.gz.sig', DATA],
        ['data.tar.gz', DATA],
      ]),
      'missing signature for data.tar.gz',
    ],
    [
      'a certificate without signatures',
      seedGem({ ...DEMO, yaml: { cert_chain: '\n- PEM' } }),
      'Cert chain provided, but no signatures found',
    ],
  ])('%s', async (_, bytes, detail) => {
    expect(await pushing(bytes)).toEqual(unprocessable(detail))
  })

  it.each([
    ['text', Buffer.from('this is not a gem, '.repeat(100))],
    ['half a gem', seedGem(DEMO).subarray(0, 700)],
  ])('%s', async (_, bytes) => {
    const answer = await pushing(bytes)
    expect(answer).toMatchObject({ status: 422, stored: 0 })
    expect(answer.body).toMatch(/^RubyGems\.org cannot process this gem\.\nPlease try rebuilding it/)
  })
})
