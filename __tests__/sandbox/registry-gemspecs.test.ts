import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gemspecYaml, tar } from '../../sandbox/registry/seed-gem.ts'
import { push, startWorld } from './registry-world.ts'

const DEMO = { name: 'demo', number: '1.0.0' }

const DATA = gzipSync(tar([]))

async function pushing(bytes: Buffer): Promise<{ status: number; body: string; stored: number }> {
  const { registry } = await startWorld()
  const { status, body } = await push(registry, registry.addUserKey({}), bytes)
  return { status, body, stored: registry.versions().length }
}

function withYaml(change: (yaml: string) => string): Buffer {
  return tar([
    ['metadata.gz', gzipSync(change(gemspecYaml(DEMO)))],
    ['data.tar.gz', DATA],
  ])
}

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
