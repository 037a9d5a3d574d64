import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { aim, answer, type Fault } from '../../sandbox/faults.ts'
import { PUSH } from './cancel-world.ts'
import { gemspec } from './projects.ts'
import { ownRelease, rakeProject } from './rake-projects.ts'
import { expectGreen, newWorld } from './scenario.ts'

const OTHERS = '---\nhttps://gems.example.com: other_key_0123456789\n'

describe('a release task that loads the client of RubyGems by itself', () => {
  it('finds the key in the credentials file, which is private and goes again', async () => {
    await using world = await newWorld()
    await world.repository(
      rakeProject(ownRelease('sh "stat -c %a $HOME/.gem/credentials $HOME/.gem"', 'client "push", GEM')),
    )
    const ran = await world.run({
      meanwhile: async ({ runner }) => {
        await expect(stat(path.join(runner.home, '.gem'))).rejects.toThrow('ENOENT')
      },
    })
    expectGreen(ran)
    expect(ran.log).toContain('| 600\n| 700\n')
    expect(ran.log).toContain('| Successfully registered gem: rack-lens (1.2.3)')
    expect(ran.gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
    expect(ran.step.outputs['published']).toBe('true')
    expect(world.uploads).toHaveLength(1)
  })

  it('leaves keys of other servers, and the mode, as they were', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('client "push", GEM')))
    let file = ''
    const ran = await world.run({
      before: async ({ runner }) => {
        file = path.join(runner.home, '.gem/credentials')
        await mkdir(path.dirname(file))
        await writeFile(file, OTHERS)
        await chmod(file, 0o644)
      },
      meanwhile: async () => {
        expect(await readFile(file, 'utf8')).toBe(OTHERS)
        expect((await stat(file)).mode & 0o777).toBe(0o644)
      },
    })
    expectGreen(ran)
    expect(world.uploads).toHaveLength(1)
  })

  it('fails after the push: the run is red and says that the gem is out', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('client "push", GEM', 'abort "no announcement today"')))
    const { step, error, gems } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^release-task-failed: /)
    expect(error).toContain('no announcement today')
    expect(error).toContain('rack-lens 1.2.3 is published on')
    expect(step.outputs['published']).toBe('true')
    expect(gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
  })

  it('ends well without having pushed: the run is red', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('puts "that is all"')))
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^release-task-failed: The release task ended, but \S+ does not have rack-lens 1\.2\.3\./)
    expect(error).toContain('Nothing was published by this run.')
    expect(step.outputs['published']).toBe('false')
    expect(world.live).toEqual([])
  })
})

describe('a release task that goes its own way with files', () => {
  const elsewhere = 'sh "mkdir dist && mv #{GEM} dist/"; client "push", "dist/rack-lens-1.2.3.gem"'

  it('builds and pushes where nobody looks: the run is red and does not claim to know', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease(elsewhere)))
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toContain('left no new file of rack-lens 1.2.3 in `pkg`')
    expect(error).toContain('Nothing is known to be published. Not known: rack-lens 1.2.3.')
    expect(world.live).toEqual(['rack-lens-1.2.3'])
  })

  it('fails before it has built anything: nothing was published, for certain', async () => {
    await using world = await newWorld()
    await world.repository(
      rakeProject('require "bundler/gem_tasks"\ntask(:no) { abort "no" }\ntask release: :no\ntask build: :no\n'),
    )
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^release-task-failed: `rake release` failed/)
    expect(error).toMatch(/\n\nNothing was published by this run\.$/)
  })
})

describe('a release task that calls gem by its name', () => {
  const MOON = 'abort "the moon is wrong" if ENV["MOON"] == "wrong"'

  it.each([
    { form: 'sh "gem push"', line: 'sh "gem push #{GEM}"' },
    { form: 'ruby "-S gem push", as Rake’s helper does', line: 'ruby "-S gem push #{GEM}"' },
  ])('with $form: gets our push, and the next run finishes without sending it', async ({ line }) => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease(line, MOON)))
    const first = await world.run({ env: { MOON: 'wrong' } })
    expect(first.step.exitCode).toBe(1)
    expect(first.error).toContain('the moon is wrong')
    expect(first.error).toContain('rack-lens 1.2.3 is published on')
    const second = await world.run()
    expectGreen(second)
    expect(second.log).toContain('| rack-lens 1.2.3 is on ')
    expect(second.gems).toMatchObject([{ status: 'already-published', sha256: world.published('rack-lens-1.2.3') }])
    expect(world.uploads).toHaveLength(1)
  })

  it('and pushes from where nobody else would look: is verified all the same', async () => {
    await using world = await newWorld()
    await world.repository(
      rakeProject(ownRelease('sh "mkdir dist && mv #{GEM} dist/ && gem push dist/rack-lens-1.2.3.gem"')),
    )
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ status: 'pushed', sha256: world.published('rack-lens-1.2.3') }])
  })

  it('gets the real one for everything else, with its exit code', async () => {
    await using world = await newWorld()
    const lines = ['sh "gem --version"', 'sh("gem unheard-of") { |ok, status| puts "it said #{status.exitstatus}" }']
    await world.repository(rakeProject(ownRelease(...lines, 'sh "gem push #{GEM}"')))
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.log).toMatch(/\| \d+\.\d+\.\d+\n/)
    expect(ran.log).toContain('Unknown command unheard-of')
    expect(ran.log).toContain('| it said 1')
  })

  it('for a gem of another project, or in a way that is not ours: it is left to gem, and said', async () => {
    await using world = await newWorld()
    const files = rakeProject(
      ownRelease(
        'Dir.chdir("other") { sh "gem build other.gemspec && gem push other-9.9.9.gem" }',
        'sh("gem push --unheard-of #{GEM}") { |ok, _| puts ok ? "taken" : "not taken" }',
        'sh "gem push #{GEM}"',
      ),
    )
    await world.repository(
      { ...files, 'other/other.gemspec': gemspec('other', '9.9.9') },
      { gems: ['rack-lens', 'other'] },
    )
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.log).toContain(
      'tried to push other 9.9.9, but this run releases rack-lens 1.2.3. It is left to `gem` itself.',
    )
    expect(ran.log).toContain(
      'called `gem push` with --unheard-of, which this action does not carry out. It is left to',
    )
    expect(ran.log).toContain('| not taken')
    expect(ran.gems).toMatchObject([{ name: 'rack-lens', status: 'pushed' }])
    expect(world.live).toEqual(expect.arrayContaining(['other-9.9.9', 'rack-lens-1.2.3']))
  })
})

describe('a release task that pushes to another server with RUBYGEMS_HOST', () => {
  it('by the name of gem: is left to gem, and ours gets what is for it', async () => {
    await using world = await newWorld()
    const there =
      'sh({ "RUBYGEMS_HOST" => "http://127.0.0.1:9" }, "gem push #{GEM}") { |ok, _| puts ok ? "taken" : "not taken" }'
    await world.repository(rakeProject(ownRelease(there, 'puts "and now"', 'sh "gem push #{GEM}"')))
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.log).toMatch(
      /tried to push rack-lens 1\.2\.3 to "http:\/\/127\.0\.0\.1:9", but .* It is left to `gem` itself\./,
    )
    expect(ran.log).toMatch(/\| not taken\n[^]*\| and now\n[^]*\| rack-lens 1\.2\.3 is on /)
    expect(world.uploads).toHaveLength(1)
  })

  it('through GEM_COMMAND: is refused', async () => {
    await using world = await newWorld()
    await world.repository(
      rakeProject(ownRelease('ENV["RUBYGEMS_HOST"] = "https://gems.example.com"', 'stand_in "push", GEM')),
    )
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toContain(
      'push-host-mismatch: The release task tried to push rack-lens 1.2.3 to "https://gems.example.com"',
    )
    expect(world.uploads).toEqual([])
  })
})

describe('a release task that pushes for another platform than the gemspec’s', () => {
  const JAVA = 'spec = Gem::Specification.load("rack-lens.gemspec"); spec.platform = "java"; Gem::Package.build(spec)'
  const PUSH_JAVA = 'stand_in "push", "rack-lens-1.2.3-java.gem"'

  it.each([
    ['has not built the gemspec’s', ':release'],
    ['has built the gemspec’s as well', 'release: :build'],
  ])('and %s: is green for what it has pushed, and says so', async (_, task) => {
    await using world = await newWorld()
    const files = rakeProject(
      ownRelease('require "rubygems/package"', JAVA, PUSH_JAVA).replace('release: :build', task),
    )
    await world.repository(files)
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ platform: 'java', status: 'pushed' }])
    expect(ran.step.annotations).toMatchObject([{ level: 'warning', title: 'Not all platforms' }])
    expect(world.live).toEqual(['rack-lens-1.2.3-java'])
  })

  it('is green also where another job has published the gemspec’s meanwhile', async () => {
    await using world = await newWorld()
    const native = rakeProject(ownRelease('require "rubygems/package"', JAVA, PUSH_JAVA))
    await world.repository(native)
    world.sandbox.registry.addVersion({ name: 'rack-lens', number: '1.2.3' })
    const ran = await world.run({ with: { strategy: 'rake' } })
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ platform: 'java', status: 'pushed' }])
  })
})

describe('a push of a release task that the registry refuses', () => {
  const refusal: Fault = {
    ...aim('503-html', PUSH, 1),
    play: answer(403, 'You are not allowed to push this gem.', { 'content-type': 'text/plain' }),
  }

  it('is reported as failed, with the tag that Bundler has made before', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject('require "bundler/gem_tasks"\n'))
    world.sandbox.registry.inject(refusal)
    const { step, error, gems } = await world.run({ with: { strategy: 'rake' } })
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(/^push-refused: /)
    expect(error).toMatch(/\n\nNothing was published by this run\. Tag: v1\.2\.3\.$/)
    expect(gems).toMatchObject([{ status: 'failed' }])
    const again = await world.run({ with: { strategy: 'rake' } })
    expectGreen(again)
  })
})

describe('what a release task hands over through GEM_COMMAND', () => {
  it('is refused where this run does not release it', async () => {
    await using world = await newWorld()
    const files = rakeProject(
      ownRelease(
        'Dir.chdir("other") { stand_in "build", "other.gemspec" }',
        'stand_in "push", "other/other-9.9.9.gem"',
      ),
    )
    await world.repository(
      { ...files, 'other/other.gemspec': gemspec('other', '9.9.9') },
      { gems: ['rack-lens', 'other'] },
    )
    const { step, error, log } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toMatch(
      /^gem-unexpected: The release task tried to push other 9\.9\.9, but this run releases rack-lens 1\.2\.3/,
    )
    expect(log).toContain('| The release task tried to push other 9.9.9')
    expect(world.uploads).toEqual([])
    expect(step.outputs['published']).toBe('false')
  })

  it.each([
    { form: '--host URL', words: '"--host", "https://gems.example.com"' },
    { form: '--host=URL', words: '"--host=https://gems.example.com"' },
  ])('is refused for another server, said as $form', async ({ words }) => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease(`stand_in "push", GEM, ${words}`)))
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toContain(
      'push-host-mismatch: The release task tried to push rack-lens 1.2.3 to "https://gems.example.com"',
    )
    expect(world.uploads).toEqual([])
  })

  it('is taken with the options of gem push that mean nothing to us, whatever their order', async () => {
    await using world = await newWorld()
    const host = JSON.stringify(`${world.sandbox.registry.url}/`)
    await world.repository(
      rakeProject(ownRelease(`stand_in "push", "--key", "mine", "-V", "--host=" + ${host}, GEM, "--otp", "123456"`)),
    )
    const ran = await world.run()
    expectGreen(ran)
    expect(ran.gems).toMatchObject([{ sha256: world.published('rack-lens-1.2.3') }])
  })

  it('is refused with an option that would be lost', async () => {
    await using world = await newWorld()
    await world.repository(rakeProject(ownRelease('stand_in "push", "--attestation", "bundle.json", GEM')))
    const { step, error } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(error).toContain('called `gem push` with --attestation, which this action does not carry out.')
    expect(world.uploads).toEqual([])
  })

  it('goes to the real gem where it is not a push, with its output and exit code', async () => {
    await using world = await newWorld()
    const lines = ['spec.files = ["lib/missing.rb"]']
    await world.repository(rakeProject(ownRelease('puts "never"'), { gemspecLines: lines }))
    const { step, error, log } = await world.run()
    expect(step.exitCode).toBe(1)
    expect(log).toContain('["lib/missing.rb"] are not files')
    expect(error).toMatch(/^release-task-failed: `rake release` failed with exit code 1\./)
    expect(error).toContain('are not files')
    expect(log).not.toContain('| never')
  })
})
