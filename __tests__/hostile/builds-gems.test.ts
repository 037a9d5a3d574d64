import { access, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { gemspec, project } from '../scenarios/projects.ts'
import { FORGERS } from './build-projects.ts'
import { newTrap, TRAPS } from './git-traps.ts'
import { expectHarmless } from './hostile-run.ts'

describe('a build that', () => {
  it.each(FORGERS)('$name', async (hostile) => {
    const { job } = await expectHarmless(hostile)
    expect(job.orphans).toEqual([])
  })
})

/** Traps that need another commit, or leave files that are not as committed. */
const CHANGES_THE_COMMIT = /gpg|partial|submodule|textconv|external diff|remote that/
/** The project's own use of git would spring every one of them. */
const WITHOUT_GIT = gemspec('rack-lens', '1.2.3').replace(/^.*git ls-files.*$/m, '  spec.files = Dir["lib/*"]')

describe('a checkout full of traps', () => {
  it('is released without springing one of them', async () => {
    let mark = ''
    const { job } = await expectHarmless({
      name: 'traps',
      files: { ...project({ rakefile: false }), 'rack-lens.gemspec': WITHOUT_GIT, 'lib.rb': 'one\n' },
      async before({ runner }) {
        const directory = await mkdtemp(path.join(runner.home, 'traps-'))
        const place = { ...(await newTrap(directory)), checkout: runner.workspace, home: runner.home }
        mark = place.mark
        for (const trap of TRAPS) if (!CHANGES_THE_COMMIT.test(trap.name)) await trap.set(place)
        await rm(mark, { force: true })
      },
      async meanwhile() {
        await expect(access(mark)).rejects.toThrow('ENOENT')
      },
    })
    expect(job.conclusion).toBe('success')
  })
})
