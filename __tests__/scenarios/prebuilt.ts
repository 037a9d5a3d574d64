import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type SeedGem, seedGem } from '../../sandbox/registry/seed-gem.ts'
import type { RunOptions } from './scenario.ts'

/** The gem most scenarios are about. */
export const LENS: SeedGem = { name: 'rack-lens', number: '1.2.3' }

export function fileName({ name, number, platform }: SeedGem): string {
  return `${name}-${number}${platform === undefined ? '' : `-${platform}`}.gem`
}

/** A publish job: no checkout, no Ruby and no git on PATH, and gems in `pkg` that an earlier job has built. */
export function prebuilt(gems: readonly SeedGem[] = [LENS], options: RunOptions = {}): RunOptions {
  const { before, ...rest } = options
  return {
    checkout: false,
    path: '/nonexistent',
    ...rest,
    with: { gems: 'pkg/*.gem', ...options.with },
    before: async (job) => {
      const directory = path.join(job.runner.workspace, 'pkg')
      await mkdir(directory, { recursive: true })
      for (const gem of gems) await writeFile(path.join(directory, fileName(gem)), seedGem(gem))
      await before?.(job)
    },
  }
}
