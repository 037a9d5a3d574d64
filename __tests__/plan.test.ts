import { describe, expect, it } from 'vitest'
import { makePlan } from '../src/plan.ts'
import {
  decisions,
  facts,
  file,
  gemspec,
  handover,
  HEAD,
  inputsOf,
  OTHER,
  problems,
  project,
  tagged,
  tagRun,
} from './plan-facts.ts'

const SHORT = HEAD.slice(0, 12)

describe('the plan', () => {
  it('is the same for the same inputs and facts, and changes neither', () => {
    const inputs = inputsOf()
    const known = facts()
    const before = structuredClone(known)
    expect(makePlan(inputs, known)).toEqual(makePlan(inputs, known))
    expect(known).toEqual(before)
  })

  it('of a usual project says what will happen, and why', () => {
    expect(makePlan(inputsOf(), facts())).toEqual({
      strategy: 'direct',
      build: { kind: 'rake-build', bundler: false },
      gems: [{ name: 'rack-lens', version: '1.2.3', platform: 'ruby', gemspec: 'rack-lens.gemspec', file: undefined }],
      commit: HEAD,
      tags: [{ name: 'v1.2.3', message: 'Version 1.2.3', gems: ['rack-lens'], action: 'create' }],
      attest: true,
      warnings: [],
      decisions: [
        'rack-lens 1.2.3 is released from rack-lens.gemspec.',
        'Strategy direct: the `release` task is Bundler’s own, unchanged.',
        'Built by `rake build`: from `bundler/gem_tasks`.',
        `Tag v1.2.3 will be created on ${SHORT} after the push (the form Bundler uses in this project).`,
        'The gems are to be published with attestations (signed by this run).',
      ],
    })
  })

  it('of a tag’s run says that the tag is there', () => {
    expect(decisions({ run: tagRun('v1.2.3'), github: tagged('v1.2.3') })).toEqual([
      'The tag v1.2.3 started this run.',
      'rack-lens 1.2.3 is released from rack-lens.gemspec.',
      'Strategy direct: the `release` task is Bundler’s own, unchanged.',
      'Built by `rake build`: from `bundler/gem_tasks`.',
      `No tag is created: v1.2.3 started this run and names commit ${SHORT}.`,
      'The gems are to be published with attestations (signed by this run).',
    ])
  })

  it('of prebuilt gems needs neither project nor checkout', () => {
    const known = handover([file(), file({ platform: 'java' })])
    expect(decisions(known, inputsOf({ gems: 'pkg/*.gem' }))).toEqual([
      'rack-lens 1.2.3 is released as prebuilt (input `gems`: rack-lens-1.2.3.gem).',
      'rack-lens 1.2.3 (java) is released as prebuilt (input `gems`: rack-lens-1.2.3-java.gem).',
      `Built from commit ${SHORT}: it started this run.`,
      'Strategy direct: the gems are prebuilt.',
      `Tag v1.2.3 will be created on ${SHORT} after the push (default form).`,
      'The gems are to be published with attestations (signed by this run).',
    ])
  })

  it('leaves out the gems that the tag does not name', () => {
    const gemspecs = [gemspec(), gemspec({ name: 'lens-core', version: '3.0.0' }), gemspec({ name: 'lens-web' })]
    const known = facts({
      run: tagRun('lens-core-v3.0.0'),
      github: tagged('lens-core-v3.0.0'),
      project: project({ gemspecs, rake: { state: 'none' } }),
    })
    const plan = makePlan(inputsOf(), known)
    expect(plan.gems.map(({ name }) => name)).toEqual(['lens-core'])
    expect(plan.tags).toMatchObject([{ name: 'lens-core-v3.0.0', gems: ['lens-core'], action: 'exists' }])
    expect(plan.decisions[0]).toBe(
      'The tag lens-core-v3.0.0 started this run and names lens-core 3.0.0: the other 2 are left out.',
    )
  })

  it.each([
    [{ attestations: 'false' }, true, 'The gems are to be published without attestations: `attestations` is `false`.'],
    [{}, false, 'The gems are to be published without attestations: there is no Sigstore instance for rubygems.org.'],
    [
      { 'attestation-bundles': 'pkg/*.json' },
      false,
      'The gems are to be published with attestations (input `attestation-bundles`).',
    ],
  ])('with %o says whether there will be attestations, and why', (inputs, canSign, sentence) => {
    expect(decisions({ canSign }, inputsOf(inputs)).at(-1)).toBe(sentence)
  })

  it('collects every problem that can be known before building', () => {
    const checkout = { head: HEAD, committedAt: 0, dirty: ['a', 'b'], branch: 'main' }
    const metadata = new Map([['allowed_push_host', 'https://gems.example.com']])
    const known = { checkout, project: project({ gemspecs: [gemspec({ metadata })] }), github: tagged('v1.2.3', OTHER) }
    expect(problems(known, inputsOf({ 'expected-version': '2.0.0' }))).toEqual([
      'dirty-checkout',
      'version-mismatch',
      'push-host-mismatch',
      'tag-commit-mismatch',
    ])
  })
})
