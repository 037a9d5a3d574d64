import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { MEDDLERS, spec, TALKERS } from './build-projects.ts'
import { expectHarmless } from './hostile-run.ts'

describe('a build that', () => {
  it.each([...TALKERS, ...MEDDLERS])('$name', async (hostile) => {
    const { job } = await expectHarmless(hostile)
    expect(job.orphans).toEqual([])
  })
})

/** What the project is given of a job's variables: the list in docs/how-it-works.md, as far as this job has them. */
const GIVEN = `
  CI GITHUB_ACTIONS GITHUB_ACTOR GITHUB_API_URL GITHUB_EVENT_NAME GITHUB_JOB GITHUB_REF GITHUB_REF_NAME GITHUB_REF_TYPE
  GITHUB_REPOSITORY GITHUB_REPOSITORY_OWNER GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_SERVER_URL
  GITHUB_SHA GITHUB_WORKFLOW GITHUB_WORKSPACE HOME LANG PATH RELEASE_GEM_CHILD RUNNER_ARCH RUNNER_ENVIRONMENT RUNNER_OS
  RUNNER_TOOL_CACHE RUNNER_TRACKING_ID SOURCE_DATE_EPOCH`

describe('a build that looks for secrets', () => {
  it('finds in its environment what is documented and nothing else', async () => {
    const names = new Set<string>()
    await expectHarmless({
      name: 'dumps',
      files: spec('File.write(File.join(Dir.home, "env"), ENV.keys.join("\\n") + "\\n", mode: "a")'),
      async meanwhile({ runner }) {
        const text = await readFile(path.join(runner.home, 'env'), 'utf8')
        for (const name of text.trim().split('\n')) names.add(name)
      },
    })
    expect([...names].toSorted()).toEqual(GIVEN.trim().split(/\s+/))
  })

  it('finds with its parent what one job cannot keep from it, which the log says once, and never a key', async () => {
    let seen = ''
    await expectHarmless({
      name: 'looks around',
      files: spec(
        'unless PROBING',
        '  read = ->(file) { File.binread(file) rescue "" }',
        '  mine = Dir["/proc/[0-9]*"].select { |pid| read.("#{pid}/environ").include?(ENV["GITHUB_WORKSPACE"]) }',
        '  texts = mine.flat_map { |pid| [read.("#{pid}/environ"), read.("#{pid}/cmdline")] }.join("\\0")',
        '  keys = texts.scan(/rubygems_[0-9a-f]{48}/).reject { |key| key.start_with?("rubygems_001122") }',
        '  parent = read.("/proc/#{Process.ppid}/environ").include?("ACTIONS_ID_TOKEN_REQUEST_TOKEN=")',
        '  arguments = mine.count { |pid| read.("#{pid}/cmdline").match?(/ghs_|rubygems_|eyJ/) }',
        '  File.write(File.join(Dir.home, "seen"), "means to ask: #{parent}, keys: #{keys.size}, in arguments: #{arguments}")',
        'end',
      ),
      async meanwhile({ runner }) {
        seen = await readFile(path.join(runner.home, 'seen'), 'utf8')
      },
      afterwards: ({ log }) => {
        expect(log.match(/Built in the job that publishes: code of the build could ask for a key/g)).toHaveLength(1)
      },
    })
    expect(seen).toBe('means to ask: true, keys: 0, in arguments: 0')
  })
})
