import { LINK_NAMES, SPECIFICATION } from '../../../sandbox/registry/gem-schema.ts'
import type { Gemspec } from '../gemspecs.ts'
import type { Finding } from './finding.ts'

/** `bundle gem` leaves such words where the author has to write something; RubyGems refuses to build with them. */
export const UNFINISHED = /\b(TODO|FIXME)\b/

/** What keeps a gemspec from becoming a gem, or the gem from being taken. */
export function gemspecFindings(gem: Gemspec): Finding[] {
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
