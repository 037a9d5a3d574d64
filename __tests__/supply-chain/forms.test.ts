import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { objectsAt, stringAt } from '../../src/json.ts'
import { read, trackedFiles } from './workflow-texts.ts'

/**
 * GitHub's syntax of issue forms, as far as we use it. A form with a mistake is not shown, and nobody is told.
 * docs.github.com, "Syntax for GitHub's form schema".
 */
const FIELD = {
  type: 'object',
  required: ['type', 'attributes'],
  additionalProperties: false,
  properties: {
    type: { enum: ['markdown', 'input', 'textarea', 'dropdown', 'checkboxes'] },
    id: { type: 'string', pattern: '^[a-z-]+$' },
    attributes: {
      type: 'object',
      additionalProperties: false,
      properties: {
        label: { type: 'string', minLength: 3 },
        description: { type: 'string' },
        placeholder: { type: 'string' },
        render: { enum: ['yaml', 'shell', 'text'] },
        value: { type: 'string' },
      },
    },
    validations: { type: 'object', additionalProperties: false, properties: { required: { type: 'boolean' } } },
  },
  // Everything that is filled in has a name and a label; a note has a text.
  if: { properties: { type: { const: 'markdown' } } },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { properties: { attributes: { required: ['value'] } } },
  else: { required: ['id'], properties: { attributes: { required: ['label'] } } },
}

const FORM = {
  type: 'object',
  required: ['name', 'description', 'body'],
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 4 },
    description: { type: 'string', minLength: 10, maxLength: 200 },
    title: { type: 'string' },
    labels: { type: 'array', items: { type: 'string' } },
    body: { type: 'array', minItems: 1, items: FIELD },
  },
}

const validate = new Ajv({ allErrors: true, strict: false }).compile(FORM)
const forms = trackedFiles('.github/ISSUE_TEMPLATE/*.yml').filter((name) => !name.endsWith('/config.yml'))

function problems(form: unknown): string[] {
  return validate(form) ? [] : (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message ?? ''}`)
}

describe('issue forms', () => {
  it.each(forms)('%s is one GitHub shows', (name) => {
    const form: unknown = parse(read(name))
    expect(problems(form)).toEqual([])
    const ids = objectsAt(form, 'body').flatMap((field) => stringAt(field, 'id') ?? [])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('ask for the error code and the summary, and lead vulnerabilities elsewhere', () => {
    const fields = objectsAt(parse(read('.github/ISSUE_TEMPLATE/bug.yml')), 'body')
    const required = fields.filter((field) => field['type'] !== 'markdown' && 'validations' in field)
    expect(required.map((field) => stringAt(field, 'id'))).toEqual(['code', 'summary', 'workflow', 'version'])
    const config: unknown = parse(read('.github/ISSUE_TEMPLATE/config.yml'))
    expect(config).toMatchObject({ blank_issues_enabled: false })
    expect(objectsAt(config, 'contact_links').map((link) => stringAt(link, 'url'))).toContain(
      'https://github.com/OWNER/release-gem/security/advisories/new',
    )
  })

  it.each([
    ['no body', { name: 'Form', description: 'What it is for.' }],
    [
      'a field without a label',
      { name: 'Form', description: 'What it is for.', body: [{ type: 'input', id: 'a', attributes: {} }] },
    ],
    [
      'a field of no type',
      { name: 'Form', description: 'What it is for.', body: [{ type: 'text', id: 'a', attributes: { label: 'One' } }] },
    ],
    ['an empty note', { name: 'Form', description: 'What it is for.', body: [{ type: 'markdown', attributes: {} }] }],
  ])('would be refused with %s', (_, form) => {
    expect(problems(form)).not.toEqual([])
  })
})
