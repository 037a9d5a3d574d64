import { execFileSync } from 'node:child_process'
import { chownSync, linkSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KEY, OLD, type Place, put, SECRET } from './credentials-home.ts'

/** States of the file that a write takes as they are, and the text after it. */
export const USABLE: [name: string, prepare: (place: Place) => void, text: string][] = [
  ['no home directory entry at all', () => undefined, `---\n${KEY}: ${SECRET}\n`],
  ['an empty ~/.gem', ({ home }) => mkdirSync(join(home, '.gem'), { mode: 0o755 }), `---\n${KEY}: ${SECRET}\n`],
  ...(
    [
      ['an empty file', '', 0o600, `---\n${KEY}: ${SECRET}\n`],
      ['mode 0600', '---\na: b\n', 0o600, `---\na: b\n${KEY}: ${SECRET}\n`],
      ['mode 0644', '---\na: b\n', 0o644, `---\na: b\n${KEY}: ${SECRET}\n`],
      ['mode 0400', '---\na: b\n', 0o400, `---\na: b\n${KEY}: ${SECRET}\n`],
      ['mode 01640', '---\na: b\n', 0o1640, `---\na: b\n${KEY}: ${SECRET}\n`],
      ['mode 0666', '', 0o666, `---\n${KEY}: ${SECRET}\n`],
      [
        'other hosts',
        '---\nhttps://a.example: x\n:github: Bearer y\n',
        0o600,
        `---\nhttps://a.example: x\n:github: Bearer y\n${KEY}: ${SECRET}\n`,
      ],
      ['CRLF', '---\r\na: b\r\n', 0o600, `---\r\na: b\r\n${KEY}: ${SECRET}\r\n`],
      ['no final newline', 'a: b', 0o600, `a: b\n${KEY}: ${SECRET}\n`],
      ['comments', '# mine: grüße\n\na: b # c\n', 0o640, `# mine: grüße\n\na: b # c\n${KEY}: ${SECRET}\n`],
      ['the key already', `---\n${KEY}: ${OLD}\na: b\n`, 0o600, `---\n${KEY}: ${SECRET}\na: b\n`],
      ['the very same key', `---\n${KEY}: ${SECRET}\n`, 0o644, `---\n${KEY}: ${SECRET}\n`],
    ] as const
  ).map(([name, before, mode, after]): [string, (place: Place) => void, string] => [
    name,
    ({ path }) => put(path, before, mode),
    after,
  ]),
]

const TARGET = `${KEY}: ${OLD}\n`

/** States that a write refuses, and what the refusal says. */
export const UNUSABLE: [name: string, prepare: (place: Place) => void, why: RegExp][] = [
  [
    'a symlink to a file',
    ({ home, path }) => {
      put(join(home, 'target'), TARGET)
      mkdirSync(dirname(path))
      symlinkSync(join(home, 'target'), path)
    },
    /symbolic link/,
  ],
  [
    'a dangling symlink',
    ({ home, path }) => {
      mkdirSync(dirname(path))
      symlinkSync(join(home, 'nothing'), path)
    },
    /symbolic link/,
  ],
  [
    'a symlink to a directory',
    ({ home, path }) => {
      mkdirSync(dirname(path))
      symlinkSync(home, path)
    },
    /symbolic link/,
  ],
  [
    'a symlink as ~/.gem',
    ({ home, path }) => {
      put(join(home, 'elsewhere', 'credentials'), TARGET)
      symlinkSync(join(home, 'elsewhere'), dirname(path))
    },
    /\.gem is a symbolic link/,
  ],
  ['a dangling symlink as ~/.gem', ({ path }) => symlinkSync('nothing', dirname(path)), /\.gem is a symbolic link/],
  ['a file as ~/.gem', ({ path }) => put(dirname(path), 'x'), /\.gem is not a directory/],
  ['a directory', ({ path }) => mkdirSync(path, { recursive: true }), /not a regular file/],
  [
    'a FIFO',
    ({ path }) => {
      mkdirSync(dirname(path))
      execFileSync('mkfifo', ['-m', '600', path])
    },
    /not a regular file/,
  ],
  [
    'a socket',
    ({ path }) => {
      mkdirSync(dirname(path))
      execFileSync('ruby', ['-rsocket', '-e', 'UNIXServer.new(ARGV[0])', path])
    },
    /not a regular file/,
  ],
  [
    'a hard link',
    ({ home, path }) => {
      put(join(home, 'second'), TARGET)
      mkdirSync(dirname(path))
      linkSync(join(home, 'second'), path)
    },
    /second name/,
  ],
  ['flow style', ({ path }) => put(path, `{a: ${OLD}}\n`), /Line 1 /],
  ['malformed YAML', ({ path }) => put(path, `---\na: "${OLD}\n`), /Line 2 /],
  ['nested YAML', ({ path }) => put(path, `---\na:\n  b: ${OLD}\n`), /Line 3 /],
  ['a byte order mark', ({ path }) => put(path, `\ufeff---\na: ${OLD}\n`), /control characters/],
  ['bytes that are not UTF-8', ({ path }) => put(path, Buffer.from([0x61, 0x3a, 0x20, 0xff, 0x0a])), /UTF-8/],
  ['more than a file of keys can be', ({ path }) => put(path, '#'.repeat(1024 * 1024 + 1)), /larger/],
]

/** States that only the superuser can make. */
export const FOREIGN: [name: string, prepare: (place: Place) => void, why: RegExp][] = [
  [
    "another user's file",
    ({ path }) => {
      put(path, TARGET)
      chownSync(path, 65534, 65534)
    },
    /belongs to user 65534/,
  ],
  [
    "another user's ~/.gem",
    ({ path }) => {
      mkdirSync(dirname(path))
      chownSync(dirname(path), 65534, 65534)
    },
    /\.gem belongs to user 65534/,
  ],
]
