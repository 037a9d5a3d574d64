import { expect, test } from 'vitest'
import { evaluate, interpolate, isTruthy, type Scope } from '../../sandbox/runner/expressions.ts'

const SCOPE: Scope = {
  contexts: { github: { ref_name: 'v1', run: 7, event: { inputs: { 'dry-run': true } }, none: null }, env: { A: '' } },
  functions: { always: () => true, failure: () => false },
}

test.each([
  ['github.ref_name', 'v1'],
  ['GITHUB.REF_NAME'.replace('GITHUB', 'github'), 'v1'],
  ['github.event.inputs.dry-run', true],
  ['github.missing.deeper', null],
  ["github.missing || env.A || 'default'", 'default'],
  ["github.ref_name && 'yes'", 'yes'],
  ["env.A && 'yes'", ''],
  ["'it''s'", "it's"],
  ["github.ref_name == 'V1'", true],
  ['github.run == 7', true],
  ["github.run != '7'", true],
  ['!failure() && always()', true],
  ['!(failure() || true)', false],
  ['null', null],
  ['-1.5', -1.5],
])('%s', (expression, value) => {
  expect(evaluate(expression, SCOPE)).toBe(value)
})

test.each([
  ['github.'],
  ['github.ref_name ||'],
  ['(github.run'],
  ['unknown()'],
  ['unknown.name'],
  ["'open"],
  ['github.run > 3'],
  ["github['ref_name']"],
  ['always() always()'],
  [''],
])('%s is refused', (expression) => {
  expect(() => evaluate(expression, SCOPE)).toThrow(/Unexpected symbol|Unrecognized named-value/)
})

test('a text may hold several expressions, and a literal may hold braces', () => {
  expect(interpolate("${{github.ref_name}}-${{ github.run }}${{ '}}' }}${{ github.none }}$ {{x}}", SCOPE)).toBe(
    'v1-7}}$ {{x}}',
  )
})

test('only the empty values are not true', () => {
  expect([null, '', 0, false].map((value) => isTruthy(value))).toEqual([false, false, false, false])
  expect(['false', 1, true, {}].map((value) => isTruthy(value))).toEqual([true, true, true, true])
})
