import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acceptedTags, matchTag, type TagMatch, type TagRules, tagFor } from '../src/tags.ts'

const AUTO: TagRules = { input: { kind: 'auto' }, bundler: undefined }
const GEM = { name: 'rack-lens', version: '1.2.3' }

function template(text: string): TagRules {
  return { input: { kind: 'template', template: text }, bundler: undefined }
}

function bundler(tag: string, gem: string = 'rack-lens'): TagRules {
  return { input: { kind: 'auto' }, bundler: { gem, tag } }
}

describe('the tag to create', () => {
  it.each<[TagRules, boolean, string | undefined]>([
    [AUTO, true, 'v1.2.3'],
    [AUTO, false, 'rack-lens-v1.2.3'],
    [{ ...AUTO, input: { kind: 'none' } }, true, undefined],
    [template('release-{version}'), true, 'release-1.2.3'],
    [template('{name}/v{version}+{name}'), false, 'rack-lens/v1.2.3+rack-lens'],
    [bundler('lens-v1.2.3'), true, 'lens-v1.2.3'],
    [bundler('lens-v1.2.3'), false, 'lens-v1.2.3'],
    [bundler('v9.9.9', 'lens-core'), true, 'v1.2.3'],
    [{ ...template('r{version}'), bundler: { gem: 'rack-lens', tag: 'lens-v1.2.3' } }, true, 'r1.2.3'],
  ])('by %o, alone %s, is %s', (rules, alone, expected) => {
    expect(tagFor(GEM, alone, rules)).toBe(expected)
  })
})

describe('a tag that started the run', () => {
  it.each<[string, TagRules, TagMatch]>([
    ['v1.2.3', AUTO, { fits: true, scope: 'all' }],
    ['1.2.3', AUTO, { fits: true, scope: 'all' }],
    ['rack-lens-v1.2.3', AUTO, { fits: true, scope: 'mine' }],
    ['rack-lens/v1.2.3', AUTO, { fits: true, scope: 'mine' }],
    ['v1.2.4', AUTO, { fits: false, scope: 'all' }],
    ['v1.2.30', AUTO, { fits: false, scope: 'all' }],
    ['v1.2', AUTO, { fits: false, scope: 'all' }],
    ['rack-lens-v2', AUTO, { fits: false, scope: 'mine' }],
    ['rack-v1.2.3', AUTO, { fits: false, scope: 'unknown' }],
    ['rack-lens-cli-v1.2.3', AUTO, { fits: false, scope: 'unknown' }],
    ['V1.2.3', AUTO, { fits: false, scope: 'unknown' }],
    ['v1.2.3 ', AUTO, { fits: false, scope: 'unknown' }],
    ['nightly', AUTO, { fits: false, scope: 'unknown' }],
    ['', AUTO, { fits: false, scope: 'unknown' }],
    ['release-1.2.3', AUTO, { fits: false, scope: 'unknown' }],
    ['release-1.2.3', template('release-{version}'), { fits: true, scope: 'all' }],
    ['release-1.2.4', template('release-{version}'), { fits: false, scope: 'all' }],
    ['rack-lens@1.2.3', template('{name}@{version}'), { fits: true, scope: 'mine' }],
    ['rack-lens@2.0.0', template('{name}@{version}'), { fits: false, scope: 'mine' }],
    ['v1.2.3', template('release-{version}'), { fits: true, scope: 'all' }],
    ['lens-v1.2.3', bundler('lens-v1.2.3'), { fits: true, scope: 'mine' }],
    ['lens-v1.2.4', bundler('lens-v1.2.3'), { fits: false, scope: 'mine' }],
    ['v1.2.3-final', bundler('v1.2.3-final'), { fits: true, scope: 'mine' }],
    ['v1.2.4-final', bundler('v1.2.3-final'), { fits: false, scope: 'unknown' }],
    ['lens-v1.2.3', bundler('lens-v1.2.3', 'lens-core'), { fits: false, scope: 'unknown' }],
  ])('%s by %o is %o', (tag, rules, expected) => {
    expect(matchTag(tag, GEM, rules)).toEqual(expected)
  })

  it('takes dots and dashes of a name for nothing but themselves', () => {
    expect(matchTag('axb-v1.0', { name: 'a.b', version: '1.0' }, AUTO).fits).toBe(false)
    expect(matchTag('v1x0', { name: 'a', version: '1.0' }, AUTO).fits).toBe(false)
    expect(matchTag('a.b-v1.0', { name: 'a.b', version: '1.0' }, AUTO).fits).toBe(true)
  })
})

describe('for any gem', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/)
  const version = fc.stringMatching(/^[0-9]{1,3}(\.[0-9a-z]{1,4}){0,3}$/)
  const gem = fc.record({ name, version })
  const rules = fc.oneof(
    fc.constant(AUTO),
    fc.constantFrom('{version}', 'r{version}', '{name}/{version}', '{name}.{version}-x').map(template),
    fc.tuple(name, version).map(([other, number]) => bundler(`${other}${number}`, other)),
  )

  it('the tag this action creates starts a release of that very gem', () => {
    fc.assert(
      fc.property(gem, rules, fc.boolean(), (one, by, alone) => {
        expect(matchTag(tagFor(one, alone, by) ?? '', one, by).fits).toBe(true)
      }),
    )
  })

  it('exactly the accepted tags fit', () => {
    fc.assert(
      fc.property(gem, gem, rules, (one, other, by) => {
        for (const tag of acceptedTags(one, by)) expect(matchTag(tag, one, by).fits).toBe(true)
        for (const tag of acceptedTags(other, by)) {
          expect(matchTag(tag, one, by).fits).toBe(acceptedTags(one, by).includes(tag))
        }
      }),
    )
  })
})
