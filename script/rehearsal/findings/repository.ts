import type { Gemspec } from '../gemspecs.ts'
import type { BundleTrouble } from '../release.ts'
import { type Finding, some } from './finding.ts'
import { lockfileFindings } from './lockfile.ts'

export interface RepositoryFacts {
  commit: string
  /** Files that are not as HEAD has them. */
  uncommitted: readonly string[]
  /** `none`: there is no remote; otherwise whether one of its branches, as last fetched, has the commit. */
  remote: 'none' | 'has-commit' | 'lacks-commit'
  /** Tags of the project with the commits they name. */
  tags: ReadonlyMap<string, string>
  /** The tag that the release has or makes. */
  tag: string | undefined
  gemspecs: readonly Gemspec[]
  /** Text of the committed Gemfile.lock. */
  lockfile: string | undefined
  /** How the action said it would go about it: the sentences of its plan. */
  decisions: readonly string[]
  /** What Bundler said where the bundle could not be had on this machine, other than about the gemspec itself. */
  bundleTrouble: BundleTrouble | undefined
}

/** What is the matter with the repository and how it releases. */
export function repositoryFindings(facts: RepositoryFacts): Finding[] {
  return [
    ...uncommittedFindings(facts),
    ...remoteFindings(facts),
    ...tagFindings(facts),
    ...tagFormFindings(facts),
    ...strategyFindings(facts),
    ...bundleFindings(facts),
    ...lockfileFindings(facts),
  ]
}

function uncommittedFindings({ uncommitted }: RepositoryFacts): Finding[] {
  if (uncommitted.length === 0) return []
  return [
    {
      code: 'uncommitted-changes',
      weight: 'surprise',
      what: `A release is made of the commit, without the uncommitted changes here: ${some(uncommitted)}.`,
      fix: 'Commit what is to be released.',
    },
  ]
}

function remoteFindings({ remote, commit }: RepositoryFacts): Finding[] {
  if (remote === 'has-commit') return []
  return [
    {
      code: 'commit-not-pushed',
      weight: 'todo',
      what:
        remote === 'none'
          ? 'The repository has no remote: the release runs on GitHub.'
          : `Commit ${commit.slice(0, 12)} is on no branch of the remote, as this clone knows it.`,
      fix: remote === 'none' ? 'Push it to a repository on GitHub.' : 'Push it before you start the release.',
    },
  ]
}

function tagFindings({ tag, tags, commit }: RepositoryFacts): Finding[] {
  const there = tag === undefined ? undefined : tags.get(tag)
  if (tag === undefined || there === undefined || there === commit) return []
  return [
    {
      code: 'tag-elsewhere',
      weight: 'stops',
      what: `The tag ${tag} is on commit ${there.slice(0, 12)} already, and a tag is never moved.`,
      fix: 'Bump the version.',
    },
  ]
}

/** A tag is a form and a version; many gems in one repository have a form each. */
const TAG = /^(.*?)(\d+(?:\.[0-9A-Za-z]+)+)$/

function tagFormFindings({ tag, tags, gemspecs }: RepositoryFacts): Finding[] {
  const [, made] = TAG.exec(tag ?? '') ?? []
  if (tag === undefined || made === undefined) return []
  const before = [...tags.keys()].flatMap((name) => {
    const prefix = TAG.exec(name)?.[1]
    return prefix === undefined ? [] : [{ name, prefix }]
  })
  if (before.length === 0 || before.some(({ prefix }) => prefix === made)) return []
  const named = before.filter(({ prefix }) => gemspecs.some(({ name }) => prefix.startsWith(name)))
  const last = (named.length > 0 ? named : before).at(-1)
  if (!last) return []
  const name = gemspecs.find((gem) => last.prefix.startsWith(gem.name))?.name
  const form = `${name === undefined ? last.prefix : last.prefix.replace(name, '{name}')}{version}`
  return [
    {
      code: 'tag-form',
      weight: 'surprise',
      what: `The release makes the tag ${tag}, but the tags before it look like ${last.name}.`,
      fix: `Set \`tag: '${form}'\` to go on with that form.`,
    },
  ]
}

function strategyFindings({ decisions }: RepositoryFacts): Finding[] {
  const chosen = decisions.find((sentence) => sentence.startsWith('Strategy rake'))
  if (chosen === undefined || chosen.includes('input `strategy`')) return []
  return [
    {
      code: 'custom-release',
      weight: 'surprise',
      what: `The project’s own release task runs, not the action’s: ${chosen}`,
      fix: 'Fine where the task is meant to run. `strategy: direct` builds, pushes and tags without it.',
    },
  ]
}

function bundleFindings({ bundleTrouble }: RepositoryFacts): Finding[] {
  if (bundleTrouble === undefined) return []
  return [
    {
      code: 'bundle-not-installed',
      weight: 'unchecked',
      what: bundleTrouble.rakeAlone
        ? `A build with the project’s own bundle, which cannot be had on this machine (${bundleTrouble.says}); Rake alone did for the Rakefile.`
        : `The Rake tasks of the project: its bundle cannot be had on this machine (${bundleTrouble.says}), so that the rehearsal built with \`gem build\`.`,
      fix: 'Run `bundle install` here and rehearse again.',
    },
  ]
}
