import { describe, expect, it } from 'vitest'
import { newWorld, REPOSITORY } from './scenario.ts'
import { project } from './projects.ts'

describe('one gem, built and pushed by the action', () => {
  it('is released from a workflow_dispatch: pushed, verified, tagged, installable', async () => {
    await using world = await newWorld()
    const sha = await world.repository(project({ gemspecLines: ['spec.metadata["rubygems_mfa_required"] = "true"'] }))
    const { step, error, gems, log } = await world.run()
    expect(error).toBe('')
    expect(step.exitCode, log).toBe(0)
    expect(gems).toMatchObject([{ name: 'rack-lens', version: '1.2.3', platform: 'ruby', status: 'pushed' }])
    const published = world.sandbox.registry.versions('rack-lens').find(({ number }) => number === '1.2.3')
    expect(published?.sha256).toBe(gems[0]?.sha256)
    const tag = await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')
    expect(tag).toMatchObject({ type: 'tag', commit: sha, message: 'Version 1.2.3' })
    expect(tag?.tagger).toMatchObject({ name: 'Octo Cat', email: 'octocat@example.com' })
  })
})
