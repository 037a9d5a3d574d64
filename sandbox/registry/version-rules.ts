import { canonicalNumber, isVersionNumber } from './gem-version.ts'
import { resolvePlatform } from './gem-platform.ts'
import type { GemSpec } from './gem-spec.ts'
import { MAX_FIELD_LENGTH } from './keys.ts'
import type { Store } from './store.ts'
import type { GemRow } from './world.ts'

/** The model validations of rubygems.org (app/models/rubygem.rb, app/models/version.rb, app/models/dependency.rb). */

const NAME = /^[A-Za-z0-9._-]+$/

/** lib/name_format_validator.rb */
function nameFormat(attribute: string, value: string, needsLetter: boolean): string[] {
  return [
    needsLetter && !/[a-zA-Z]/.test(value) && 'must include at least one letter',
    !NAME.test(value) && 'can only include letters, numbers, periods, dashes, and underscores',
    /^[._-]/.test(value) && 'can not begin with a period, dash, or underscore',
    /[._-]$/.test(value) && 'can not end with a period, dash, or underscore',
    /\.(?:gem|json|html|gemspec)$/i.test(value) && 'can not end with a common file extension',
  ]
    .filter((problem) => problem !== false)
    .map((problem) => `${attribute} ${problem}`)
}

function tooLong(attribute: string, value: string): string[] {
  return value.length > MAX_FIELD_LENGTH ? [`${attribute} is too long (maximum is 255 characters)`] : []
}

/** Checked only for a new gem or a new spelling of its name. */
export function gemProblems(name: string, existing: GemRow | undefined): string[] {
  if (existing?.name === name) return []
  return [...tooLong('Name', name), ...nameFormat('Name', name, true)]
}

export function fullNames(spec: GemSpec): { fullName: string; gemFullName: string } {
  const base = `${spec.name}-${spec.number}`
  return {
    fullName: spec.platform === 'ruby' ? base : `${base}-${spec.platform}`,
    gemFullName: spec.gemPlatform === 'ruby' ? base : `${base}-${spec.gemPlatform}`,
  }
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/** Names and numbers taken by rows that exist, live or not. */
function takenProblems(store: Store, gem: string, spec: GemSpec): string[] {
  const { fullName, gemFullName } = fullNames(spec)
  const { versions } = store.state
  const own = versions.filter((version) => version.gem === gem)
  const canonical = own.find(
    (version) => version.canonicalNumber === canonicalNumber(spec.number) && version.platform === spec.platform,
  )
  const numbered = own.filter(({ number }) => number === spec.number)
  const resolved = numbered.filter(({ gemPlatform }) => gemPlatform === spec.gemPlatform)
  const platforms = `[${resolved.map(({ platform }) => JSON.stringify(platform)).join(', ')}]`
  return [
    versions.some((version) => same(version.fullName, fullName)) && `Full name ${fullName} already exists`,
    versions.some((version) => same(version.gemFullName, gemFullName)) && `Gem full name ${gemFullName} already exists`,
    canonical && `Canonical number has already been taken. Existing version: ${canonical.number}`,
    numbered.some(({ platform }) => platform === spec.platform) &&
      'A version already exists with this number or platform.',
    resolved.length > 0 && `A version already exists with this number and resolved platform ${platforms}`,
  ].filter((problem) => typeof problem === 'string')
}

export function versionProblems(store: Store, gem: string, spec: GemSpec): string[] {
  const formats = [
    ...(isVersionNumber(spec.number) ? [] : ['Number is invalid']),
    ...tooLong('Number', spec.number),
    ...(NAME.test(spec.platform) ? [] : ['Platform is invalid']),
    ...(NAME.test(spec.gemPlatform) ? [] : ['Gem platform is invalid']),
    ...nameFormat('Number', spec.number, false),
    ...nameFormat('Platform', spec.platform, false),
  ]
  const resolved = resolvePlatform(spec.platform)
  const mismatch =
    resolved === spec.gemPlatform
      ? []
      : [
          `The original platform ${spec.platform} does not resolve the platform ${spec.gemPlatform} (instead it is ${resolved})`,
        ]
  const dash = spec.number.includes('-') ? ['Number cannot contain a dash (it will be uninstallable)'] : []
  return [...formats, ...takenProblems(store, gem, spec), ...mismatch, ...dash]
}

const REQUIREMENT = /^\s*(?:=|!=|>|<|>=|<=|~>)?\s*\d+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\s*$/

export function dependencyProblems(store: Store, spec: GemSpec): string[] {
  return spec.dependencies.flatMap(({ name, requirements }) => {
    if (name === '') return ['Dependency rubygem Blank is not a valid dependency name']
    const known = store.gem(name) !== undefined
    const valid = requirements.split(', ').every((requirement) => REQUIREMENT.test(requirement))
    return [
      ...(valid ? [] : ['Dependency requirements must be list of valid requirements']),
      ...(known ? [] : nameFormat('Dependency unresolved name', name, true)),
    ]
  })
}
