import { describe, expect, it } from 'vitest'
import type { SeedGem } from '../../sandbox/registry/seed-gem.ts'
import { LENS, prebuilt } from './prebuilt.ts'
import { type Files, monorepo, project } from './projects.ts'
import { commandsOf } from './refusal.ts'
import { expectGreen, newWorld, type Ran, type RunOptions } from './scenario.ts'

/** Two gems that `bundler/gem_tasks` cannot choose between. */
const AMBIGUOUS: Files = {
  ...monorepo({ name: 'lens-api', version: '1.2.3' }, { name: 'lens-core', version: '1.2.3' }),
  Rakefile: 'require "bundler/gem_tasks"\n',
}

async function buildJob(files: Files, options: RunOptions): Promise<Ran> {
  await using world = await newWorld()
  await world.repository(files, { gems: [] })
  return await world.run({ action: 'build', permissions: { contents: 'read' }, ...options })
}

describe('`strategy` of a build job', () => {
  it.each<[string, Files, string, string[]]>([
    ['two gemspecs and Bundler’s tasks for neither', AMBIGUOUS, 'ambiguous-gemspecs', ['lens-api', 'lens-core']],
    [
      'a Rakefile that raises',
      project({ rakefile: 'raise "no such task library"\n' }),
      'rakefile-failed',
      ['rack-lens'],
    ],
    [
      'a Gemfile that cannot be satisfied',
      { ...project(), Gemfile: 'gemspec\ngem "not-installed-anywhere"\n' },
      'bundle-failed',
      ['rack-lens'],
    ],
  ])('`direct` builds %s, as the refusal of `auto` says', async (_, files, code, gems) => {
    const refused = await buildJob(files, {})
    expect(refused.step.exitCode).toBe(1)
    expect(refused.error).toContain(`${code}: `)
    expect(refused.error).toContain('`strategy: direct`')
    const built = await buildJob(files, { with: { strategy: 'direct' } })
    expectGreen(built)
    expect(commandsOf(built)).toEqual(gems.map((name) => `gem build ${name}.gemspec --output pkg/${name}-1.2.3.gem`))
    expect(built.gems.map(({ name, status }) => [name, status])).toEqual(gems.map((name) => [name, 'not-tried']))
    expect(built.log).toContain('Strategy direct: input `strategy`.')
  })

  it('`auto` builds as the project does, whatever its release task does then', async () => {
    const rakefile = 'require "bundler/gem_tasks"\nRake::Task["release"].enhance { abort "not here" }\n'
    const built = await buildJob(project({ rakefile }), {})
    expectGreen(built)
    expect(commandsOf(built)).toEqual(['rake build'])
    expect(built.log).toContain('Strategy direct: this job only builds.')
  })

  it.each(['rake', 'fast'])('%s is refused: such a job releases nothing', async (strategy) => {
    const { step, error } = await buildJob(project(), { with: { strategy } })
    expect(step.exitCode).toBe(1)
    expect(error).toContain(`invalid-input: Input \`strategy\` is "${strategy}", but must be one of auto, direct.`)
    expect(error).toContain('Set `strategy:` to one of auto, direct, or leave it out.')
  })
})

/** A build job that finds these files, and is asked for these platforms. */
async function handedOver(found: readonly SeedGem[], platforms: string): Promise<Ran> {
  return buildJob(project(), prebuilt(found, { with: { platforms } }))
}

describe('`platforms` of a build job', () => {
  const java = { ...LENS, platform: 'java' }
  const darwin = { ...LENS, platform: 'arm64-darwin' }

  it('are handed over, and what else was built is named and left out', async () => {
    const ran = await handedOver([LENS, java, darwin], 'java, arm64-darwin')
    expectGreen(ran)
    expect(ran.gems.map(({ platform }) => platform).toSorted()).toEqual(['arm64-darwin', 'java'])
    for (const output of ['files', 'checksums'] as const) {
      expect(ran.step.outputs[output]).not.toContain('rack-lens-1.2.3.gem')
      expect(ran.step.outputs[output]?.split('\n')).toHaveLength(2)
    }
    expect(ran.log.split('\n').filter((line) => line.includes('left out'))).toEqual([
      'Found as well, and left out, as input `platforms` is java, arm64-darwin: rack-lens-1.2.3.gem.',
    ])
  })

  it('leave nothing out where none are given', async () => {
    const ran = await handedOver([LENS, java], '')
    expectGreen(ran)
    expect(ran.gems).toHaveLength(2)
    expect(ran.log).not.toContain('left out')
  })

  it('must all be there, of every version that is', async () => {
    const part = await handedOver([LENS, java], 'java, arm64-darwin')
    expect(part.step.exitCode).toBe(1)
    expect(part.error).toContain('platform-mismatch: The set of rack-lens 1.2.3 lacks arm64-darwin (input `platforms`')
    expect(part.error).not.toContain('nobody asked for')
    const none = await handedOver([LENS, { ...darwin, number: '1.2.4' }], 'arm64-darwin')
    expect(none.step.exitCode).toBe(1)
    expect(none.error).toContain('The set of rack-lens 1.2.3 lacks arm64-darwin and has ruby that nobody asked for')
  })
})
