import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { expectRefused, expectRefusedEarly } from './refusal.ts'
import { newWorld } from './scenario.ts'

const BAD: [input: string, value: string, says: (string | RegExp)[]][] = [
  ['strategy', 'fast', ['`strategy`', '"fast"', 'auto, direct, rake']],
  ['gem-server', 'http://gems.example.com', ['`gem-server`', '"http://gems.example.com"', 'https URL', 'loopback']],
  ['gem-server', 'https://gems.example.com/private', ['`gem-server`', '"https://gems.example.com/…"', 'origin']],
  ['gem-server', 'gems.example.com', ['`gem-server`', '"gems.example.com"', 'https URL']],
  ['audience', 'two words', ['`audience`', '"two words"', 'ASCII']],
  ['setup-trusted-publisher', 'yes', ['`setup-trusted-publisher`', '"yes"', 'true, false']],
  ['role-to-assume', 'my-role', ['`role-to-assume`', '"my-role"', 'rg_oidc_akr_']],
  ['tag', 'v1.2.3', ['`tag`', '"v1.2.3"', '{version}']],
  ['expected-version', 'newest', ['`expected-version`', '"newest"', '1.2.3']],
  ['await-release', 'maybe', ['`await-release`', '"maybe"', 'true, strict, false']],
  ['await-timeout', '5 minutes', ['`await-timeout`', '"5 minutes"', '3600']],
  ['persist-credentials', 'sometimes', ['`persist-credentials`', '"sometimes"']],
]

describe('an input that cannot be right', () => {
  it.each(BAD)('%s: %s is refused before anything is asked', async (input, value, says) => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { [input]: value } }),
      code: 'invalid-input',
      says: [...says, 'docs/troubleshooting.md#invalid-input', 'Nothing was published by this run.'],
    })
    expect(world.requests('registry')).toEqual([])
  })

  it('is reported with all the others, in one annotation', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, {
        with: { strategy: 'rake', 'await-timeout': 'soon', tag: 'latest', 'await-release': 'no', audience: 'a b' },
      }),
      code: 'invalid-input (and 4 more)',
      says: [
        '`await-timeout`',
        '`tag`',
        '`await-release`',
        '`audience`',
        'Inputs `gems` and `strategy: rake` contradict',
      ],
    })
    expect(world.uploads).toEqual([])
  })

  it.each([
    ['a password', 'https://octocat:hunter2hunter2@gems.example.com'],
    ['a token for a name', 'https://hunter2hunter2@gems.example.com'],
    ['a token in the query', 'https://gems.example.com/?token=hunter2hunter2'],
    ['a password in what is no URL', 'https://octocat:hunter2hunter2@gems.example.com:port'],
  ])('is not repeated where it is a gem server with %s', async (_, server) => {
    await using world = await newWorld()
    await world.repository()
    const { step, error } = await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { 'gem-server': server } }),
      code: 'invalid-input',
      says: ['`gem-server`'],
    })
    expect(`${error}${step.rawStdout}${step.rawStderr}${step.summary}`).not.toContain('hunter2')
  })

  it('is a static token that cannot be sent, which is not repeated either', async () => {
    await using world = await newWorld()
    await world.repository()
    const { step } = await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { 'api-token': 'correct horse battery staple' } }),
      code: 'invalid-input',
      says: ['`api-token`', 'printable ASCII', '(hidden)'],
    })
    expect(step.rawStdout.replace(/^::add-mask::.*$/gm, '')).not.toContain('horse')
  })

  it('are two ways to authenticate at once', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, {
        with: { 'api-token': `rubygems_${'a'.repeat(48)}`, 'role-to-assume': `rg_oidc_akr_${'a'.repeat(20)}` },
      }),
      code: 'invalid-input',
      says: ['`api-token`', '`role-to-assume`', 'Keep one'],
    })
    expect(world.uploads).toEqual([])
  })

  it('is an audience that would be good at RubyGems.org, for another server', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefused(world, {
      ...prebuilt(undefined, { with: { 'gem-server': 'https://gems.example.com', audience: 'rubygems.org' } }),
      code: 'invalid-input',
      says: ['`audience`', '"rubygems.org"', 'https://gems.example.com', '"gems.example.com"'],
    })
    expect(world.requests('oidc')).toEqual([])
  })
})
