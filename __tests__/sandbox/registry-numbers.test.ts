import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { resolvePlatform } from '../../sandbox/registry/gem-platform.ts'
import { canonicalNumber, compareNumbers, isPrerelease } from '../../sandbox/registry/gem-version.ts'

const NUMBERS = (
  '0 1 1.0 1.0.0 1.1 1.10 1.9 1.0.0.0.1 2.0.0.pre 2.0.0.pre1 2.0.0.pre.1 2.0.0 2.0.0.rc1 2.0.0.rc10 ' +
  '2.0.0.rc2 2.0.0.alpha.0 2.0.0.beta 2.a 2.0.a 1.0.0.a.0 10 9 1.0.b1 1.b1 20240101 1.0.0.a1b2 1.2.3-4 1.2.3 0.0.0 3.0.0.pre.0.0'
).split(' ')

const SCRIPT = `
  require 'json'
  versions = JSON.parse(ARGV[0]).map { |number| Gem::Version.new(number) }
  # RubyGems 3 has no segments for zero, where RubyGems 4 has a zero.
  puts JSON.generate(
    canonical: versions.map { |version| version.canonical_segments.join('.').sub(/\\A\\z/, '0') },
    prerelease: versions.map { |version| version.prerelease? ? true : false },
    order: versions.map { |one| versions.map { |other| one <=> other } }
  )
`

describe('version numbers', () => {
  it('are understood as Ruby understands them', () => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' }
    const told: unknown = JSON.parse(
      execFileSync('ruby', ['-e', SCRIPT, JSON.stringify(NUMBERS)], { env, encoding: 'utf8' }),
    )
    expect({
      canonical: NUMBERS.map(canonicalNumber),
      prerelease: NUMBERS.map(isPrerelease),
      order: NUMBERS.map((one) => NUMBERS.map((other) => Math.sign(compareNumbers(one, other)))),
    }).toEqual(told)
  })
})

describe('platforms', () => {
  it.each([
    [null, 'ruby'],
    ['ruby', 'ruby'],
    ['x86_64-linux', 'x86_64-linux'],
    ['x86_64-linux-gnu', 'x86_64-linux-gnu'],
    ['aarch64-linux-musl', 'aarch64-linux-musl'],
    ['arm-linux-gnueabihf', 'arm-linux-gnueabihf'],
    ['i686-linux', 'x86-linux'],
    ['universal-darwin19', 'universal-darwin-19'],
    ['arm64-darwin', 'arm64-darwin'],
    ['java', 'java'],
    ['jruby', 'java'],
    ['x64-mingw32', 'x64-mingw32'],
    ['x64-mingw-ucrt', 'x64-mingw-ucrt'],
    ['mswin32', 'x86-mswin32'],
    ['x86-mswin32-60', 'x86-mswin32-60'],
    ['powerpc-darwin', 'ppc-darwin'],
    ['pdp11-unix', 'pdp11-unknown'],
  ])('%s resolves to %s', (given, resolved) => {
    expect(resolvePlatform(given)).toBe(resolved)
  })
})
