import type { Problem } from '../errors.ts'
import { type Facts, type Origin, releasedCommit } from '../facts.ts'
import type { RemoteTag } from '../github/repository.ts'
import type { Inputs } from '../inputs.ts'
import { publishedVersion, title } from '../rubygems/versions.ts'
import type { Decision, PlannedGem, PlannedTag } from './planned.ts'
import { tagFor } from '../tags.ts'
import { tagRules } from './gems.ts'

/** The names of all tags whose state the plan needs to know: the run's own, or those that would be created. */
export function tagsToLookUp(inputs: Inputs, facts: Pick<Facts, 'run' | 'project' | 'prebuilt'>): string[] {
  if (facts.run.tag !== undefined) return [facts.run.tag]
  const gems = facts.project?.gemspecs ?? facts.prebuilt
  return wantedTags(inputs, facts, gems).map((tag) => tag.name)
}

/** Which tags there will be. A tag is made once, never moved, and only where none started the run. */
export function planTags(
  inputs: Inputs,
  facts: Facts,
  gems: readonly PlannedGem[],
  strategy: 'direct' | 'rake',
): Decision<readonly PlannedTag[]> {
  const { run, github } = facts
  if (run.tag !== undefined) return startedByTag(run.tag, inputs, facts, gems)
  const wanted = wantedTags(inputs, facts, gems)
  if (wanted.length === 0 && inputs.githubRelease !== 'false') {
    return { choice: [], because: [], problems: [releaseWithoutTag()] }
  }
  if (wanted.length === 0) return { choice: [], because: ['No tag is created: input `tag` is "false".'], problems: [] }
  if (strategy === 'rake') return byTask(wanted, facts, gems)
  if (!github) return { choice: [], because: [], problems: [noToken()] }
  const problems = wanted.flatMap((tag) => elsewhere(tag.name, facts, gemsOf(tag, gems)))
  if (!github.commit) problems.push(notOnGitHub(inputs, facts))
  const choice = wanted.map((tag) => ({
    ...tag,
    ...notesOf(github.tags.get(tag.name)),
    action: github.tags.get(tag.name) ? ('exists' as const) : ('create' as const),
  }))
  const because = choice.map(({ name, action }) =>
    action === 'exists'
      ? `Tag ${name} is on this commit already.`
      : `Tag ${name} will be created on ${releasedCommit(facts).slice(0, 12)} after the push (${provenance(inputs, facts)}).`,
  )
  return { choice, because, problems }
}

function wantedTags(
  inputs: Inputs,
  facts: Pick<Facts, 'run' | 'project' | 'prebuilt'>,
  gems: readonly { name: string; version: string }[],
): Omit<PlannedTag, 'action'>[] {
  const rules = tagRules(inputs, facts)
  const alone = new Set(gems.map((gem) => gem.version)).size === 1
  const byTag = Map.groupBy(gems, (gem) => tagFor(gem, alone, rules))
  return [...byTag].flatMap(([name, its]) =>
    name === undefined
      ? []
      : [{ name, message: `Version ${its[0]?.version ?? ''}`, gems: [...new Set(its.map((gem) => gem.name))] }],
  )
}

function provenance(inputs: Inputs, facts: Pick<Facts, 'run' | 'project' | 'prebuilt'>): string {
  if (inputs.tag.kind === 'template') return 'input `tag`'
  return tagRules(inputs, facts).bundler ? 'the form Bundler uses in this project' : 'default form'
}

function startedByTag(
  tag: string,
  inputs: Inputs,
  facts: Facts,
  gems: readonly PlannedGem[],
): Decision<readonly PlannedTag[]> {
  const known = facts.github?.tags.get(tag)
  const problems = facts.github && !known ? [gone(tag)] : []
  if (known?.commit !== facts.run.sha) problems.push(...elsewhere(tag, facts, gems))
  problems.push(...otherThanTagged(inputs, facts))
  return {
    choice: [
      { name: tag, message: '', ...notesOf(known), gems: [...new Set(gems.map((gem) => gem.name))], action: 'exists' },
    ],
    because: [`No tag is created: ${tag} started this run and names commit ${facts.run.sha.slice(0, 12)}.`],
    problems,
  }
}

/** The first line of a tag's message is its title. */
function notesOf(tag: RemoteTag | undefined): { notes?: string } {
  const [, ...rest] = (tag?.message ?? '').trim().split(/\r?\n/)
  const notes = rest.join('\n').trim()
  return notes === '' ? {} : { notes }
}

function byTask(
  wanted: readonly Omit<PlannedTag, 'action'>[],
  facts: Facts,
  gems: readonly PlannedGem[],
): Decision<readonly PlannedTag[]> {
  return {
    choice: wanted.map((tag) => ({ ...tag, action: 'by-task' })),
    because: ['The tag is left to the release task.'],
    problems: wanted.flatMap((tag) => elsewhere(tag.name, facts, gemsOf(tag, gems))),
  }
}

function gemsOf({ gems: names }: Pick<PlannedTag, 'gems'>, gems: readonly PlannedGem[]): PlannedGem[] {
  return gems.filter(({ name }) => names.includes(name))
}

function elsewhere(name: string, facts: Facts, gems: readonly PlannedGem[]): Problem[] {
  const tag = facts.github?.tags.get(name)
  const commit = releasedCommit(facts)
  if (!tag || tag.commit === commit) return []
  const out = gems.filter((gem) => publishedVersion(gem, facts.published))
  if (out.length > 0) return [releasedBefore(name, tag.commit, commit, out)]
  return [
    {
      code: 'tag-commit-mismatch',
      what: `The tag ${name} names commit ${tag.commit.slice(0, 12)}, but this run releases ${commit.slice(0, 12)}.`,
      why: 'A tag is never moved. Most often the version was released before and has not been bumped since.',
      fix: 'Bump the version. If the tag was made by mistake and nothing was published, delete it and run again.',
    },
  ]
}

/** Also where a release task commits before it tags, and the job is run again on the commit it began with. */
function releasedBefore(name: string, tagged: string, commit: string, out: readonly PlannedGem[]): Problem {
  return {
    code: 'tag-commit-mismatch',
    what: `The tag ${name} names commit ${tagged.slice(0, 12)}, but this run releases ${commit.slice(0, 12)}; published already: ${out.map(title).join(', ')}.`,
    why: 'Most likely an earlier run has made this very release, from the commit that the tag names.',
    fix: 'If it has, nothing is left to do. To release this commit, bump the version.',
  }
}

function gone(tag: string): Problem {
  return {
    code: 'tag-commit-mismatch',
    what: `The tag ${tag} started this run, but it is not in the repository any more.`,
    fix: 'Push the tag again on the commit to release; that starts a new run.',
  }
}

/** Where a tag started the run, and what is released is of another commit. */
export function otherThanTagged({ commit: given }: Inputs, facts: Origin & Pick<Facts, 'project'>): Problem[] {
  const { tag, sha } = facts.run
  const released = releasedCommit(facts)
  if (tag === undefined || released === sha) return []
  const whatIs = given === undefined ? 'is checked out' : 'is what was built (input `commit`)'
  const orSay =
    facts.project || given !== undefined ? '' : ' In a job that only publishes, `commit:` says what was built.'
  return [
    {
      code: 'tag-commit-mismatch',
      what: `The tag ${tag} names commit ${sha.slice(0, 12)}, but ${released.slice(0, 12)} ${whatIs}.`,
      fix: `Use \`actions/checkout\` without \`ref:\` in a workflow that is started by tags, and do not commit in it.${orSay}`,
    },
  ]
}

/** GitHub lets no job's token name a commit with other workflow files than the default branch has. */
export function workflowDoubts(created: readonly string[], facts: Facts): string[] {
  const commit = releasedCommit(facts)
  if (created.length === 0 || commit === facts.run.sha) return []
  return [
    `${created.join(', ')} ${created.length === 1 ? 'is' : 'are'} to be made on ${commit.slice(0, 12)}, which is not the commit that started this run (${facts.run.sha.slice(0, 12)}). Where the files in \`.github/workflows\` have changed in between, GitHub refuses that to the job's own token. Then give \`token:\` one that may change workflows, or push the tag yourself: a re-run recognises it.`,
  ]
}

/**
 * Where nothing says what prebuilt gems were built from, and another commit is checked out than the one that started the
 * run: a step before may have built them from it, or the checkout is what an earlier job has left on this machine.
 */
export function unclearOrigin({ commit: given, tag, attestations }: Inputs, facts: Facts): Problem[] {
  const { run, builtFrom, project } = facts
  const clear = project !== undefined || given !== undefined || builtFrom === undefined || builtFrom === run.sha
  const matters = tag.kind !== 'none' || attestations !== 'false'
  // What a tag has started is compared with it in any case.
  if (clear || !matters || run.tag !== undefined) return []
  return [
    {
      code: 'tag-commit-mismatch',
      what: `Nothing says whether the gems were built from commit ${builtFrom.slice(0, 12)}, which is checked out here, or from ${run.sha.slice(0, 12)}, which started this run.`,
      why: 'The tag names what was built. A checkout may also be what an earlier job has left on a machine of your own.',
      fix: 'Say it with `commit:`: the build action’s output `commit`, or what actions/checkout was given as its `ref:`. `commit: ${{ github.sha }}` is the commit that started the run.',
    },
  ]
}

function notOnGitHub({ commit: given }: Inputs, facts: Facts): Problem {
  const commit = releasedCommit(facts).slice(0, 12)
  const lacks = 'but GitHub does not have it, so that it cannot be tagged there.'
  if (given !== undefined) {
    return {
      code: 'commit-not-on-github',
      what: `Input \`commit\` names ${commit}, ${lacks}`,
      why: `The build job made a commit and did not push it, or the commit is one of another repository than ${facts.run.repository}.`,
      fix: 'Push the commit before it is built, and hand over the build action’s output `commit`.',
    }
  }
  return {
    code: 'commit-not-on-github',
    what: `Commit ${commit} is checked out, ${lacks}`,
    why: 'A step before this one made a commit and did not push it.',
    fix: facts.project
      ? 'Push the commit before this step, or set `strategy: rake`: Bundler’s release task pushes the branch.'
      : 'Push the commit before this step. In a job that only publishes, `commit:` says what was built.',
  }
}

function releaseWithoutTag(): Problem {
  return {
    code: 'invalid-input',
    what: 'Input `github-release` wants a GitHub Release, and input `tag` is "false": a release belongs to a tag.',
    fix: 'Remove `tag: false`, or remove `github-release:`.',
  }
}

function noToken(): Problem {
  return {
    code: 'tag-not-permitted',
    what: 'Input `token` is empty, but a tag has to be created.',
    fix: 'Leave `token:` out, so that it is the job’s own, and give the job `permissions: contents: write`; or set `tag: false`.',
  }
}
