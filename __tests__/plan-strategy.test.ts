import { describe, expect, it } from 'vitest'
import type { Facts } from '../src/facts.ts'
import { decisions, HEAD, inputsOf, problems, project, rake } from './plan-facts.ts'

const SHORT = HEAD.slice(0, 12)

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
      { github: { commit: undefined, rulesets: [], tags: new Map() } },
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
