import { expect } from 'vitest'
import type { Ran, RunOptions, ScenarioWorld } from './scenario.ts'

/** How a run that was refused has to look, and what its one annotation has to say. */
export interface Refusal extends RunOptions {
  /** Title of the annotation: the code, with ` (and N more)` where there are more problems. */
  code: string
  /** What the message names: input, value, rule, fix. */
  says: readonly (string | RegExp)[]
}

/** Runs the action, which must refuse with one annotation and leave no trace that anybody else could see. */
export async function expectRefused(world: ScenarioWorld, refusal: Refusal): Promise<Ran> {
  const { code, says, ...options } = refusal
  const before = await world.public()
  const uploads = world.uploads.length
  const ran = await world.run(options)
  expectError(ran, code, says)
  expect(await world.public()).toEqual(before)
  expect(world.uploads.slice(uploads).filter(({ status }) => status < 300)).toEqual([])
  expect(ran.step.outputs).toMatchObject({ published: 'false' })
  return ran
}

/** The same for what can be known beforehand: nothing was built, no key was asked for, nothing was sent. */
export async function expectRefusedEarly(world: ScenarioWorld, refusal: Refusal): Promise<Ran> {
  const writes = writesOf(world).length
  const ran = await expectRefused(world, refusal)
  expect(commandsOf(ran)).toEqual([])
  expect(writesOf(world).slice(writes)).toEqual([])
  return ran
}

/** One annotation with this title, whose text has all of `says`; the job has failed; the summary tells it too. */
export function expectError(ran: Ran, code: string, says: readonly (string | RegExp)[]): void {
  const errors = ran.step.annotations.filter(({ level }) => level === 'error')
  expect(errors.map(({ title }) => title)).toEqual([code])
  for (const text of says) expect(ran.error).toMatch(text)
  expect(ran.step.exitCode).toBe(1)
  expect(ran.job.conclusion).toBe('failure')
  expect(ran.step.summary).toContain('## Release failed')
  expect(ran.step.summary).toContain(`### ${code.replace(/ \(.*/, '')}`)
}

/** The commands of the build, as the log shows them. */
export function commandsOf({ log }: Ran): string[] {
  return [...log.matchAll(/^\$ (.*)$/gm)].map(([, command = '']) => command)
}

/** Requests that could change something, to any service. */
function writesOf(world: ScenarioWorld): string[] {
  return ['registry', 'github', 'git'].flatMap((service) =>
    world.requests(service).filter((request) => !request.startsWith('GET ') && !request.endsWith('/git-upload-pack')),
  )
}
