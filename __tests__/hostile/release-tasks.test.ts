import { describe, expect, it } from 'vitest'
import { ownRelease, rakeProject } from '../scenarios/rake-projects.ts'
import { expectRefused } from '../scenarios/refusal.ts'
import { newWorld } from '../scenarios/scenario.ts'

/** Writes to one of the files through which the step speaks, whose name the task was not given. */
function writesTo(file: string, text: string): string {
  const found = `Dir[File.expand_path("../../_temp/_runner_file_commands/${file}_*", Dir.pwd)].max_by { |name| File.mtime(name) }`
  return `File.write(${found}, ${JSON.stringify(text)}, mode: "a")`
}

const PUSH = 'stand_in "push", GEM'

describe('a release task that writes to the runner’s files', () => {
  it('before its push has no push: nothing gets out', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease(writesTo('set_output', 'version=evil\n'), PUSH)))
    const { step } = await expectRefused(world, {
      code: 'tampered-job',
      says: ['GITHUB_OUTPUT', 'Nothing was published by this run.'],
    })
    expect(world.uploads).toEqual([])
    expect(JSON.stringify(step.outputs)).not.toContain('evil')
  })

  it('after its push fails the run, which says what is out, and leaves nothing to later steps', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease(PUSH, writesTo('set_env', 'BASH_ENV=evil\n'))))
    const { step, error, gems } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^tampered-job: .*GITHUB_ENV/)
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
    expect(step.envChanges).toEqual({})
  })
})

describe('a gemspec whose name looks like an option', () => {
  it('is a gemspec', async () => {
    await using world = await newWorld()
    const files = rakeProject('')
    await world.repository({
      '--help.gemspec': files['rack-lens.gemspec'] ?? '',
      'lib/rack-lens.rb': '',
      'README.md': '',
    })
    const { error, gems, log } = await world.run()
    expect(error).toBe('')
    expect(log).toContain('$ gem build ./--help.gemspec --output pkg/rack-lens-1.2.3.gem')
    expect(gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
  })
})
