import path from 'node:path'
import { allowsPushTo, gemServer } from '../../../src/server.ts'
import { LINK_NAMES, SPECIFICATION } from '../../../sandbox/registry/gem-schema.ts'
import type { Gemspec, Gemspecs } from '../gemspecs.ts'
import type { Published } from '../published.ts'
import { type Finding, some } from './finding.ts'

export interface GemFacts {
  gemspecs: Gemspecs
  /** Files a checkout of HEAD has, relative to the directory of the gemspecs. */
  committed: ReadonlySet<string>
  /** Files the project has on this machine only, with what git says about them. */
  local: ReadonlyMap<string, 'ignored' | 'untracked'>
  /** Origin of the gem server of the real release. */
  server: string
  published: Published
  /** Files the built gem holds, by name of the gem; only of those that were built and installed. */
  packed: ReadonlyMap<string, ReadonlySet<string>>
  /** SHA-256 of what the rehearsal built, by `NAME VERSION PLATFORM`; empty where it built nothing. */
  built: ReadonlyMap<string, string>
}

/** What is the matter with the gems themselves. */
export function gemFindings(facts: GemFacts): Finding[] {
  return [
    ...facts.gemspecs.failed.map(fails),
    ...facts.gemspecs.loaded.flatMap((gem) => [
      ...gemspecFindings(gem),
      ...fileFindings(gem, facts),
      ...hostFindings(gem, facts.server),
    ]),
    ...publishedFindings(facts),
  ]
}

function fails({ file, error }: { file: string; error: string }): Finding {
  return {
    code: 'gemspec-fails',
    weight: 'stops',
    what: `${file} cannot be evaluated in a fresh checkout: ${error.split('\n')[0] ?? ''}`,
    fix: 'What it requires has to be committed, or installed before.',
  }
}

/** `bundle gem` leaves such words where the author has to write something; RubyGems refuses to build with them. */
const UNFINISHED = /\b(TODO|FIXME)\b/

function gemspecFindings(gem: Gemspec): Finding[] {
  const texts = [
    ['summary', gem.summary],
    ['description', gem.description],
    ['homepage', gem.homepage],
    ['authors', gem.authors.join(' ')],
    ...[...gem.metadata].map(([key, value]) => [`metadata["${key}"]`, value] as const),
  ] as const
  const unfinished = texts.filter(([, text]) => UNFINISHED.test(text)).map(([field]) => field)
  if (unfinished.length > 0) {
    return [
      {
        code: 'gemspec-unfinished',
        weight: 'stops',
        what: `${gem.file} still has TODO in ${unfinished.join(', ')}.`,
        fix: 'Write what belongs there, or remove the line where it is not needed (`allowed_push_host` is not, for RubyGems.org).',
      },
    ]
  }
  // RubyGems names the first of its problems only.
  const rules = ruleFindings(gem)
  if (rules.length > 0 || gem.invalid === undefined) return rules
  return [
    {
      code: 'gemspec-invalid',
      weight: 'stops',
      what: `${gem.file} is refused by RubyGems: ${gem.invalid}`,
      fix: `Correct it until \`gem build ${gem.file}\` works.`,
    },
  ]
}

function fileFindings(gem: Gemspec, { committed, local, packed }: GemFacts): Finding[] {
  const held = packed.get(gem.name)
  const files = held ?? new Set(gem.files)
  if (files.size === 0) return [empty(gem)]
  // A build of the project's own may have made what the commit does not hold.
  const missing = held ? [] : gem.files.filter((file) => !committed.has(path.posix.join(file, '.')))
  const belongs = (file: string): boolean => gem.requirePaths.some((directory) => file.startsWith(`${directory}/`))
  const leftOut = [...committed].filter((file) => file.endsWith('.rb') && belongs(file) && !files.has(file))
  // What an extension leaves in lib/ when it is compiled here, the machine of whoever installs the gem makes again.
  const source = gem.extensions.length > 0 ? /\.rb$/ : /\.(rb|so|bundle|jar)$/
  const onlyHere = [...local.keys()].filter((file) => source.test(file) && belongs(file) && !files.has(file))
  return [
    ...(missing.length > 0 ? [missingFiles(gem, missing, local)] : []),
    ...(leftOut.length > 0 ? [leftOutFiles(gem, leftOut)] : []),
    ...(onlyHere.length > 0 ? [filesOnlyHere(gem, onlyHere, local)] : []),
  ]
}

function leftOutFiles(gem: Gemspec, files: readonly string[]): Finding {
  return {
    code: 'file-left-out',
    weight: 'surprise',
    what: `${gem.name} does not hold ${count(files.length, 'committed file')} below ${gem.requirePaths.join(', ')}: ${some(files)}.`,
    fix: `Add what belongs to the gem to \`files\` in ${gem.file}.`,
  }
}

function filesOnlyHere(gem: Gemspec, files: readonly string[], local: GemFacts['local']): Finding {
  const reasons = new Set(files.map((file) => local.get(file) ?? 'untracked'))
  return {
    code: 'file-only-here',
    weight: 'surprise',
    what: `${gem.name} does not hold ${some(files)}, which is on this machine, but not in the commit (${[...reasons].join(' or ')} in git).`,
    fix: 'Commit what belongs to the gem, or let the task `build` make it.',
  }
}

function empty(gem: Gemspec): Finding {
  const meta = gem.dependencies.length > 0
  return {
    code: 'gem-empty',
    weight: meta ? 'surprise' : 'stops',
    what: `${gem.name} holds no file at all: \`files\` of ${gem.file} is empty in a fresh checkout.`,
    fix: meta
      ? 'Fine for a gem that only depends on others.'
      : 'List the files from what git tracks: `spec.files = Dir.chdir(__dir__) { `git ls-files -z`.split("\\x0") }`.',
  }
}

function missingFiles(gem: Gemspec, missing: readonly string[], local: GemFacts['local']): Finding {
  const ignored = missing.filter((file) => local.get(file) === 'ignored')
  const untracked = missing.filter((file) => local.get(file) === 'untracked')
  const reasons = [
    ...(ignored.length > 0 ? [`git ignores ${some(ignored)}`] : []),
    ...(untracked.length > 0 ? [`${some(untracked)} was never added`] : []),
  ]
  return {
    code: 'file-missing',
    weight: 'stops',
    what: `${gem.file} lists ${count(missing.length, 'file')} that a fresh checkout does not have: ${some(missing)}.`,
    fix:
      reasons.length > 0
        ? `Commit them, let the task \`build\` make them, or take them off the list (${reasons.join('; ')}).`
        : 'Commit them, let the task `build` make them, or take them off the list.',
  }
}

const NAME = /^(?=.*[a-zA-Z])[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$/
const LINK = SPECIFICATION.properties?.['metadata']?.properties?.['homepage_uri']?.pattern

/** What RubyGems.org refuses, whatever `gem build` says (lib/gem_validator/schema.rb, lib/name_format_validator.rb). */
function ruleFindings(gem: Gemspec): Finding[] {
  const rules = [
    !NAME.test(gem.name) && `the name ${JSON.stringify(gem.name)} may have letters, digits, ".", "-", "_" only`,
    /\.(gem|json|html|gemspec)$/i.test(gem.name) && `the name ${gem.name} ends like a file name`,
    gem.name.length > 255 && 'the name is longer than 255 characters',
    gem.version.includes('-') && `the version ${gem.version} has a dash`,
    gem.summary.trim() === '' && 'there is no summary',
    gem.authors.length === 0 && 'there is no author',
    ...gem.licenses.map((licence) => licence.length > 64 && `the licence ${licence.slice(0, 20)}… is longer than 64`),
    ...[...gem.metadata].flatMap(([key, value]) => [
      key.length > 128 && `the metadata key ${key.slice(0, 20)}… is longer than 128 characters`,
      value.length > 1024 && `metadata["${key}"] is longer than 1024 characters`,
      LINK_NAMES.some((link) => link === key) &&
        LINK?.test(value) === false &&
        !UNFINISHED.test(value) &&
        `metadata["${key}"] is no address of the web: ${JSON.stringify(value.slice(0, 80))}`,
    ]),
  ].filter((rule) => typeof rule === 'string')
  if (rules.length === 0) return []
  return [
    {
      code: 'registry-rule',
      weight: 'stops',
      what: `RubyGems.org would refuse ${gem.name}: ${rules.join('; ')}.`,
      fix: `Correct ${gem.file}.`,
    },
  ]
}

function hostFindings(gem: Gemspec, server: string): Finding[] {
  const allowed = gem.metadata.get('allowed_push_host') ?? ''
  if (allowed === '' || UNFINISHED.test(allowed) || allowsPushTo(allowed, gemServer(new URL(server)))) return []
  return [
    {
      code: 'push-host-elsewhere',
      weight: 'stops',
      what: `${gem.name} may only be pushed to ${allowed} (\`allowed_push_host\` in ${gem.file}), and the release goes to ${server}.`,
      fix: `Set \`gem-server: ${allowed}\` in the workflow, or change \`allowed_push_host\`.`,
    },
  ]
}

function publishedFindings({ gemspecs, published, built, server }: GemFacts): Finding[] {
  const { host } = new URL(server)
  if ('unknown' in published) {
    return [
      {
        code: 'published-unknown',
        weight: 'unchecked',
        what: `Which versions ${host} has already: ${published.unknown}.`,
        fix: 'The action asks again before it releases, and a version that is there with other content stops it.',
      },
    ]
  }
  return gemspecs.loaded.flatMap((gem): Finding[] => {
    const there = published.versions
      .get(gem.name)
      ?.find(({ version, platform }) => version === gem.version && platform === gem.platform)
    if (!there) return []
    const same = built.get(`${gem.name} ${gem.version} ${gem.platform}`) === there.sha256
    return [
      {
        code: 'version-published',
        weight: same ? 'surprise' : 'stops',
        what: `${gem.name} ${gem.version} is on ${host} already${same ? ', with the very bytes that were built here: nothing would be pushed' : ', and a published version cannot be replaced'}.`,
        fix: 'Bump the version.',
      },
    ]
  })
}

function count(number: number, what: string): string {
  return `${String(number)} ${what}${number === 1 ? '' : 's'}`
}
