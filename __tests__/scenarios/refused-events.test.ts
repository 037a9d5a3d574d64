import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from './projects.ts'
import { expectRefusedEarly } from './refusal.ts'
import { newWorld, REPOSITORY } from './scenario.ts'

const FORK = { head_repository: { full_name: 'mallory/rack-lens' } }

describe('an event that must not release', () => {
  it.each<[string, string, object, (string | RegExp)[]]>([
    ['pull_request', 'of this repository', {}, ['`pull_request`', 'has not been accepted']],
    [
      'pull_request',
      'of a fork',
      { pull_request: { head: { repo: { full_name: 'mallory/rack-lens' } } } },
      ['`pull_request`', 'from the fork mallory/rack-lens'],
    ],
    ['pull_request_target', 'of anybody', {}, ['`pull_request_target`', 'anybody who opens a pull request']],
    ['issue_comment', 'of anybody', {}, ['`issue_comment`', 'without write access']],
    [
      'workflow_run',
      'after a pull request',
      { workflow_run: { event: 'pull_request', head_repository: { full_name: REPOSITORY } } },
      ['`pull_request`', '`workflow_run` runs with this repository’s rights'],
    ],
    ['workflow_run', 'of a fork', { workflow_run: { event: 'push', ...FORK } }, ['for mallory/rack-lens']],
    ['workflow_run', 'of nobody knows whom', {}, ['an unknown event', 'an unknown repository']],
  ])('%s %s: refused, and the project’s code is not even read', async (event, _, payload, says) => {
    await using world = await newWorld()
    await world.repository(project({ before: ['File.write(File.join(Dir.home, "ran"), "")'] }))
    let ran = true
    await expectRefusedEarly(world, {
      on: { branch: 'main', event },
      payload,
      meanwhile: ({ runner }) => {
        ran = existsSync(path.join(runner.home, 'ran'))
      },
      code: 'event-not-allowed',
      says,
    })
    expect(ran).toBe(false)
    expect(world.requests('registry')).toEqual([])
  })
})
