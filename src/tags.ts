import type { TagInput } from './inputs.ts'

/** What a tag name has to speak for. */
export interface Versioned {
  name: string
  version: string
}

export interface TagRules {
  input: TagInput
  /** The tag Bundler's own task would make, and for which gem. */
  bundler: { gem: string; tag: string } | undefined
}

/** The tag to create for a gem; `alone` when no other version is released by this run. */
export function tagFor(gem: Versioned, alone: boolean, { input, bundler }: TagRules): string | undefined {
  if (input.kind === 'none') return undefined
  if (input.kind === 'template') return fill(input.template, gem)
  if (bundler?.gem === gem.name) return bundler.tag
  return alone ? `v${gem.version}` : `${gem.name}-v${gem.version}`
}

/** Whether a gem goes with the tag that started the run. */
export type TagMatch =
  /** The tag names this version, of this gem alone (`mine`) or of every gem (`all`). */
  | { fits: true; scope: 'mine' | 'all' }
  /** The tag names another version of this very gem, or of no gem in particular. */
  | { fits: false; scope: 'mine' | 'all' | 'unknown' }

/** Compares a tag with a gem: `vX`, `X`, `name-vX`, `name/vX`, the template's form and the project's own are known. */
export function matchTag(tag: string, gem: Versioned, rules: TagRules): TagMatch {
  const forms = knownForms(gem, rules)
  const exact = forms.find((form) => fill(form.template, gem) === tag)
  if (exact) return { fits: true, scope: exact.scope }
  const similar = forms.find((form) => pattern(form.template, gem.name).test(tag))
  return { fits: false, scope: similar?.scope ?? 'unknown' }
}

/** Tag names that would have been accepted for a gem, the likeliest first; for the error message. */
export function acceptedTags(gem: Versioned, rules: TagRules): string[] {
  return [...new Set(knownForms(gem, rules).map((form) => fill(form.template, gem)))]
}

interface Form {
  template: string
  scope: 'mine' | 'all'
}

function knownForms(gem: Versioned, { input, bundler }: TagRules): Form[] {
  const forms: Form[] = [
    { template: 'v{version}', scope: 'all' },
    { template: '{version}', scope: 'all' },
    { template: '{name}-v{version}', scope: 'mine' },
    { template: '{name}/v{version}', scope: 'mine' },
  ]
  if (input.kind === 'template') {
    forms.unshift({ template: input.template, scope: input.template.includes('{name}') ? 'mine' : 'all' })
  }
  if (bundler?.gem === gem.name) forms.unshift(bundlersForm(bundler.tag, gem))
  return forms
}

/** The project's own tag: a form for other versions too where it ends in the version, just itself where it does not. */
function bundlersForm(tag: string, { version }: Versioned): Form {
  if (!tag.endsWith(version)) return { template: tag, scope: 'mine' }
  const prefix = tag.slice(0, -version.length)
  return { template: `${prefix}{version}`, scope: prefix === 'v' ? 'all' : 'mine' }
}

function fill(template: string, { name, version }: Versioned): string {
  return template.replaceAll('{name}', name).replaceAll('{version}', version)
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function pattern(template: string, name: string): RegExp {
  const source = template
    .split('{version}')
    .map((part) => literally(part.replaceAll('{name}', name)))
    .join('(?=\\d)[0-9A-Za-z.]+')
  return new RegExp(`^${source}$`)
}
