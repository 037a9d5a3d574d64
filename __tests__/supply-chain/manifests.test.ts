import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { MANIFESTS } from '../../script/release-contents.ts'
import { objectAt, objectsAt, stringAt } from '../../src/json.ts'
import { read, trackedFiles } from './workflow-texts.ts'

const NAME = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'
// A sentence or a phrase that ends: it becomes a row of the README.
const DESCRIPTION = { type: 'string', minLength: 10, maxLength: 400, pattern: '[.)]\\s*$' }
const closed = (properties: object, required: readonly string[] = Object.keys(properties)): object => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
})
const named = (value: object): object => ({
  type: 'object',
  propertyNames: { pattern: NAME },
  additionalProperties: value,
})

/**
 * An action's manifest as we write it: stricter than GitHub, which ignores keys it does not know. Lengths and branding are
 * the Marketplace's; there is neither `pre`, which would run before a job's own checks, nor a shell step.
 */
const SCHEMA = closed(
  {
    name: { type: 'string', minLength: 3, maxLength: 40 },
    description: { type: 'string', minLength: 20, maxLength: 125, pattern: '\\.$' },
    author: { type: 'string', minLength: 3 },
    branding: closed({
      // Feather icons; of many, those that we use.
      icon: { enum: ['package', 'key', 'upload-cloud', 'box'] },
      color: { enum: ['white', 'black', 'yellow', 'blue', 'green', 'orange', 'red', 'purple', 'gray-dark'] },
    }),
    inputs: named(
      closed(
        {
          description: DESCRIPTION,
          // GitHub takes defaults that are no texts, and hands every action a text.
          default: { type: 'string' },
          required: { const: true },
          deprecationMessage: { type: 'string', minLength: 20 },
        },
        ['description'],
      ),
    ),
    outputs: named(closed({ description: DESCRIPTION })),
    runs: closed({
      using: { const: 'node24' },
      main: { type: 'string', pattern: '^(\\.\\./)?dist/[a-z-]+/index\\.js$' },
      post: { type: 'string', pattern: '^(\\.\\./)?dist/post/index\\.js$' },
      'post-if': { const: 'always()' },
    }),
  },
  ['name', 'description', 'author', 'branding', 'inputs', 'runs'],
)

const validate = new Ajv({ allErrors: true }).compile(SCHEMA)

function problems(manifest: unknown): string[] {
  return validate(manifest) ? [] : (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message ?? ''}`)
}

describe('manifests of our actions', () => {
  it('are all known', () => {
    expect(trackedFiles('action.yml', '**/action.yml', '**/action.yaml')).toEqual([...MANIFESTS].toSorted())
  })

  it.each(MANIFESTS)('%s is one GitHub and its Marketplace take', (name) => {
    expect(problems(parse(read(name)))).toEqual([])
  })

  it('have names that nobody confuses', () => {
    const names = MANIFESTS.map((name) => String(objectAt(parse(read(name)))['name']))
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length)
  })

  it.each<[string, (manifest: Record<string, unknown>) => void]>([
    ['a key that does not exist', (one) => (one['input'] = {})],
    ['no description', (one) => delete one['description']],
    ['a description that is cut', (one) => (one['description'] = `${'x'.repeat(125)}.`)],
    ['another runtime', (one) => (one['runs'] = { ...objectAt(one, 'runs'), using: 'node20' })],
    ['shell steps', (one) => (one['runs'] = { using: 'composite', steps: [] })],
    ['code before the job', (one) => (one['runs'] = { ...objectAt(one, 'runs'), pre: 'dist/pre/index.js' })],
    ['a default that is no text', (one) => (one['inputs'] = { a: { description: 'Some words.', default: true } })],
    ['an input without a description', (one) => (one['inputs'] = { a: { default: '' } })],
    ['a name GitHub would change', (one) => (one['inputs'] = { aB: { description: 'Some words.' } })],
    ['a colour that does not exist', (one) => (one['branding'] = { icon: 'package', color: 'pink' })],
  ])('are refused with %s', (_, change) => {
    const manifest: unknown = parse(read('action.yml'))
    expect(problems(manifest)).toEqual([])
    const changed = { ...objectAt(manifest) }
    change(changed)
    expect(problems(changed)).not.toEqual([])
  })
})

describe('updates of dependencies', () => {
  const updates = objectsAt(parse(read('.github/dependabot.yml')), 'updates')

  it('are looked for in all that we use', () => {
    expect(updates.map((one) => stringAt(one, 'package-ecosystem') ?? '').toSorted()).toEqual(['github-actions', 'npm'])
  })

  it.each(updates.map((one) => [stringAt(one, 'package-ecosystem'), one]))(
    'wait a week, and come together: %s',
    (_, one) => {
      expect(objectAt(one, 'cooldown')['default-days']).toBeGreaterThanOrEqual(7)
      expect(Object.keys(objectAt(one, 'groups')).length).toBeGreaterThan(0)
    },
  )
})
