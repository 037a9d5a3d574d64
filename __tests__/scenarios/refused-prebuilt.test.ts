import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileName, LENS, prebuilt } from './prebuilt.ts'
import { expectRefusedEarly } from './refusal.ts'
import { newWorld } from './scenario.ts'

describe('a prebuilt gem', () => {
  it('that no pattern finds is refused, with every pattern that found nothing', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { gems: 'pkg/*.gem\ndist/*.gem\nother.gem' } }),
      code: 'gem-not-found (and 1 more)',
      says: ['no file matches "dist/*.gem"', 'no file matches "other.gem"', 'actions/download-artifact'],
    })
    expect(world.uploads).toEqual([])
  })

  it.each([
    ['is no archive', Buffer.from('<!DOCTYPE html><title>404</title>')],
    ['is empty', Buffer.alloc(0)],
    ['was cut short', undefined],
  ])('that %s is refused', async (_, bytes) => {
    await using world = await newWorld()
    await world.repository()
    const { before } = prebuilt()
    await expectRefusedEarly(world, {
      ...prebuilt(),
      before: async (job) => {
        await before?.(job)
        const file = path.join(job.runner.workspace, 'pkg', fileName(LENS))
        await writeFile(file, bytes ?? (await readFile(file)).subarray(0, 1500))
      },
      code: 'gem-invalid',
      says: ['rack-lens-1.2.3.gem'],
    })
    expect(world.uploads).toEqual([])
  })

  it('of another version than expected is refused', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { 'expected-version': 'v1.3.0' } }),
      code: 'version-mismatch',
      says: ['"1.3.0"', 'rack-lens-1.2.3.gem says rack-lens 1.2.3'],
    })
    expect(world.uploads).toEqual([])
  })
})
