import { describe } from 'vitest'

import { dependency, gemBytes, specification } from './gem-builder.ts'
import { checkCases } from './gem-cases.ts'
import type { Case } from './gem-cases.ts'

const yaml = (text: string | Buffer) => (): Buffer => gemBytes({ yaml: text })
const fields = (changes: Record<string, string | undefined>, end = ''): (() => Buffer) =>
  yaml(specification(changes, end))
const end = (text: string): (() => Buffer) => fields({}, text)
const name = (text: string): (() => Buffer) => fields({ name: ` ${text}` })
const version = (text: string): (() => Buffer) => fields({ version: ` !ruby/object:Gem::Version\n  version: ${text}` })
const metadata = (text: string): (() => Buffer) => fields({ metadata: text })
const depends = (...given: Parameters<typeof dependency>): (() => Buffer) =>
  fields({ dependencies: dependency(...given) })
const rake = dependency('rake', [['>=', '1.0']])
const rakeWith = (from: string, to: string): (() => Buffer) => fields({ dependencies: rake.replaceAll(from, to) })
const lines = (line: (index: number) => string, count: number): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('')

const YAML: Case[] = [
  ['an alias', fields({ summary: ' &a x', description: ' *a' }), /anchors or aliases/],
  ['an anchor', fields({ summary: ' &a x' }), /anchors or aliases/],
  ['an anchor at a map', metadata(' &a\n  b: c'), /anchors or aliases/],
  ['an anchor at a key', end('&a b: c\n'), /anchors or aliases/],
  ['an alias of itself', end('x: &x\n- *x\n'), /anchors or aliases/],
  [
    'a billion laughs',
    end(lines((i) => `a${String(i)}: &a${String(i)} [*a${String(i - 1)}, *a${String(i - 1)}]\n`, 30)),
    /anchors/,
  ],
  ['a merge key', end('<<:\n  name: evil\n'), /YAML key that is no text/],
  ['a merge key in quotes', end('"<<":\n  name: evil\n'), /YAML key that is no text/],
  ['a key that is a list', end('? [a]\n: b\n'), /NON_STRING_KEY/],
  ['a key that is a number', end('1: b\n'), /YAML key that is no text/],
  ['a key that is a symbol', end(':name: evil\n'), /YAML key that is no text/],
  ['a key that is nil', end('~: b\n'), /YAML key that is no text/],
  ['a key in base64', end('!binary bmFtZQ==: evil\n'), /NON_STRING_KEY/],
  ['a key that is no attribute', end('a-b: c\n'), /attribute "a-b"/],
  ['a key twice', end('name: evil\n'), /key "name" twice/],
  ['a key twice, once quoted', end('"na\\x6de": evil\n'), /key "name" twice/],
  ['a nested key twice', version('1.0\n  version: 2.0'), /key "version" twice/],
  ['a key behind a carriage return', end('# x\rname: evil\n'), /key "name" twice/],
  ['a key behind a next-line character', end('# x\u0085name: evil\n'), /key "name" twice/],
  ['a key behind a line separator', end('# x\u2028name: evil\n'), /key "name" twice/],
  ['a key behind a paragraph separator', end('# x\u2029name: evil\n'), /key "name" twice/],
  ['two documents', end('--- !ruby/object:Gem::Specification\nname: evil\n'), /not one YAML document/],
  ['a second empty document', end('---\n'), /not one YAML document/],
  ['a directive', yaml(`%YAML 1.1\n${specification()}`), /YAML directive/],
  ['a directive that renames tags', yaml(`%TAG ! tag:ruby.yaml.org,2002:\n${specification()}`), /YAML directive/],
  ['no document', yaml(''), /not one YAML document/],
  ['only a comment', yaml('# nothing\n'), /not one YAML document/],
  ['a scalar', yaml('--- hello\n'), /metadata is not a Gem::Specification/],
  ['a list', yaml('- a\n'), /metadata is not a Gem::Specification/],
  ['no tag', yaml(specification().replace('!ruby/object:Gem::Specification', '')), /not a Gem::Specification/],
  ['another tag', yaml(specification().replace('Gem::Specification', 'Gem::Platform')), /not a Gem::Specification/],
  [
    'a gadget',
    end('x: !ruby/object:Gem::Installer\n  i: x\n'),
    /tag "!ruby\/object:Gem::Installer", which Ruby refuses/,
  ],
  ['a gadget in a list', fields({ licenses: '\n- !ruby/object:Net::WriteAdapter {}' }), /Net::WriteAdapter/],
  ['a gadget of a Hash', end('x: !ruby/hash:Gem::Requirement {}\n'), /tag "!ruby\/hash:/],
  ['a gadget of a String', end('x: !str:Kernel y\n'), /tag "!str:Kernel"/],
  ['a gadget by its long tag', end('x: !<tag:ruby.yaml.org,2002:object:Kernel> {}\n'), /tag "tag:ruby\.yaml\.org/],
  ['a symbol by its tag', end('x: !ruby/symbol y\n'), /tag "!ruby\/symbol"/],
  ['an undefined tag handle', end('x: !a!b c\n'), /not valid YAML \(TAG_RESOLVE_FAILED\)/],
  ['bad indentation', end('  x: y\n'), /not valid YAML/],
  ['an open quote', end('x: "y\n'), /not valid YAML/],
  ['a tab for indentation', end('x:\n\ty: z\n'), /not valid YAML/],
  ['bytes that are not UTF-8', yaml(Buffer.concat([Buffer.from(specification()), Buffer.of(0xff)])), /not UTF-8/],
  ['UTF-16', yaml(Buffer.from(`\ufeff${specification()}`, 'utf16le')), /not UTF-8/],
  ['a NUL byte', end('x: a\0b\n'), /control characters/],
  ['an escape character', end('x: a\u001bb\n'), /control characters/],
  ['what the parser uses as markers', end('x: \u0002\u001f\u0018\n'), /control characters/],
  ['a byte order mark inside', end('\ufeffx: y\n'), /control characters/],
  ['a byte order mark at the start', yaml(`\ufeff${specification()}`), /control characters/],
  ['deep lists', end(`x:\n  ${'- '.repeat(20_000)}\n`), /nested too deeply|RESOURCE_EXHAUSTION/],
  ['deep brackets', end(`x: ${'['.repeat(60)}${']'.repeat(60)}\n`), /nested too deeply/],
  ['very deep brackets', end(`x: ${'['.repeat(400_000)}\n`), /nested too deeply(?! or)/],
  ['many lines', end('\n'.repeat(100_001)), /more than 100000 lines/],
  ['many lines by carriage returns', end('\r'.repeat(100_001)), /more than 100000 lines/],
  ['many tokens', end(`x: [${'a,'.repeat(300_000)}]\n`), /more than 500000 YAML tokens/],
  ['many keys', end(lines((i) => `k${String(i)}: v\n`, 60_000))],
  ['many files', fields({ files: lines((i) => `\n- lib/${String(i)}.rb`, 60_000) })],
  ['carriage returns before line feeds', yaml(specification().replaceAll('\n', '\r\n'))],
  ['the end of the document', end('...\n')],
  ['an unknown tag', end('x: !foo bar\ny: !foo {a: b}\n')],
  ['a key __proto__', end('__proto__: {name: evil}\n')],
  ['text like other types', end('a: 0x1f\nb: 2024-01-01\nc: 1e3\nd: .inf\ne: ~\n')],
  ['text in base64', end('x: !binary AP8=\n')],
]

const FIELDS: Case[] = [
  ['a name with a line feed', name('"a\\nb"'), /name "a\\nb" has other characters/],
  ['a name with ANSI', name('"a\\e[31m"'), /name "a\\u001b\[31m" has other characters/],
  ['a name with a workflow command', name('"::error::x"'), /name "::error::x" has other characters/],
  ['a name with a slash', name('../evil'), /has other characters/],
  ['a name with a right-to-left override', name('"a\\u202Eb"'), /name "a\\u202eb" has other characters/],
  ['a name in another script', name('sаmple'), /name "s\\u0430mple" has other characters/],
  ['a long name', name('a'.repeat(256)), /"a{98}… is longer than 255 characters/],
  ['a name that begins with a dash', name('"-sample"'), /begins or ends/],
  ['a name that ends with a period', name('sample.'), /begins or ends/],
  ['a name without letters', name("'1-2'"), /has no letter/],
  ['a name like a file', name('sample.Gem'), /ends like a file name/],
  ['an empty name', name('""'), /has other characters/],
  ['no name', fields({ name: undefined }), /name is not text/],
  ['a nil name', name('~'), /name is not text/],
  ['a name that is true', name('yes'), /name is not text/],
  ['a name that is a number', name('0x1f'), /name is not text/],
  ['a name that is a symbol', name(':sample'), /name is not text/],
  ['a name that is a map', name('{a: b}'), /name is not text/],
  ['a name in base64', name('!binary c2FtcGxl'), /name is not text/],
  ['a name in base64 by its long tag', name('!!binary c2FtcGxl'), /name is not text/],
  ['a version with spaces', version('"1.0 beta"'), /version "1\.0 beta" has other characters/],
  ['a version with a line feed', version('"1.0\\n"'), /version "1\.0\\n" has other characters/],
  ['a version with a dash', version('1.0.0-rc1'), /version "1\.0\.0-rc1" has a dash/],
  ['a version with a letter first', version('v1.0'), /version "v1\.0" is not a version/],
  ['a version with two periods', version('1..0'), /version "1\.\.0" is not a version/],
  ['a version that reads as 1.1', version('1.10'), /version is not text/],
  ['a version that reads as 1.1 in spite of "!"', version("! '1.10'"), /version is not text/],
  ['a version that is an integer', version('2'), /version is not text/],
  ['a version that is a date', version('2024-01-01'), /version is not text/],
  ['a nil version', version('~'), /version is not text/],
  ['an empty version', version("''"), /version "" has other characters/],
  ['a version without its tag', fields({ version: '\n  version: 1.2.3' }), /version is not a Gem::Version/],
  ['a version that is text', fields({ version: ' 1.2.3' }), /version is not a Gem::Version/],
  ['no version', fields({ version: undefined }), /version is not a Gem::Version/],
  ['a long version', version(`1.${'0'.repeat(255)}.0`), /longer than 255/],
  ['a platform that begins with a dash', fields({ platform: ' "-linux"' }), /begins or ends/],
  ['a platform with a space', fields({ platform: ' x86 linux' }), /platform "x86 linux" has other characters/],
  ['a platform of each machine', fields({ platform: ' current' }), /platform is "current"/],
  ['a platform that is a number', fields({ platform: ' 386' }), /platform is not text/],
  ['a platform object', fields({ platform: ' !ruby/object:Gem::Platform\n  os: linux' }), /platform is not text/],
  ['an original platform besides ruby', fields({ original_platform: ' java' }), /"ruby" and original platform "java"/],
  ['ruby besides a platform', fields({ platform: ' java', original_platform: ' ruby' }), /disagree/],
  ['metadata that is a list', metadata('\n- a'), /metadata map is not a map/],
  ['metadata that is a Hash of another class', metadata(' !map:Evil\n  a: b'), /tag "!map:Evil"/],
  ['a metadata value that is true', metadata('\n  a: true'), /metadata "a" is not text/],
  ['a metadata value that is a number', metadata('\n  a: 1.0'), /metadata "a" is not text/],
  ['a metadata value that is a map', metadata('\n  a:\n    b: c'), /metadata "a" is not text/],
  ['a metadata value with a line separator', metadata("\n  a: 'b\u2028    c'"), /metadata "a" is not text/],
  ['an empty metadata key', metadata("\n  '': a"), /key is empty or longer/],
  ['a long metadata key', metadata(`\n  ${'k'.repeat(129)}: a`), /key is empty or longer/],
  ['a long metadata value', metadata(`\n  a: ${'v'.repeat(1025)}`), /metadata "a" is longer than 1024/],
  ['a link that is no address', metadata('\n  homepage_uri: javascript:alert(1)'), /"homepage_uri" is not an http/],
  ['a link to a host without a period', metadata('\n  wiki_uri: http://localhost/'), /"wiki_uri" is not an http/],
  ['dependencies that are a map', fields({ dependencies: ' {a: b}' }), /dependencies is not a list/],
  ['a dependency that is a map', fields({ dependencies: '\n- name: a' }), /dependency is not a Gem::Dependency/],
  ['a dependency with a bad name', depends('"ra ke"', [['>=', '1.0']]), /dependency "ra ke" has other characters/],
  ['a dependency of another type', depends('rake', [['>=', '1.0']], ':evil'), /neither runtime nor development/],
  ['a dependency of a quoted type', depends('rake', [['>=', '1.0']], '":runtime"'), /neither runtime nor development/],
  ['a requirement with an unknown sign', depends('rake', [['=>', '1.0']]), /"=> 1\.0" is not a requirement/],
  ['a requirement without a version', depends('rake', [['>=', '']]), /">= " is not a requirement/],
  ['a requirement with a bad version', depends('rake', [['>=', '1 0']]), /">= 1 0" is not a requirement/],
  ['a requirement of three parts', rakeWith("version: '1.0'", "version: '1.0'\n      - x"), /is not a requirement/],
  ['a requirement that reads as 1.1', rakeWith("'1.0'", '1.10'), /requirement on rake is not text/],
  ['an empty requirement', depends('rake', []), /requirement on rake is empty/],
  ['a requirement of another class', rakeWith('Gem::Requirement', 'Gem::Version'), /not a Gem::Requirement/],
]

const READ: Case[] = [
  ['a version in quotes', version("'1.10'")],
  ['a version with a final zero', version('1.10.0')],
  ['a version with a tag for text', version('!!str 1.10')],
  ['a prerelease', version('1.0.0.rc1')],
  ['a nil platform', fields({ platform: ' ~' })],
  ['an empty platform', fields({ platform: '' })],
  ['no platform', fields({ platform: undefined })],
  ['a name with periods, dashes and digits', name('1a.b-c_d-2')],
  ['a name of one letter', name("'y'")],
  ['the longest name', name('a'.repeat(255))],
  [
    'metadata keys of Object.prototype',
    metadata('\n  __proto__: a\n  constructor: b\n  toString: c\n  hasOwnProperty: d'),
  ],
  ['the longest metadata', metadata(`\n  ${'k'.repeat(128)}: ${'\u{1f600}'.repeat(1024)}`)],
  [
    'metadata in every style',
    metadata("\n  a: |\n    b\n    c\n  d: >-\n    e\n    f\n  g: \"h\\ti\"\n  j: 'k''l'\n  m: n\n    o"),
  ],
  ['metadata like other types, in quotes', metadata("\n  a: 'true'\n  b: '1.10'\n  c: ':d'\n  e: ''\n  f: '~'")],
  ['metadata in a flow map', metadata(' {a: b, "c": "d"}')],
  ['no metadata', metadata(' {}')],
  ['nil dependencies', fields({ dependencies: '' })],
  [
    'dependencies of both types',
    fields({
      dependencies:
        rake +
        dependency(
          'b',
          [
            ['~>', '2'],
            ['!=', '2.1.a'],
          ],
          ':development',
        ),
    }),
  ],
  ['a dependency with the old attribute only', rakeWith('  requirement:', '  requirements_of_old:')],
  ['a dependency of no type', rakeWith('  type: :runtime\n', '')],
  ['a requirement with a dash', depends('rake', [['>=', '1.0-rc.1']])],
  ['signs as old versions of Psych wrote them', rakeWith('">="', "! '>='")],
]

describe('a gem whose YAML has', () => {
  checkCases(YAML)
})
describe('a gem that is refused for', () => {
  checkCases(FIELDS)
})
describe('a gem that has', () => {
  checkCases(READ)
})
