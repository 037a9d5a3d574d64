import { readdir } from 'node:fs/promises'
import { searchForSecrets } from '../../sandbox/runner/leaks.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import type { Sandbox, SandboxJob } from '../../sandbox/sandbox.ts'
import type { SmallGem } from './gems.ts'
import type { JobEnd, Lane, LaneEnd } from './lane.ts'

/** Keys, tokens and request tokens of this case, in every encoding, wherever a job leaves something. */
export async function leaksOf(
  sandbox: Sandbox,
  { runner, token, requestToken = '' }: SandboxJob,
  steps: readonly StepResult[],
): Promise<Pick<JobEnd, 'leaks' | 'leftovers'>> {
  const wire = sandbox.requests.flatMap(({ service, headers, body }) => {
    const key = service === 'registry' ? headers.authorization : undefined
    const jwt = /"jwt":"([^"]+)"/.exec(body.toString('utf8'))?.[1]
    return [key ?? '', jwt ?? ''].filter((secret) => secret !== '')
  })
  const secrets = Object.fromEntries(
    [...new Set([token, requestToken, ...wire])].map((value, index) => [`secret ${String(index)}`, value]),
  )
  const texts = Object.fromEntries(
    steps.flatMap((step, index) => [
      [`stdout ${String(index)}`, step.rawStdout.replace(/^::add-mask::.*$/gm, '')],
      [`stderr ${String(index)}`, step.rawStderr],
      [`results ${String(index)}`, JSON.stringify([step.outputs, step.state, step.envChanges, step.summary])],
      [`argv ${String(index)}`, step.processes.map(({ argv }) => argv.join(' ')).join('\n')],
    ]),
  )
  const found = searchForSecrets({ secrets, roots: [runner.home, runner.temp, runner.workspace], texts })
  const left = await readdir(runner.temp)
  return {
    leaks: found.map(({ secret, encoding, where }) => `${secret} as ${encoding} in ${where}`),
    leftovers: left.filter((name) => name.startsWith('release-gem-')),
  }
}

/** What is wrong with a job that was struck; nothing where it has ended decently. */
export function indecent(lane: Lane, end: LaneEnd, lost: boolean): string[] {
  const { main, post } = end
  const problems = [...end.leaks]
  for (const step of post) if (step.exitCode !== 0) problems.push(`the post step ended with ${String(step.exitCode)}`)
  const known = main.state['private-directory'] !== undefined
  if (!lost && known && end.leftovers.length > 0) problems.push(`${end.leftovers.join(', ')} is left`)
  if (main.exitCode === 0 && !main.lines.some(({ text }) => text.includes(' published on '))) {
    problems.push('exit code 0 without a last word')
  }
  return [...problems, ...untrue(lane, end)]
}

/** What the job says about its gems, in outputs or after it was killed, and the registry does not. */
function untrue(lane: Lane, { main, post, gems, before }: LaneEnd): string[] {
  const { live } = lane
  const isLive = ({ fullName, sha256 }: SmallGem): boolean =>
    live.some((row) => row.fullName === fullName && row.sha256 === sha256)
  const said = [...main.lines, ...post.flatMap(({ lines }) => lines)].map(({ text }) => text).join('\n')
  const problems: string[] = []
  for (const gem of gems) {
    const title = `${gem.name} ${gem.version} (${gem.platform ?? 'ruby'})`
    const reported = new RegExp(`"file":"[^"]*${gem.fullName}\\.gem"[^}]*"status":"([a-z-]+)"`).exec(
      main.outputs['gems'] ?? '',
    )?.[1]
    const status = reported ?? statusAfter(`${title}: `, said)
    const claimed = status === 'pushed' || status === 'already-published'
    const denied = status === 'failed' || status === 'not-tried'
    if (claimed && !isLive(gem)) problems.push(`${gem.fullName} is said to be published`)
    if (denied && isLive(gem) && !before.includes(gem.fullName))
      problems.push(`${gem.fullName} is said to be ${status}`)
  }
  // What an earlier job has published is not the news of this one.
  const news = gems.filter((gem) => isLive(gem) && !before.includes(gem.fullName))
  if (news.length > 0 && /^Nothing was published/m.test(said)) problems.push('nothing is said to be published')
  return problems
}

function statusAfter(title: string, said: string): string | undefined {
  const [, after] = said.split(title)
  return /^[a-z-]+/.exec(after ?? '')?.[0]
}

/** What is not true after the last run of a release; nothing when it has converged. */
export async function unfinished(
  lane: Lane,
  version: string,
  { main, post, gems, leaks, leftovers }: LaneEnd,
): Promise<string[]> {
  const problems = [...leaks, ...leftovers]
  const expect = (what: string, is: unknown, should: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(should)) {
      problems.push(`${what} is ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`)
    }
  }
  expect('exit code', [main.exitCode, ...post.map(({ exitCode }) => exitCode)], [0, 0])
  expect('published', main.outputs['published'], 'true')
  expect('tag', main.outputs['tag'], `v${version}`)
  expect('version', main.outputs['version'], version)
  const lines = gems.map(({ sha256, fullName }) => `${sha256}  ${fullName}.gem`).toSorted()
  expect('checksums', main.outputs['checksums']?.split('\n').toSorted(), lines)
  const rows = lane.sandbox.registry.versions().filter(({ number }) => number === version)
  expect('registry', rows.map(({ sha256, fullName }) => `${sha256}  ${fullName}.gem`).toSorted(), lines)
  expect('live', rows.map(({ indexed }) => indexed).includes(false), false)
  const tag = await lane.tag(`v${version}`)
  expect('tag', [tag?.type, tag?.commit], ['tag', lane.sha])
  expect('violations', lane.sandbox.github.violations, [])
  if (problems.length > 0) problems.push(main.lines.map(({ text }) => text).join('\n'))
  return problems
}
