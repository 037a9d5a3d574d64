import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../src/errors.ts'
import type { Facts } from '../src/facts.ts'
import { makePlan } from '../src/plan.ts'
import { tagsToLookUp } from '../src/plan/tags.ts'
import { facts, file, gemspec, handover, HEAD, inputsOf, OTHER, project, rake, tagged, tagRun } from './plan-facts.ts'

/** Tags as `NAME ACTION`, or the codes of what stands in the way. */
function tags(values: Partial<Facts> | Facts, inputs: Record<string, string> = {}): string[] {
  try {
    return makePlan(inputsOf(inputs), facts(values)).tags.map(({ name, action }) => `${name} ${action}`)
  } catch (error) {
    if (error instanceof ReleaseError) return error.problems.map(({ code }) => code)
    throw error
  }
}

const NO_RAKE = { state: 'none' } as const
const SAME = [gemspec({ name: 'lens-core' }), gemspec({ name: 'lens-web' })]
const DIFFERENT = [gemspec({ name: 'lens-core', version: '3.0.0' }), gemspec({ name: 'lens-web' })]

const GIVEN = handover([file()], { builtFrom: OTHER, github: tagged('v1.2.3', OTHER) })

describe('tags to come', () => {
  it.each<[string, Partial<Facts>, Record<string, string>, string[]]>([
    ['one gem', {}, {}, ['v1.2.3 create']],
    ['a tag that is there', { github: tagged('v1.2.3') }, {}, ['v1.2.3 exists']],
    ['a tag that is elsewhere', { github: tagged('v1.2.3', OTHER) }, {}, ['tag-commit-mismatch']],
    ['Bundler’s form', { project: project({ rake: rake({ tag: 'lens-v1.2.3' }) }) }, {}, ['lens-v1.2.3 create']],
    ['a template', {}, { tag: 'r/{name}/{version}' }, ['r/rack-lens/1.2.3 create']],
    ['none wanted', {}, { tag: 'false' }, []],
    ['two gems of one version', { project: project({ gemspecs: SAME, rake: NO_RAKE }) }, {}, ['v1.2.3 create']],
    [
      'two gems of two versions',
      { project: project({ gemspecs: DIFFERENT, rake: NO_RAKE }) },
      {},
      ['lens-core-v3.0.0 create', 'lens-web-v1.2.3 create'],
    ],
    ['several platforms', handover([file(), file({ platform: 'java' })]), { gems: '*.gem' }, ['v1.2.3 create']],
    ['a release task that tags', { project: project({ rake: rake({ release: 'project' }) }) }, {}, ['v1.2.3 by-task']],
    ['no token', { github: undefined }, { token: '' }, ['tag-not-permitted']],
    ['a detached commit that GitHub lacks', detached(), {}, ['commit-not-on-github']],
    ['gems of a commit that has the tag', GIVEN, { gems: '*.gem', commit: OTHER }, ['v1.2.3 exists']],
    ['gems of which nothing says what they were built from', GIVEN, { gems: '*.gem' }, ['tag-commit-mismatch']],
    [
      'gems of a commit that GitHub lacks',
      { ...GIVEN, github: { commit: undefined, rulesets: [], tags: new Map() } },
      { gems: '*.gem', commit: OTHER },
      ['commit-not-on-github'],
    ],
  ])('of a run on a branch, with %s', (_, known, inputs, expected) => {
    expect(tags(known, inputs)).toEqual(expected)
  })

  it.each<[string, Partial<Facts>, string[]]>([
    ['names the commit', { github: tagged('v1.2.3') }, ['v1.2.3 exists']],
    ['cannot be looked up without a token', { github: undefined }, ['v1.2.3 exists']],
    ['is gone', {}, ['tag-commit-mismatch']],
    ['was moved since', { github: tagged('v1.2.3', OTHER) }, ['tag-commit-mismatch']],
    [
      'is not what is checked out',
      { github: tagged('v1.2.3'), checkout: { head: OTHER, committedAt: 0, dirty: [], branch: undefined } },
      ['tag-commit-mismatch'],
    ],
    [
      'is not what was built',
      { github: tagged('v1.2.3'), checkout: undefined, project: undefined, prebuilt: [file()], builtFrom: OTHER },
      ['tag-commit-mismatch'],
    ],
    [
      'was moved since, and is what is checked out',
      { github: tagged('v1.2.3', OTHER), checkout: { head: OTHER, committedAt: 0, dirty: [], branch: undefined } },
      ['tag-commit-mismatch'],
    ],
  ])('of a run by a tag that %s', (_, known, expected) => {
    expect(tags({ run: tagRun('v1.2.3'), ...known })).toEqual(expected)
  })

  it('are looked up by the names they will have', () => {
    expect(tagsToLookUp(inputsOf(), facts())).toEqual(['v1.2.3'])
    expect(tagsToLookUp(inputsOf(), facts({ run: tagRun('nightly') }))).toEqual(['nightly'])
    expect(tagsToLookUp(inputsOf({ tag: 'false' }), facts())).toEqual([])
    expect(tagsToLookUp(inputsOf({ gems: '*' }), handover([file(), file({ name: 'lens', version: '2' })]))).toEqual([
      'rack-lens-v1.2.3',
      'lens-v2',
    ])
  })
})

function detached(): Partial<Facts> {
  return {
    github: { commit: undefined, rulesets: [], tags: new Map() },
    checkout: { head: HEAD, committedAt: 0, dirty: [], branch: undefined },
  }
}
