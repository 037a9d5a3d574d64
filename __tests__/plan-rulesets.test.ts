import { describe, expect, it } from 'vitest'
import type { TagRuleset } from '../src/github/rulesets.ts'
import { judgeRulesets } from '../src/plan/rulesets.ts'

function ruleset(values: Partial<TagRuleset> = {}): TagRuleset {
  return { name: 'Releases', source: 'octo', include: ['refs/tags/v*'], exclude: [], bypass: 'never', ...values }
}

/** What comes of the tag `v1.2.3`. */
function verdict(values: Partial<TagRuleset>, tag = 'v1.2.3'): 'refused' | 'doubted' | 'free' {
  const { problems, doubts } = judgeRulesets([tag], [ruleset(values)])
  if (problems.length > 0) return 'refused'
  return doubts.length > 0 ? 'doubted' : 'free'
}

describe('a ruleset that restricts the creation of tags', () => {
  it.each<[Partial<TagRuleset>, string]>([
    [{}, 'refused'],
    [{ bypass: 'always' }, 'free'],
    [{ bypass: 'exempt' }, 'free'],
    [{ bypass: 'pull_requests_only' }, 'doubted'],
    [{ bypass: undefined }, 'doubted'],
    [{ exclude: ['refs/tags/v1.*'] }, 'free'],
    [{ exclude: ['refs/tags/v[0-9].*'] }, 'doubted'],
    [{ include: [] }, 'free'],
  ])('%j: %s', (values, expected) => {
    expect(verdict(values)).toBe(expected)
  })

  it.each([
    ['~ALL', 'v1.2.3', 'refused'],
    ['refs/tags/v1.2.3', 'v1.2.3', 'refused'],
    ['refs/tags/v1.2.3', 'v1x2.3', 'free'],
    ['refs/tags/v?.2.3', 'v1.2.3', 'refused'],
    ['refs/tags/*', 'v1.2.3', 'refused'],
    ['refs/tags/*', 'rack-lens/v1.2.3', 'free'],
    ['refs/tags/**', 'rack-lens/v1.2.3', 'free'],
    ['refs/tags/**/*', 'rack-lens/v1.2.3', 'refused'],
    ['refs/tags/**/*', 'v1.2.3', 'refused'],
    ['refs/tags/**/v*', 'lens/core/v1.2.3', 'refused'],
    ['refs/heads/v*', 'v1.2.3', 'free'],
    ['refs/tags/v[12]*', 'v1.2.3', 'doubted'],
    ['refs/tags/{v,w}*', 'v1.2.3', 'doubted'],
    ['~DEFAULT_BRANCH', 'v1.2.3', 'doubted'],
  ])('%s on the tag %s: %s', (pattern, tag, expected) => {
    expect(verdict({ include: [pattern] }, tag)).toBe(expected)
  })

  it('names itself, the tag and the ways out', () => {
    const { problems } = judgeRulesets(['v1.2.3', 'w'], [ruleset()])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code: 'tag-not-permitted',
      what: 'The ruleset "Releases" of octo does not let this job\'s token create the tag v1.2.3.',
      fix: expect.stringContaining('bypass list'),
    })
  })
})
