import { ReleaseError } from './errors.ts'
import { type Facts, type GitHubFacts, releasedCommit } from './facts.ts'
import { readCheckout } from './git/checkout.ts'
import { readOnlyGit } from './git/git.ts'
import { headOf } from './git/head.ts'
import { createRepository, type Repository } from './github/repository.ts'
import type { RunContext } from './github/run-context.ts'
import type { Inputs } from './inputs.ts'
import { Lanes } from './lanes.ts'
import { tagsToLookUp } from './plan/tags.ts'
import { projectEnvironment } from './steps/build.ts'
import { type GemFile, readGem } from './rubygems/gem-file.ts'
import { readProject } from './rubygems/probe.ts'
import type { Project } from './rubygems/project.ts'
import type { Registry } from './rubygems/registry.ts'
import { sigstoreServices } from './sigstore/services.ts'
import { privateCopy, READ_AT_ONCE } from './steps/inspect.ts'
import { files } from './world/files.ts'
import type { World } from './world/world.ts'

/** Looks around without changing anything: project or prebuilt gems, checkout, GitHub, registry. */
export async function survey(inputs: Inputs, run: RunContext, registry: Registry, world: World): Promise<Facts> {
  const local = await surveyMachine(inputs, run, world)
  const names = [...new Set([...(local.project?.gemspecs ?? []), ...local.prebuilt].map((gem) => gem.name))]
  const [github, published] = await Promise.all([
    askGitHub(inputs, local, world),
    Promise.all(names.map(async (name) => [name, await registry.versions(name)] as const)),
  ])
  return { ...local, github, published: new Map(published) }
}

/** The part of the survey that needs no network: all there is to know in a job that only builds. */
export async function surveyMachine(
  inputs: Pick<Inputs, 'gems' | 'commit' | 'workingDirectory' | 'server'>,
  run: RunContext,
  world: World,
): Promise<Omit<Facts, 'github' | 'published'>> {
  const building = inputs.gems.length === 0
  if (building && !(await files.isDirectory(inputs.workingDirectory))) throw new ReleaseError(noDirectory(inputs))
  const checkout = building ? await readCheckout(readOnlyGit(inputs.workingDirectory, world.runner.env)) : undefined
  const [project, prebuilt, builtFrom] = await Promise.all([
    building ? surveyProject(inputs, checkout?.committedAt ?? 0, world) : undefined,
    building ? [] : prebuiltGems(inputs, world),
    building ? undefined : (inputs.commit ?? headOf(inputs.workingDirectory, run.workspace)),
  ])
  const canSign = sigstoreServices(inputs.server, world.runner.env) !== undefined
  return { run, checkout, project, canSign, prebuilt, builtFrom }
}

/** The repository of this run through the token of the step; undefined where there is no token. */
export function repositoryOf(inputs: Inputs, run: RunContext, world: World): Repository | undefined {
  if (!inputs.githubToken) return undefined
  return createRepository({ name: run.repository, apiUrl: run.apiUrl, token: inputs.githubToken, http: world.http })
}

function noDirectory(inputs: Pick<Inputs, 'workingDirectory'>): ConstructorParameters<typeof ReleaseError>[0] {
  return {
    code: 'no-gemspec',
    what: `Input \`working-directory\`: there is no directory ${JSON.stringify(inputs.workingDirectory)}.`,
    fix: 'Check out the repository before this step, or correct `working-directory:`; it is relative to the workspace.',
  }
}

async function surveyProject(
  { workingDirectory }: Pick<Inputs, 'workingDirectory'>,
  committedAt: number,
  world: World,
): Promise<Project> {
  const env = await projectEnvironment(workingDirectory, committedAt, world)
  return world.runner.foreign((print) =>
    readProject({
      processes: world.processes,
      script: world.assets.probe,
      workingDirectory,
      env,
      privateDirectory: world.privateDirectory,
      onLine: print,
    }),
  )
}

async function prebuiltGems(inputs: Pick<Inputs, 'gems' | 'workingDirectory'>, world: World): Promise<GemFile[]> {
  const matches = await Promise.all(inputs.gems.map((pattern) => files.matching(pattern, inputs.workingDirectory)))
  const missing = inputs.gems.filter((_, index) => matches[index]?.length === 0)
  ReleaseError.throwIfAny(
    missing.map((pattern) => ({
      code: 'gem-not-found',
      what: `Input \`gems\`: no file matches ${JSON.stringify(pattern)} in ${JSON.stringify(inputs.workingDirectory)}.`,
      fix: 'Check the path against what the build job handed over (for actions/download-artifact: its `path:`, and `merge-multiple: true`).',
    })),
  )
  const paths = [...new Set(matches.flat())]
  const lanes = new Lanes(READ_AT_ONCE)
  return Promise.all(paths.map((path) => lanes.run(() => readGem(path, { copyTo: privateCopy(world) }))))
}

/** Asks for the commit and the tags only where the release depends on them. */
async function askGitHub(
  inputs: Inputs,
  facts: Omit<Facts, 'github' | 'published'>,
  world: World,
): Promise<GitHubFacts | undefined> {
  const repository = repositoryOf(inputs, facts.run, world)
  const names = tagsToLookUp(inputs, facts)
  if (!repository || names.length === 0) return undefined
  const [commit, rulesets, ...tags] = await Promise.all([
    repository.commit(releasedCommit(facts)),
    // A tag that started the run is there already.
    facts.run.tag === undefined ? repository.tagRulesets() : [],
    ...names.map(async (name) => [name, await repository.tag(name)] as const),
  ])
  return { commit, rulesets, tags: new Map(tags) }
}
