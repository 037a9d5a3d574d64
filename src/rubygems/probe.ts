import path from 'node:path'
import { ReleaseError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { files } from '../world/files.ts'
import { lastWords } from '../world/last-words.ts'
import { type Processes, ProgramNotFound } from '../world/processes.ts'
import { asProject } from './probe-answer.ts'
import type { Project } from './project.ts'

export interface ProbeOptions {
  processes: Processes
  /** Absolute path of `probe.rb`. */
  script: string
  workingDirectory: string
  env: Readonly<Record<string, string>>
  privateDirectory: string
  onLine: (line: string) => void
}

/**
 * Reads the project with one Ruby process. Throws ReleaseError: `ruby-unavailable` where there is no Ruby or it
 * cannot run the probe, `gemspec-failed` with every gemspec that raises.
 */
export async function readProject(options: ProbeOptions): Promise<Project> {
  const answer = path.join(options.privateDirectory, 'project.json')
  const project = asProject(parseJson(await runProbe(options, answer)))
  if (project === undefined) {
    throw new ReleaseError({
      code: 'ruby-unavailable',
      what: 'Ruby ran, but what it reported about the project makes no sense.',
      why: 'Code of a gemspec or Rakefile may have replaced parts of Ruby’s standard library.',
      fix: 'Run `ruby -e "p Gem::Specification.load(%q(NAME.gemspec))"` and look for what interferes.',
    })
  }
  return project
}

async function runProbe(options: ProbeOptions, answer: string): Promise<string> {
  const { processes, script, workingDirectory, env, onLine } = options
  try {
    const finished = await processes.run({
      program: 'ruby',
      args: [script, answer],
      cwd: workingDirectory,
      env,
      onLine,
    })
    const json = await files.answer(answer)
    if (finished.code === 0 && json !== undefined) return json
    throw new ReleaseError({
      code: 'ruby-unavailable',
      what: `Ruby could not read the project: it ended with exit code ${String(finished.code)}.`,
      why: lastWords(finished, 5) || 'It printed nothing.',
      fix: 'Check that `ruby` and `rake` work in this directory, in a step before this one.',
    })
  } catch (error) {
    if (!(error instanceof ProgramNotFound)) throw error
    throw new ReleaseError(
      {
        code: 'ruby-unavailable',
        what: 'There is no `ruby` on PATH, and a gem has to be built.',
        fix: 'Add a `ruby/setup-ruby` step before this one, or build in another job and hand the files over with `gems:`.',
      },
      { cause: error },
    )
  }
}
