import type { Problem } from '../errors.ts'
import { type Facts, releasedCommit } from '../facts.ts'
import type { Inputs } from '../inputs.ts'
import { publishedVersion, title, versionTaken } from '../rubygems/versions.ts'
import type { Decision, PlannedGem } from './planned.ts'
import { checksumProblems, duplicateProblems, platformProblems } from './handover.ts'
import { acceptedTags, matchTag, type TagRules } from '../tags.ts'
import { allowsPushTo, type GemServer } from '../server.ts'

/** Which gems this run publishes, and whether they may go where they are to go. */
export function selectGems(inputs: Inputs, facts: Facts): Decision<readonly PlannedGem[]> {
  const found = facts.project ? fromGemspecs(facts) : fromFiles(facts)
  if (found.length === 0) return { choice: [], because: [], problems: [nothingToRelease(inputs)] }
  const byTag = selectByTag(found, inputs, facts)
  const gems = byTag.choice
  return {
    choice: gems,
    because: [
      ...byTag.because,
      ...gems.map((gem) => `${title(gem)} is released ${origin(gem)}.`),
      ...(facts.project ? [] : [builtFrom(inputs, facts)]),
    ],
    problems: [
      ...byTag.problems,
      ...checkoutProblems(facts),
      ...checksumProblems(inputs, facts),
      ...platformProblems(gems, inputs),
      ...duplicateProblems(gems),
      ...gems.flatMap((gem) => [
        ...versionProblem(gem, inputs),
        ...pushHostProblem(gem, inputs, facts),
        ...takenProblem(gem, inputs, facts),
      ]),
    ],
  }
}

export function tagRules(inputs: Inputs, facts: Pick<Facts, 'project'>): TagRules {
  const rake = facts.project?.rake
  const bundler = rake?.state === 'loaded' && rake.gem && rake.tag ? { gem: rake.gem, tag: rake.tag } : undefined
  return { input: inputs.tag, bundler }
}

function fromGemspecs({ project }: Facts): PlannedGem[] {
  return (project?.gemspecs ?? []).map(({ name, version, platform, file }) => ({
    name,
    version,
    platform,
    gemspec: file,
    file: undefined,
  }))
}

function fromFiles({ prebuilt }: Facts): PlannedGem[] {
  return prebuilt.map((file) => ({
    name: file.name,
    version: file.version,
    platform: file.originalPlatform,
    gemspec: undefined,
    file,
  }))
}

function origin(gem: PlannedGem): string {
  return gem.gemspec === undefined ? `as prebuilt (input \`gems\`: ${gem.file?.fileName ?? ''})` : `from ${gem.gemspec}`
}

/** What was built elsewhere does not show it. */
function builtFrom({ commit }: Inputs, facts: Facts): string {
  const because = facts.builtFrom === undefined ? 'it started this run' : 'it is checked out'
  return `Built from commit ${releasedCommit(facts).slice(0, 12)}: ${commit === undefined ? because : 'input `commit`'}.`
}

function nothingToRelease(inputs: Inputs): Problem {
  return {
    code: 'no-gemspec',
    what: `There is no gemspec in ${JSON.stringify(inputs.workingDirectory)}.`,
    fix: 'Check out the repository before this step, set `working-directory:` to the directory of the gemspec, or hand over built files with `gems:`.',
  }
}

/** A tag that started the run says what is to be released; gems it does not speak for stay out. */
function selectByTag(gems: readonly PlannedGem[], inputs: Inputs, facts: Facts): Decision<readonly PlannedGem[]> {
  const { tag } = facts.run
  if (tag === undefined) return { choice: gems, because: [], problems: [] }
  const rules = tagRules(inputs, facts)
  const matched = gems.map((gem) => ({ gem, match: matchTag(tag, gem, rules) }))
  const mine = matched.filter(({ match }) => match.scope === 'mine')
  const concerned = mine.length > 0 ? mine : matched
  const problems = concerned.filter(({ match }) => !match.fits).map(({ gem }) => tagMismatch(tag, gem, rules))
  const chosen = concerned.map(({ gem }) => gem)
  const because =
    mine.length > 0 && chosen.length < gems.length
      ? [
          `The tag ${tag} started this run and names ${chosen.map(title).join(', ')}: the other ${String(gems.length - chosen.length)} are left out.`,
        ]
      : [`The tag ${tag} started this run.`]
  return { choice: chosen, because, problems }
}

function tagMismatch(tag: string, gem: PlannedGem, rules: TagRules): Problem {
  return {
    code: 'tag-version-mismatch',
    what: `The tag ${JSON.stringify(tag)} started this run, but ${gem.gemspec ?? gem.file?.fileName ?? 'the gem'} says ${title(gem)}.`,
    why: `For this version the tag would have to be one of ${acceptedTags(gem, rules).join(', ')}.`,
    fix: 'Tag the commit that sets this version, or correct the version and make a new tag. A tag form of your own is declared with `tag:`, such as `tag: release-{version}`.',
  }
}

function checkoutProblems({ project, checkout }: Facts): Problem[] {
  if (!project) return []
  if (!checkout) {
    return [
      {
        code: 'no-checkout',
        what: 'The working directory is in no git checkout that can be read, so that the gem cannot be tied to a commit.',
        why: 'Either nothing was checked out, or git is not installed here (actions/checkout then only unpacks an archive).',
        fix: 'Add an `actions/checkout` step before this one, and install git in the container image.',
      },
    ]
  }
  if (checkout.dirty.length === 0) return []
  const shown = checkout.dirty
    .slice(0, 10)
    .map((file) => JSON.stringify(file))
    .join(', ')
  return [
    {
      code: 'dirty-checkout',
      what: `The checkout differs from the commit in ${String(checkout.dirty.length)} tracked ${checkout.dirty.length === 1 ? 'file' : 'files'}: ${shown}.`,
      why: 'A gem built from it would not be what the tag says. Often it is `Gemfile.lock`, changed by `bundle install`.',
      fix: 'Commit the change, or undo it in a step before this one (`git checkout -- FILE`).',
    },
  ]
}

function versionProblem(gem: PlannedGem, { expectedVersion }: Inputs): Problem[] {
  if (expectedVersion === undefined || expectedVersion === gem.version) return []
  return [
    {
      code: 'version-mismatch',
      what: `Input \`expected-version\` is ${JSON.stringify(expectedVersion)}, but ${gem.gemspec ?? gem.file?.fileName ?? 'the gem'} says ${title(gem)}.`,
      fix: 'Start the run again with the version in the repository, or release the commit that has the expected one.',
    },
  ]
}

function pushHostProblem(gem: PlannedGem, { server }: Inputs, { project }: Facts): Problem[] {
  const metadata = gem.file?.metadata ?? project?.gemspecs.find((spec) => spec.file === gem.gemspec)?.metadata
  return pushHostProblems(gem, metadata ?? new Map(), server)
}

/** Also asked of the built gem, whose metadata decides what the world sees. */
export function pushHostProblems(
  gem: { name: string; version: string; platform: string },
  metadata: ReadonlyMap<string, string>,
  server: GemServer,
): Problem[] {
  const allowed = metadata.get('allowed_push_host') ?? ''
  if (allowed === '' || allowsPushTo(allowed, server)) return []
  return [
    {
      code: 'push-host-mismatch',
      what: `${title(gem)} may only be pushed to ${JSON.stringify(allowed)} (gemspec metadata \`allowed_push_host\`), but \`gem-server\` is ${server.origin}.`,
      fix: `Set \`gem-server:\` to that server, or change \`allowed_push_host\` in the gemspec.`,
    },
  ]
}

/** Only a prebuilt gem's bytes are known before the build; for the others `inspect` compares. */
function takenProblem(gem: PlannedGem, { server }: Inputs, { published }: Facts): Problem[] {
  const live = publishedVersion(gem, published)
  if (!gem.file || !live || live.sha256 === gem.file.sha256) return []
  return [versionTaken(gem, gem.file.sha256, live.sha256, server.host)]
}
