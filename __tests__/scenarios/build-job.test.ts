import { describe, expect, it } from 'vitest'
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
