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

describe('gemspecs that are refused', () => {
  it.each<[string, (yaml: string) => string, string]>([
    [
      'another tag',
      (yaml) => yaml.replace('Gem::Specification', 'Gem::Other'),
      'expected tag "!ruby/object:Gem::Specification", but got "!ruby/object:Gem::Other" path: /',
    ],
    [
      'no tag',
      (yaml) => yaml.replace(' !ruby/object:Gem::Specification', ''),
      'expected tag "!ruby/object:Gem::Specification", but none specified path: /',
    ],
    ['an unknown key', (yaml) => `${yaml}exploit: 1\n`, 'unknown property "exploit" path: /exploit'],
    ['a key twice', (yaml) => `${yaml}name: other\n`, 'unknown property "name" path: /name'],
    [
      'a Ruby object',
      (yaml) => yaml.replace('metadata: {}', 'metadata: !ruby/object:Evil {}'),
      'expected no tag, but got "!ruby/object:Evil" path: /metadata',
    ],
    ['no summary', (yaml) => yaml.replace(/^summary:.*\n/m, ''), 'missing fields "summary" path: /'],
    [
      'no author',
      (yaml) => yaml.replace("authors:\n- The sandbox's maintainer", 'authors: []'),
      'expected minimum 1 items, but found 0 path: /authors',
    ],
    [
      'a number that is a float',
      (yaml) => yaml.replace("version: '1.0.0'", 'version: 1.0'),
      'expected string, got float path: /version/version',
    ],
    [
      'a number that is a word',
      (yaml) => yaml.replace("version: '1.0.0'", 'version: latest'),
      'path: /version/version',
    ],
    ['a date that is a word', (yaml) => yaml.replace(/^date:.*$/m, 'date: not-a-date'), 'path: /date'],
    [
      'metadata that is a list',
      (yaml) => yaml.replace('metadata: {}', 'metadata:\n  foo: []'),
      'expected Scalar, got "Psych::Nodes::Sequence" path: /metadata/foo',
    ],
    [
      'a link that is none',
      (yaml) => yaml.replace('metadata: {}', 'metadata:\n  homepage_uri: example'),
      'path: /metadata/homepage_uri',
    ],
    [
      'a long value',
      (yaml) => yaml.replace('metadata: {}', `metadata:\n  foo: ${'x'.repeat(1025)}`),
      'expected string length to be <= 1024 path: /metadata/foo',
    ],
    ['a long license', (yaml) => yaml.replace('- MIT', `- ${'x'.repeat(65)}`), 'path: /licenses/0'],
    [
      'a requirement on no version',
      (yaml) => yaml.replace("version: '0'\nrequired_rubygems", 'version: test\nrequired_rubygems'),
      'path: /required_ruby_version/requirements/0/1/version',
    ],
    ['a name with a space', (yaml) => yaml.replace('name: demo', 'name: de mo'), 'path: /name'],
    ['broken YAML', (yaml) => `${yaml}{\n`, 'invalid YAML syntax at line'],
  ])('%s', async (_, change, detail) => {
    const answer = await pushing(withYaml(change))
    expect(answer).toMatchObject({ status: 422, stored: 0 })
    expect(answer.body).toMatch(/^RubyGems\.org cannot process this gem\.\nPlease try rebuilding it.*\nError:\n/)
    expect(answer.body).toContain(detail)
    expect(answer.body.length).toBeLessThan(700)
  })

  it('YAML aliases get their own explanation', async () => {
    const bytes = withYaml((yaml) =>
      yaml.replace('licenses:\n- MIT', 'licenses: &list\n- MIT').replace('requirements: []', 'requirements: *list'),
    )
    expect(await pushing(bytes)).toEqual({
      status: 422,
      body:
        'RubyGems.org cannot process this gem.\n' +
        'Pushing gems where there are aliases in the YAML gemspec is no longer supported.\n' +
        'Ensure you are using a recent version of RubyGems to build the gem by running\n' +
        '`gem update --system` and then try pushing again.\n',
      stored: 0,
    })
  })
})
