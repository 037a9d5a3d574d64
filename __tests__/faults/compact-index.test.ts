import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checksumOf } from '../../src/rubygems/compact-index.ts'

const SHA = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)

describe('checksumOf', () => {
  it.each([
    ['a line without dependencies', `---\n1.0.0 |checksum:${SHA}\n`],
    ['dependencies', `---\n1.0.0 rack:>= 2&< 4,rake:>= 0|checksum:${SHA},ruby:>= 3.0\n`],
    ['times, which hold colons', `---\n1.0.0 |checksum:${SHA},created_at:2026-03-01T12:00:00Z\n`],
    ['other keys before and after', `---\n1.0.0 |ruby:>= 2.0&< 4,x:y:z,checksum:${SHA},rubygems:>= 3,later:\n`],
    ['other versions around it', `---\n0.9 |checksum:${OTHER}\n1.0.0 |checksum:${SHA}\n1.0.0.1 |checksum:${OTHER}\n`],
    ['platforms of the same version', `---\n1.0.0-java |checksum:${OTHER}\n1.0.0 |checksum:${SHA}\n`],
    ['a dependency of that name', `---\n1.0.0 checksum:>= 1|checksum:${SHA}\n`],
    ['no line end', `---\n1.0.0 |checksum:${SHA}`],
  ])('is found with %s', (_with, info) => {
    expect(checksumOf(info, '1.0.0', 'ruby')).toBe(SHA)
  })

  it('is that of the platform', () => {
    const info = `---\n1.0.0 |checksum:${OTHER}\n1.0.0-x86_64-linux-gnu |checksum:${SHA}\n`
    expect(checksumOf(info, '1.0.0', 'x86_64-linux-gnu')).toBe(SHA)
    expect(checksumOf(info, '1.0.0', 'x86_64-linux')).toBeUndefined()
  })

  it.each([
    ['', 'nothing'],
    ['---\n', 'no versions'],
    [`---\n1.0.0-pre |checksum:${SHA}\n`, 'a version that only begins so'],
    [`---\n11.0.0 |checksum:${SHA}\n`, 'a version that only ends so'],
    ['---\n1.0.0 |ruby:>= 2\n', 'no checksum'],
    ['---\n1.0.0 |checksum:\n', 'an empty checksum'],
    ['---\n1.0.0 |checksum:abcd\n', 'a cut checksum'],
    ['---\n1.0.0 a:>= 1,checksum:>= 2\n', 'no bar, and a dependency of that name'],
    ['<!DOCTYPE html>\n<p>1.0.0 |checksum:no</p>', 'a web page'],
  ])('is not found in %j: %s', (info) => {
    expect(checksumOf(info, '1.0.0', 'ruby')).toBeUndefined()
  })

  it('is a digest or nothing, for every text', () => {
    const line = fc.array(fc.constantFrom('1.0.0', ' ', '|', ',', 'checksum:', SHA, ':', '\n', 'x', '-'), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(line, (parts) => {
        expect(checksumOf(parts.join(''), '1.0.0', 'ruby') ?? SHA).toMatch(/^[0-9a-f]{64}$/)
      }),
    )
  })
})
