import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../src/errors.ts'
import { makePlan } from '../src/plan.ts'
import { takeAskedPlatforms } from '../src/plan/handover.ts'
import { file, handover, inputsOf } from './plan-facts.ts'

/** What a job that publishes says to files of these platforms, as text. */
function refusal(found: readonly string[], platforms: string): string {
  try {
    makePlan(inputsOf({ gems: '*.gem', platforms }), handover(found.map((platform) => file({ platform }))))
    return ''
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error
    return error.problems.flatMap(({ code, what, why, fix }) => [code, what, why, fix]).join('\n')
  }
}

describe('a set of platforms that is to be published', () => {
  const MISSING = 'Look at the build job of what is missing'
  const EXTRA = 'add it to `platforms:`; if not, keep it out of `gems:`'

  it.each<[string, string[], string, string[], string[]]>([
    ['lacks one', ['ruby'], 'ruby, java', ['lacks java (input', 'in part', MISSING], ['nobody', EXTRA]],
    [
      'has one more',
      ['ruby', 'java'],
      'java',
      ['has ruby that nobody asked for (input', EXTRA],
      ['lacks', MISSING, 'in part'],
    ],
    ['has another', ['java'], 'jruby', ['lacks jruby and has java that nobody asked for', MISSING, EXTRA], []],
  ])('and %s is refused for just that', (_, found, platforms, says, doesNotSay) => {
    const text = refusal(found, platforms)
    expect(text).toMatch(/^platform-mismatch$/m)
    for (const part of says) expect(text).toContain(part)
    for (const part of doesNotSay) expect(text).not.toContain(part)
  })

  it('is taken as it is asked for, and where nothing is', () => {
    expect(refusal(['ruby', 'java'], 'java ruby')).toBe('')
    expect(refusal(['ruby', 'java'], '')).toBe('')
  })
})

describe('what a build job hands over of what it finds', () => {
  const ruby = file()
  const java = file({ platform: 'java' })
  const other = file({ name: 'lens-core', platform: 'ruby' })

  it.each([
    ['the platforms it is asked for', [ruby, java], ['java'], [java]],
    ['everything where it is asked for nothing', [ruby, java], [], [ruby, java]],
    ['what is missing is not made up for', [ruby, java], ['java', 'x86-mingw32'], [java]],
    ['all of a version that has none of them, which is then refused', [ruby, other, java], ['java'], [other, java]],
  ])('%s', (_, found, platforms, expected) => {
    expect(takeAskedPlatforms(found, { platforms }).choice).toEqual(expected)
  })
})
