import type { Schema } from './yaml-schema.ts'

/** rubygems.org lib/gem_validator/schema.rb: what a gemspec may hold. */

const STRING: Schema = { type: 'string' }
const STRINGS: Schema = { type: ['array', 'null'], items: STRING }
const LOOSE_STRINGS: Schema = { type: ['array', 'null'], items: { type: ['string', 'array'], items: STRING } }
const TEXT: Schema = { type: ['string', 'null'] }

const LINK: Schema = {
  type: 'string',
  pattern: /^https?:\/\/([^\s:@]+:[^\s:@]*@)?[A-Za-z\d-]+(\.[A-Za-z\d-]+)+\.?(:\d{1,5})?([/?]\S*)?$/,
  maxLength: 1024,
}

export const LINK_NAMES = [
  'homepage_uri',
  'changelog_uri',
  'source_code_uri',
  'documentation_uri',
  'wiki_uri',
  'mailing_list_uri',
  'bug_tracker_uri',
  'download_uri',
  'funding_uri',
] as const

const VERSION: Schema = {
  type: 'object',
  tag: '!ruby/object:Gem::Version',
  properties: {
    version: {
      type: 'string',
      pattern: /^(\d+(?:\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?)?$/,
    },
  },
  required: ['version'],
}

const REQUIREMENT: Schema = {
  type: ['null', 'object'],
  tag: '!ruby/object:Gem::Requirement',
  properties: {
    requirements: { type: 'array', items: { type: 'array', prefixItems: [STRING, VERSION] } },
    version: { type: 'null' },
    none: { type: 'boolean' },
  },
}

const DEPENDENCY: Schema = {
  type: 'object',
  tag: '!ruby/object:Gem::Dependency',
  properties: {
    name: { type: ['string', 'array'], items: STRING },
    type: { type: 'symbol', pattern: /^:(?:development|runtime)$/ },
    prerelease: { type: 'boolean' },
    requirement: REQUIREMENT,
    version_requirements: REQUIREMENT,
    version_requirement: { type: 'null' },
    force_ruby_platform: { type: 'boolean' },
  },
}

export const SPECIFICATION: Schema = {
  type: 'object',
  tag: '!ruby/object:Gem::Specification',
  properties: {
    name: { type: 'string', pattern: /^(?=.*[a-zA-Z])[a-zA-Z0-9][a-zA-Z0-9._-]*$/ },
    version: VERSION,
    platform: TEXT,
    authors: { type: 'array', items: STRING, minItems: 1 },
    autorequire: { type: ['null', 'string', 'array', 'boolean'], items: STRING },
    bindir: { type: ['string', 'array', 'boolean', 'null'], items: STRING },
    cert_chain: { type: ['null', 'array'], items: STRING },
    date: { type: ['date', 'time'], pattern: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/ },
    dependencies: { type: ['array', 'null'], items: DEPENDENCY },
    description: TEXT,
    email: { type: ['array', 'string', 'null'], items: { type: ['string', 'null', 'array'], items: STRING } },
    executables: LOOSE_STRINGS,
    extensions: STRINGS,
    extra_rdoc_files: STRINGS,
    files: { type: 'array', items: STRING },
    homepage: TEXT,
    licenses: { type: 'array', items: { type: ['null', 'string'], maxLength: 64 } },
    metadata: {
      type: 'object',
      properties: Object.fromEntries(LINK_NAMES.map((name) => [name, LINK])),
      propertyNames: { maxLength: 128 },
      additionalProperties: { type: 'string', maxLength: 1024 },
    },
    post_install_message: { type: ['null', 'boolean', 'string', 'array'], items: STRING },
    rdoc_options: LOOSE_STRINGS,
    require_paths: { type: ['array', 'string', 'null'], items: { type: ['string', 'array'], items: STRING } },
    required_ruby_version: REQUIREMENT,
    required_rubygems_version: REQUIREMENT,
    requirements: LOOSE_STRINGS,
    rubygems_version: STRING,
    signing_key: { type: 'null' },
    specification_version: { type: 'integer' },
    summary: TEXT,
    test_files: STRINGS,
    original_platform: STRING,
    rubyforge_project: { type: ['string', 'null', 'array'], items: STRING },
    default_executable: { type: ['null', 'string', 'array'], items: STRING },
    has_rdoc: { type: ['boolean', 'null', 'string'] },
    author: TEXT,
    engine_dependencies: { type: 'object', items: STRING },
    extensions_fallback: { type: 'null' },
    source: { type: 'null' },
  },
  required: ['name', 'version', 'summary', 'authors'],
}

const CHECKSUM: Schema = {
  type: 'object',
  properties: { 'metadata.gz': STRING, metadata: STRING, 'data.tar.gz': STRING },
}

export const CHECKSUMS: Schema = {
  type: 'object',
  properties: { SHA256: CHECKSUM, SHA512: CHECKSUM },
  required: ['SHA256'],
  additionalProperties: CHECKSUM,
}
