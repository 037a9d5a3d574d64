import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { beforeAll, describe, expect, test } from 'vitest'

import { MAX_GEM_SIZE, readGem } from '../../src/rubygems/gem-file.ts'
import { gemBuild, gemBytes, readWithRuby, specification } from './gem-builder.ts'
import type { RubyReading } from './gem-builder.ts'
import { refusal, rubyView, temporaryDirectory } from './gem-cases.ts'

/** A gemspec with the lines given, each about `s`. */
const gemspec = (name: string, version: string, ...lines: string[]): string =>
  [
    'Gem::Specification.new do |s|',
    `s.name = ${JSON.stringify(name)}; s.version = ${JSON.stringify(version)}`,
    "s.summary = 'A sample'; s.authors = ['Sam']; s.licenses = ['MIT']",
    ...lines,
    'end',
  ].join('\n')

/** Makes a key and a certificate of its own, as `gem cert --build` does, where the gemspec is. */
const SIGNED = `
  require 'openssl'
  key = OpenSSL::PKey::RSA.new(2048)
  File.write('key.pem', key.to_pem)
  File.write('cert.pem', Gem::Security.create_cert_email('sam@example.org', key).to_pem)
  s.cert_chain = ['cert.pem']
  s.signing_key = 'key.pem'
`

/** Gemspecs for the real `gem build`, and the full name the registry gives to what it builds. */
const BUILT: [fullName: string, source: string][] = [
  ['plain-1.2.3', gemspec('plain', '1.2.3', "s.files = ['it.gemspec']")],
  ['native-1.10-x86_64-linux', gemspec('native', '1.10', "s.platform = 'x86_64-linux'")],
  ['native-1.10-x86_64-linux-musl', gemspec('native', '1.10', "s.platform = 'x86_64-linux-musl'")],
  ['native-2-universal-darwin19', gemspec('native', '2', "s.platform = 'universal-darwin19'")],
  ['native-2-java', gemspec('native', '2', "s.platform = 'java'")],
  ['early-2.0.0.rc1', gemspec('early', '2.0.0.rc1')],
  ['early-3.0.pre.rc.1', gemspec('early', '3.0-rc.1')],
  ['dashed-1-0', gemspec('dashed-1', '0')],
  [
    'depending-1.0',
    gemspec(
      'depending',
      '1.0',
      "s.add_dependency 'rake', '>= 1.0', '< 3', '!= 2.1'",
      "s.add_dependency 'any'",
      "s.add_dependency 'early', '~> 2.0.0.rc1'",
      "s.add_development_dependency 'minitest', '= 5'",
    ),
  ],
  [
    'meta-1.0',
    gemspec(
      'meta',
      '1.0',
      "s.metadata = { 'allowed_push_host' => 'https://gems.example.org', 'rubygems_mfa_required' => 'true',",
      "'number' => '1.10', 'symbol' => ':a', 'nothing' => '~', 'empty' => '', 'multi' => \"a\\n b\\n\\nc\\n\",",
      "'unicode' => \"\\u00e9\\u{1f600}\\u0085\\e\", 'long' => 'x y ' * 256, 'colon' => 'a: b # c', 'date' => '2024-01-01',",
      "'__proto__' => 'p', 'homepage_uri' => 'https://example.org/a?b#c' }",
    ),
  ],
  [
    'wordy-1.0',
    gemspec(
      'wordy',
      '1.0',
      's.description = "  leading\\n\\ttab\\u0085next\\u2028line\\u2029paragraph\\rreturn\\n\\n\\n  trailing  \\n"',
      's.summary = "\\xE9".dup.force_encoding("ASCII-8BIT")',
      's.post_install_message = "---\\nname: evil\\n...\\n# not a comment"',
      "s.requirements = ['&a', '*b', '!c', '%d', '<<', 'null', '- e', '? f']",
    ),
  ],
  ['many-1.0', gemspec('many', '1.0', '3000.times { |i| File.write("f#{i}.rb", "") }', "s.files = Dir['*.rb']")],
  ['signed-1.0', gemspec('signed', '1.0', SIGNED)],
]

describe('a gem built by Ruby', () => {
  const directory = temporaryDirectory()
  const files = new Map<string, string>()
  const readings = new Map<string, RubyReading>()
  beforeAll(async () => {
    const built = BUILT.map(async ([fullName, source]) => gemBuild(path.join(directory.path, fullName), source))
    const paths = await Promise.all(built)
    const found = await readWithRuby(paths)
    for (const [index, [fullName]] of BUILT.entries()) {
      files.set(fullName, paths[index] ?? '')
      readings.set(fullName, found[index] ?? { error: 'none' })
    }
    // A Ruby process for each gem: on a busy machine that takes its time.
  }, 240_000)

  test.each(BUILT.map(([fullName]) => fullName))('%s', async (fullName) => {
    const file = files.get(fullName) ?? ''
    const bytes = await readFile(file)
    const gem = await readGem(file)
    expect({ spec: rubyView(gem) }).toEqual(readings.get(fullName))
    expect(gem).toMatchObject({ path: file, fileName: path.basename(file), fullName, size: bytes.length })
    expect(gem.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  test('repacked by GNU tar', async () => {
    const source = files.get('signed-1.0') ?? ''
    const unpacked = path.join(directory.path, 'unpacked')
    await mkdir(unpacked)
    execFileSync('tar', ['xf', source, '-C', unpacked])
    const names = await readdir(unpacked)
    const repacked = path.join(directory.path, 'repacked.gem')
    execFileSync('tar', ['cf', repacked, '--format=gnu', '-C', unpacked, ...names])
    expect(names).toHaveLength(6)
    expect(rubyView(await readGem(repacked))).toEqual(rubyView(await readGem(source)))
  })
})

describe('the platform', () => {
  const directory = temporaryDirectory()
  const read = async (fields: Record<string, string>): ReturnType<typeof readGem> => {
    const file = path.join(directory.path, 'it.gem')
    await writeFile(file, gemBytes({ yaml: specification(fields) }))
    return readGem(file)
  }

  // RubyGems 3.5 and later write both; earlier ones wrote the original as `platform`, and so does the Ruby here.
  test('the original one names the gem when both are there', async () => {
    const gem = await read({ platform: ' universal-darwin-19', original_platform: ' universal-darwin19' })
    expect(gem).toMatchObject({ platform: 'universal-darwin-19', originalPlatform: 'universal-darwin19' })
    expect(gem.fullName).toBe('sample-1.2.3-universal-darwin19')
  })

  test('is ruby when there is none, and then not part of the full name', async () => {
    const gem = await read({ platform: '' })
    expect(gem).toMatchObject({ platform: 'ruby', originalPlatform: 'ruby', fullName: 'sample-1.2.3' })
  })
})

describe('the private copy', () => {
  const directory = temporaryDirectory()
  const at = (name: string): string => path.join(directory.path, name)
  beforeAll(async () => {
    await writeFile(at('named-otherwise.gem'), gemBytes())
  })

  test('holds the same bytes, for the owner only, and is what is named', async () => {
    const gem = await readGem(at('named-otherwise.gem'), { copyTo: at('copy') })
    expect(await readFile(at('copy'))).toEqual(gemBytes())
    expect((await stat(at('copy'))).mode & 0o777).toBe(0o600)
    expect(gem).toMatchObject({ path: at('copy'), fileName: 'named-otherwise.gem', fullName: 'sample-1.2.3' })
  })

  test('never replaces a file, nor follows a link', async () => {
    await writeFile(at('there'), 'mine')
    await symlink(at('target'), at('link'))
    for (const copyTo of [at('there'), at('link'), at('no/such/directory')]) {
      const { code, what } = await refusal(readGem(at('named-otherwise.gem'), { copyTo }))
      expect({ code, what }).toEqual({
        code: 'internal-error',
        what: expect.stringMatching(/^The private copy of a gem cannot be created \((?:EEXIST|ENOENT)\)\.$/),
      })
    }
    expect(await readFile(at('there'), 'utf8')).toBe('mine')
    expect(await readdir(directory.path)).not.toContain('target')
  })

  test('is what was inspected, though the original changes meanwhile', async () => {
    const original = at('changing.gem')
    const data = Buffer.alloc(8 * 1024 * 1024).fill('1f8b', 0, 2, 'hex')
    const changing = gemBytes({ data, checksums: null })
    await writeFile(original, changing)
    await using file = await open(original, 'r+')
    const state = { read: false, changes: 0 }
    const reading = readGem(original, { copyTo: at('changing') }).finally(() => {
      state.read = true
    })
    // In place, from the end: the reader meets some of it, and never a file that is short.
    for (; !state.read; state.changes++)
      await file.write(Buffer.alloc(4096, state.changes), 0, 4096, changing.length - 8192)
    const { sha256 } = await reading
    expect(sha256).toBe(
      createHash('sha256')
        .update(await readFile(at('changing')))
        .digest('hex'),
    )
    expect(state.changes).toBeGreaterThan(0)
  })
})

describe('a path that is no gem', () => {
  const directory = temporaryDirectory()
  const at = (name: string): string => path.join(directory.path, name)
  beforeAll(async () => {
    await writeFile(at('real.gem'), gemBytes())
    await symlink('real.gem', at('link.gem'))
    await symlink('nowhere', at('dangling.gem'))
    await mkdir(at('directory.gem'))
    execFileSync('mkfifo', [at('fifo.gem')])
    await writeFile(at('large.gem'), '')
    await truncate(at('large.gem'), MAX_GEM_SIZE + 1)
    await writeFile(at('largest.gem'), '')
    await truncate(at('largest.gem'), MAX_GEM_SIZE)
  })

  test.each([
    ['link.gem', 'gem-invalid', /"link\.gem" .* it is a symbolic link/],
    ['dangling.gem', 'gem-invalid', /symbolic link/],
    ['directory.gem', 'gem-invalid', /no regular file/],
    ['fifo.gem', 'gem-invalid', /no regular file/],
    ['large.gem', 'gem-invalid', /larger than 500 MB/],
    ['largest.gem', 'gem-invalid', /data\.tar\.gz is missing/],
    ['missing.gem', 'gem-not-found', /"missing\.gem" cannot be opened \(ENOENT\)/],
    ['real.gem/inside.gem', 'gem-not-found', /ENOTDIR/],
    ['nul\0.gem', 'gem-not-found', /"nul\\u0000\.gem" cannot be opened \(ERR_INVALID_ARG_VALUE\)/],
    ['a\n::error::b.gem', 'gem-not-found', /"a\\n::error::b\.gem" cannot be opened/],
    [`${'long'.repeat(80)}.gem`, 'gem-not-found', /"(?:long){24}lo… cannot be opened \(ENAMETOOLONG\)/],
  ])('%j: %s', async (name, code, rule) => {
    const problem = await refusal(readGem(at(name), { copyTo: at('copy') }))
    expect(problem).toMatchObject({ code, what: expect.stringMatching(rule) })
    expect(await readdir(directory.path)).not.toContain('copy')
  })
})
