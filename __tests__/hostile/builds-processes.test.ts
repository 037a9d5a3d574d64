import { describe, expect, it } from 'vitest'
import { KILLERS, SURVIVORS } from './build-processes.ts'
import { expectHarmless } from './hostile-run.ts'

describe('a build that', () => {
  it.each([...SURVIVORS, ...KILLERS])('$name', async (hostile) => {
    const { job } = await expectHarmless(hostile)
    expect(job.orphans).toEqual([])
  })
})
