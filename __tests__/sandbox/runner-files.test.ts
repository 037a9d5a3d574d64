import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseKeyValues } from '../../sandbox/runner/file-commands.ts'

function parse(text: string): unknown {
  return [...parseKeyValues(text)]
}

function write(delimiter: string, value: string): string {
  return `version<<${delimiter}\n${value}\n${delimiter}\n`
}

describe('file commands', () => {
  test.each([
    ['', []],
    ['a=b', [['a', 'b']]],
    [
      'a=b\n\nc=\n',
      [
        ['a', 'b'],
        ['c', ''],
      ],
    ],
    ['a=b=c<<d\n', [['a', 'b=c<<d']]],
    ['=nameless\n', [['', 'nameless']]],
    ['a=b\r\n', [['a', 'b\r']]],
    ['a<<END\nEND\n', [['a', '']]],
    ['a<<END\none\n\ntwo\nEND', [['a', 'one\n\ntwo']]],
    ['a<<END\nEND \n END\nEND\n', [['a', 'END \n END']]],
    ['a<<x=y\nv\nx=y\n', [['a', 'v']]],
    ['a<<END\nb=c\nd<<END\nEND\n', [['a', 'b=c\nd<<END']]],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  test.each([
    ['plain text', "Invalid format 'plain text'"],
    ['<<END\nx\nEND\n', 'Name must not be empty'],
    ['a<<\nx\n\n', 'delimiter must not be empty'],
    ['a<<END\nx\n', "Matching delimiter not found 'END'"],
    ['a<<END\nx', 'EOF marker missing new line'],
    ['a<<END\n', "Matching delimiter not found 'END'"],
  ])('%j is refused', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })

  test('a value that guesses the delimiter adds keys of its own; one that cannot, does not', () => {
    const attack = 'x\nEOF\ninjected=yes\nrest<<EOF\ny'
    expect(parse(write('EOF', attack))).toEqual([
      ['version', 'x'],
      ['injected', 'yes'],
      ['rest', 'y'],
    ])
    expect(parse(write('ghadelimiter_8c1f', attack))).toEqual([['version', attack]])
  })

  test('any value without its delimiter survives the round trip', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(parse(`key<<ghadelimiter_5b\n${value}\nghadelimiter_5b\n`)).toEqual([['key', value]])
      }),
    )
  })
})
