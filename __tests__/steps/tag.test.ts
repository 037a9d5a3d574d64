import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Case, type CaseOptions, REPOSITORY } from '../faults/case.ts'
import { brokenInvariants } from '../faults/invariants.ts'
import { FaultWorld } from '../faults/world.ts'

let world: FaultWorld
beforeAll(async () => {
  world = await FaultWorld.start()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

/** Somebody else makes the tag while the gem is on its way. */
async function meanwhile(made: Case, commit: string, options: { lightweight?: boolean } = {}): Promise<void> {
  await world.github.repository(REPOSITORY).createTag(`${made.label}-v1.0.0`, commit, options)
}

/** A case in which the tag is made after the preflight has seen none: its first read is answered with 404. */
function raced(strikes: CaseOptions['strikes'] = []): Promise<Case> {
  return world.case({ tags: true, strikes: [{ trouble: '404', on: 'tag-read', times: 1 }, ...strikes] })
}

describe('a tag that somebody made meanwhile', () => {
  it.each([{ lightweight: false }, { lightweight: true }])('is ours where it is on our commit: %o', async (options) => {
    await using made = await raced()
    await meanwhile(made, world.commit, options)
    const run = await made.release()
    expect(run.result).toBe('green')
    expect(run.record.tags).toEqual([`${made.label}-v1.0.0`])
    expect(made.attemptsAt('tag-ref')).toHaveLength(1)
  })

  it('is never moved from another commit, and the gems stay published', async () => {
    const other = await world.github.repository(REPOSITORY).commit({ 'other.txt': '1' }, { branch: 'other' })
    await using made = await raced()
    await meanwhile(made, other)
    const run = await made.release()
    expect(run.result).toBe('tag-commit-mismatch')
    expect(run.recorder.outputs['published']).toBe('true')
    expect(await world.github.repository(REPOSITORY).tag(`${made.label}-v1.0.0`)).toMatchObject({ commit: other })
    expect((await made.release()).result).toBe('tag-commit-mismatch')
  })
})

describe('a tag that was there before', () => {
  it('on our commit is left alone, also as a tag of a tag', async () => {
    await using made = await world.case({ tags: true })
    const repository = world.github.repository(REPOSITORY)
    await repository.createTag(`inner-${made.label}`, world.commit)
    const inner = await repository.tag(`inner-${made.label}`)
    await meanwhile(made, inner?.object ?? '')
    const run = await made.release()
    expect(run.result).toBe('green')
    expect(made.attemptsAt('tag-object')).toEqual([])
    expect(made.attemptsAt('tag-ref')).toEqual([])
    expect(made.attemptsAt('tag-read')).toHaveLength(3)
  })

  it.each(['reset-mid-answer', '503-html', 'json-truncated', 'success-cut', 'stall'] as const)(
    'is read again after %s, at each of its levels',
    async (trouble) => {
      await using made = await world.case({ tags: true, strikes: [{ trouble, on: 'tag-read', times: 3 }] })
      await meanwhile(made, world.commit)
      const run = await made.release()
      expect(run.result, run.recorder.text).toBe('green')
      expect(made.attemptsAt('tag-read')).toHaveLength(5)
      expect(await brokenInvariants(made, run)).toEqual([])
    },
  )

  it('on another commit stops the release before anything is public', async () => {
    const other = await world.github.repository(REPOSITORY).commit({ 'other.txt': '2' }, { branch: 'another' })
    await using made = await world.case({ tags: true })
    await meanwhile(made, other)
    expect((await made.release()).result).toBe('tag-commit-mismatch')
    expect(made.attemptsAt('exchange')).toEqual([])
  })
})

describe('a tag that may not be made', () => {
  it('stops the release before the key is asked for', async () => {
    await using made = await world.case({ tags: true, strikes: [{ trouble: '403', on: 'tag-object', times: 1 }] })
    expect((await made.release()).result).toBe('tag-not-permitted')
    expect(made.attemptsAt('exchange')).toEqual([])
    expect(made.attemptsAt('push')).toEqual([])
  })

  it('by a ruleset is reported when the gem is out, and made by the next run', async () => {
    await using made = await world.case({
      tags: true,
      strikes: [{ trouble: 'github-ruleset', on: 'tag-ref', times: 1 }],
    })
    const run = await made.release()
    expect(run.failure?.problems[0]).toMatchObject({
      code: 'tag-not-permitted',
      why: expect.stringContaining('ruleset'),
    })
    expect(run.recorder.outputs['published']).toBe('true')
    const again = await made.release()
    expect(again.result).toBe('green')
    expect(again.record.gems[0]?.status).toBe('already-published')
    expect(made.attemptsAt('push')).toHaveLength(1)
  })
})

describe('GitHub’s rate limits', () => {
  it('of the hour are waited for where they end soon, and named where they do not', async () => {
    await using soon = await world.case({
      tags: true,
      strikes: [{ trouble: 'github-hour-soon', on: 'tag-ref', times: 1 }],
    })
    expect((await soon.release()).result).toBe('green')
    expect(soon.clock.now()).toBe(120_000)
    await using far = await world.case({ tags: true, strikes: [{ trouble: 'github-hour', on: 'commit', times: 1 }] })
    const run = await far.release()
    expect(run.result).toBe('github-unavailable')
    expect(run.recorder.errors[0]).toContain('re-run the job then')
  })
})
