import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../src/errors.ts'
import type { Facts } from '../src/facts.ts'
import type { RunContext } from '../src/github/run-context.ts'
import type { Inputs } from '../src/inputs.ts'
import { makePlan, refuseForeignEvents } from '../src/plan.ts'
import {
  facts,
  file,
  gemspec,
  handover,
  HEAD,
  inputsOf,
  OTHER,
  project,
  rake,
  run,
  tagged,
  tagRun,
} from './plan-facts.ts'

/** Codes of the problems, in their order. */
function problems(values: Partial<Facts> | Facts, inputs: Inputs = inputsOf()): string[] {
  try {
    makePlan(inputs, facts(values))
    return []
  } catch (error) {
    if (error instanceof ReleaseError) return error.problems.map(({ code }) => code)
    throw error
  }
}

/** What the registry has. */
function live(platform: string, sha256: string): Partial<Facts> {
  return { published: new Map([['rack-lens', [{ version: '1.2.3', platform, sha256 }]]]) }
}

function decisions(values: Partial<Facts> | Facts, inputs: Inputs = inputsOf()): readonly string[] {
  return makePlan(inputs, facts(values)).decisions
}

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
      decisions: [
        'rack-lens 1.2.3 is released from rack-lens.gemspec.',
        'Strategy direct: the `release` task is Bundler’s own, unchanged.',
        'Built by `rake build`: from `bundler/gem_tasks`.',
        `Tag v1.2.3 will be created on ${SHORT} after the push (the form Bundler uses in this project).`,
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
    ])
  })

  it('of prebuilt gems needs neither project nor checkout', () => {
    const known = handover([file(), file({ platform: 'java' })])
    expect(decisions(known, inputsOf({ gems: 'pkg/*.gem' }))).toEqual([
      'rack-lens 1.2.3 is released as prebuilt (input `gems`: rack-lens-1.2.3.gem).',
      'rack-lens 1.2.3 (java) is released as prebuilt (input `gems`: rack-lens-1.2.3-java.gem).',
      'Strategy direct: the gems are prebuilt.',
      `Tag v1.2.3 will be created on ${SHORT} after the push (default form).`,
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

describe('the strategy', () => {
  const BUNDLED = { state: 'ready', version: '2.6.2' } as const

  it.each<[string, Partial<Facts>, Record<string, string>, string[]]>([
    [
      'a release task of the project’s own',
      { project: project({ rake: rake({ release: 'project' }), bundler: BUNDLED }) },
      {},
      ['Strategy rake (`bundle exec rake release`): the project defines or extends the `release` task itself.'],
    ],
    [
      'no release task',
      { project: project({ rake: rake({ release: 'absent', build: 'absent' }) }) },
      {},
      ['Strategy direct: the project has no `release` task.', 'Built by `gem build`: the project has no `build` task.'],
    ],
    [
      'no Rakefile',
      { project: project({ rake: { state: 'none' } }) },
      {},
      [
        'Strategy direct: the project has no `release` task.',
        'Built by `gem build`: there is no Rakefile beside the gemspec.',
      ],
    ],
    [
      'a commit that only this machine has, on a branch',
      { github: { commit: undefined, tags: new Map() } },
      {},
      [`Strategy rake (\`rake release\`): commit ${SHORT} is not on GitHub yet, and the release task pushes it.`],
    ],
    [
      'a build task that is for another gem',
      { project: project({ rake: rake({ gem: 'lens-core', tag: 'v3' }) }) },
      {},
      [
        'Strategy direct: the `release` task is Bundler’s own, unchanged.',
        'Built by `gem build`: the `build` task is not for these gems.',
      ],
    ],
    [
      'a build task that the project extends, under Bundler',
      { project: project({ rake: rake({ build: 'project' }), bundler: BUNDLED }) },
      {},
      [
        'Strategy direct: the `release` task is Bundler’s own, unchanged.',
        'Built by `bundle exec rake build`: the project defines or extends it.',
      ],
    ],
    [
      '`strategy: rake`',
      {},
      { strategy: 'rake' },
      ['Strategy rake (`rake release`): input `strategy`.', 'The tag is left to the release task.'],
    ],
    [
      '`strategy: direct` in spite of a release task of its own',
      { project: project({ rake: rake({ release: 'project' }) }) },
      { strategy: 'direct' },
      ['Strategy direct: input `strategy`.', 'Built by `rake build`: from `bundler/gem_tasks`.'],
    ],
    [
      '`strategy: direct` in spite of a broken Rakefile',
      { project: project({ rake: { state: 'failed', message: 'boom\nand more' } }) },
      { strategy: 'direct' },
      ['Strategy direct: input `strategy`.', 'Built by `gem build`: the Rakefile cannot be loaded (boom).'],
    ],
  ])('with %s', (_, known, inputs, sentences) => {
    expect(decisions(known, inputsOf(inputs))).toEqual(expect.arrayContaining(sentences))
  })

  it.each<[string, Partial<Facts>, Record<string, string>, string[]]>([
    [
      'a broken Rakefile',
      { project: project({ rake: { state: 'failed', message: 'boom' } }) },
      {},
      ['rakefile-failed'],
    ],
    [
      'a broken Gemfile',
      {
        project: project({
          rake: { state: 'failed', message: 'the Gemfile cannot be used' },
          bundler: { state: 'failed', message: 'Bundler::GemNotFound' },
        }),
      },
      {},
      ['bundle-failed'],
    ],
    [
      'a broken Gemfile that nothing needs',
      { project: project({ rake: { state: 'none' }, bundler: { state: 'failed', message: 'Bundler::GemNotFound' } }) },
      {},
      [],
    ],
    [
      'no task for `strategy: rake`',
      { project: project({ rake: { state: 'none' } }) },
      { strategy: 'rake' },
      ['no-release-task'],
    ],
    ['no gemspec', { project: project({ gemspecs: [] }) }, { strategy: 'direct' }, ['no-gemspec']],
  ])('meets %s with the right refusal', (_, known, inputs, codes) => {
    expect(problems(known, inputsOf(inputs))).toEqual(codes)
  })
})

describe('what is released', () => {
  const HOST = 'https://gems.example.com'

  it.each<[string, string, string, string[]]>([
    ['', HOST, 'no limit', []],
    [HOST, HOST, 'the same', []],
    [`${HOST}/`, HOST, 'the same with a slash', []],
    [`${HOST}:443`, HOST, 'the same with its port', []],
    ['https://rubygems.org', HOST, 'another', ['push-host-mismatch']],
    [HOST, 'https://rubygems.org', 'another', ['push-host-mismatch']],
    [`${HOST}:8443`, HOST, 'another port', ['push-host-mismatch']],
    ['http://gems.example.com', HOST, 'another scheme', ['push-host-mismatch']],
    ['TODO: Set to your gem server', HOST, 'the template’s', ['push-host-mismatch']],
  ])('allowed_push_host "%s" for %s: %s', (allowed, server, _, codes) => {
    const metadata = new Map([['allowed_push_host', allowed]])
    const known = { project: project({ gemspecs: [gemspec({ metadata })] }) }
    expect(problems(known, inputsOf({ 'gem-server': server }))).toEqual(codes)
    expect(problems(handover([file({ metadata })]), inputsOf({ 'gem-server': server, gems: '*.gem' }))).toEqual(codes)
  })

  it('is compared with what is published: by platform and digest, for files', () => {
    const inputs = inputsOf({ gems: '*.gem' })
    expect(problems(handover([file()], live('ruby', 'f'.repeat(64))), inputs)).toEqual([])
    expect(problems(handover([file()], live('java', '0'.repeat(64))), inputs)).toEqual([])
    expect(problems(handover([file()], live('ruby', '0'.repeat(64))), inputs)).toEqual(['version-taken'])
    // What a build will give is not known yet.
    expect(problems(live('ruby', '0'.repeat(64)))).toEqual([])
  })

  it('needs a checkout, and a clean one, where it is built', () => {
    expect(problems({ checkout: undefined })).toEqual(['no-checkout'])
    expect(problems({ checkout: { head: HEAD, committedAt: 0, dirty: ['Gemfile.lock'], branch: 'main' } })).toEqual([
      'dirty-checkout',
    ])
  })

  it.each([
    ['1.2.3', []],
    ['1.2.4', ['version-mismatch']],
    ['1.2.3.0', ['version-mismatch']],
  ])('is the expected version %s', (version, codes) => {
    expect(problems({}, inputsOf({ 'expected-version': version }))).toEqual(codes)
  })
})

describe('an event', () => {
  it.each(['push', 'release', 'workflow_dispatch', 'repository_dispatch', 'schedule'])(
    '%s may release',
    (eventName) => {
      expect(mayRun(run({ eventName }))).toBe(true)
    },
  )

  it.each([
    'pull_request',
    'pull_request_target',
    'pull_request_review',
    'issue_comment',
    'issues',
    'fork',
    'watch',
    '',
  ])('"%s" may not', (eventName) => {
    expect(mayRun(run({ eventName }))).toBe(false)
  })

  it.each([
    ['pull_request', true],
    ['pull_request_target', false],
    ['issue_comment', false],
    ['workflow_run', false],
    ['push', true],
  ])('%s may try a release without publishing: %s', (eventName, allowed) => {
    expect(mayRun(run({ eventName }), true)).toBe(allowed)
  })

  it.each([
    [{ event: 'push', head_repository: { full_name: 'octo/rack-lens' } }, true],
    [{ event: 'push', head_repository: { full_name: 'mallory/rack-lens' } }, false],
    [{ event: 'pull_request', head_repository: { full_name: 'octo/rack-lens' } }, false],
    [{ event: 'workflow_run', head_repository: { full_name: 'octo/rack-lens' } }, false],
    [{ event: 'push' }, false],
    [undefined, false],
  ])('workflow_run after %o may: %s', (cause, allowed) => {
    expect(mayRun(run({ eventName: 'workflow_run', event: { workflow_run: cause } }))).toBe(allowed)
  })
})

function mayRun(started: RunContext, dryRun: boolean = false): boolean {
  try {
    refuseForeignEvents(started, dryRun)
    return true
  } catch (error) {
    if (error instanceof ReleaseError && error.code === 'event-not-allowed') return false
    throw error
  }
}
