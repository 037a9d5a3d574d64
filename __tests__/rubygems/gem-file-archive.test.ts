import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

import { describe } from 'vitest'

import { checksumsOf, EMPTY_DATA, gemBytes, gemMembers, specification } from './gem-builder.ts'
import { TAR_END, tarMember } from './gem-builder.ts'
import type { Header } from './gem-builder.ts'
import { checkCases } from './gem-cases.ts'
import type { Case } from './gem-cases.ts'

const members = gemMembers()
const packed = members.map(([name, content]) => tarMember(name, content))
const metadataGz = members[0]?.[1] ?? Buffer.alloc(0)
const whole = gemBytes()

/** The gem's members with others before or behind them. */
const withMembers = (before: Buffer[], behind: Buffer[] = []): Buffer =>
  Buffer.concat([...before, ...packed, ...behind, TAR_END])
const extra = (header: Header, content = Buffer.from('x')): Buffer =>
  withMembers([tarMember(header.name, content, header)])
/** A gem whose metadata member has another header. */
const header = (change: Partial<Header>): Buffer =>
  Buffer.concat([tarMember('metadata.gz', metadataGz, change), ...packed.slice(1), TAR_END])
const pax = (type: string, text: string): Buffer => withMembers([tarMember('pax', Buffer.from(text), { type })])
const sized = (size: string): Buffer => header({ size })
const metadata = (bytes: Buffer): Buffer => gemBytes({ metadataGz: bytes })
const changed = (bytes: Buffer, at: number, value: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at < 0 ? copy.length + at : at] = value
  return copy
}
const checksums = (text: string): Buffer => gemBytes({ checksums: text })
const right = checksumsOf(members.slice(0, 2))

const TAR: Case[] = [
  ['two metadata.gz', () => withMembers([], packed.slice(0, 1)), /metadata\.gz twice/],
  ['metadata.gz and metadata', () => extra({ name: 'metadata' }), /both metadata and metadata\.gz/],
  ['two data.tar.gz', () => withMembers([], packed.slice(1, 2)), /data\.tar\.gz twice/],
  ['two checksums.yaml.gz', () => withMembers([], packed.slice(2)), /checksums\.yaml\.gz twice/],
  [
    'one signature twice',
    () =>
      withMembers(
        [],
        [1, 2].map(() => tarMember('metadata.gz.sig', Buffer.from('x'))),
      ),
    /metadata\.gz\.sig twice/,
  ],
  ['a signature of nothing', () => extra({ name: 'metadata.sig' }), /metadata\.sig signs nothing/],
  ['no data.tar.gz', () => Buffer.concat([...packed.slice(0, 1), TAR_END]), /data\.tar\.gz is missing/],
  ['no metadata.gz', () => Buffer.concat([...packed.slice(1, 2), TAR_END]), /metadata\.gz is missing/],
  ['an unknown member', () => extra({ name: 'lib/evil.rb' }), /tar member "lib\/evil\.rb", which is not part/],
  ['another way to write a name', () => extra({ name: './metadata.gz' }), /"\.\/metadata\.gz", which is not part/],
  ['a name in capitals', () => extra({ name: 'METADATA.GZ' }), /"METADATA\.GZ", which is not part/],
  ['a name with ANSI and a command', () => extra({ name: '\u001b[2J\n::error::x' }), /"\\u001b\[2J\\n::error::x"/],
  ['a name that Ruby strips', () => extra({ name: 'metadata.gz ' }), /"metadata\.gz ", which is not part/],
  ['a name that goes on behind NUL', () => header({ name: 'metadata.gz\0evil' }), /"", which is not part/],
  ['a name with a prefix', () => header({ prefix: 'evil' }), /name prefix/],
  ['bytes behind the header fields', () => header({ prefix: `${'\0'.repeat(160)}1` }), /name prefix/],
  ['a directory', () => extra({ name: 'metadata.gz.sig', type: '5', size: 0 }, Buffer.alloc(0)), /no regular file/],
  ['a symbolic link', () => header({ type: '2', linkname: '/etc/passwd' }), /"metadata\.gz" is no regular file/],
  ['a hard link', () => header({ type: '1', linkname: 'data.tar.gz' }), /no regular file/],
  ['a device', () => header({ type: '3' }), /no regular file/],
  ['a contiguous file', () => header({ type: '7' }), /no regular file/],
  ['an unknown type', () => header({ type: 'Z' }), /no regular file/],
  ['a pax header that renames', () => pax('x', '20 path=metadata.gz\n'), /"pax" is no regular file/],
  ['a pax header that resizes', () => pax('x', '11 size=999\n'), /"pax" is no regular file/],
  ['a global pax header', () => pax('g', '20 path=metadata.gz\n'), /"pax" is no regular file/],
  ['a GNU long name', () => pax('L', 'metadata.gz\0'), /"pax" is no regular file/],
  ['a GNU long link', () => pax('K', '/etc/passwd\0'), /"pax" is no regular file/],
  ['a GNU sparse file', () => header({ type: 'S' }), /no regular file/],
  ['a V7 header', () => header({ magic: '' }), /not a tar archive/],
  ['a header with another version', () => header({ magic: 'ustar\u000001' }), /not a tar archive/],
  ['a negative size in base 256', () => sized(`\u00ff${'\u00ff'.repeat(11)}`), /not an octal number/],
  ['a size in base 256', () => sized(`\u0080${'\0'.repeat(10)}\u0001`), /not an octal number/],
  ['a negative size', () => sized('-0000000001\0'), /not an octal number/],
  ['a size with a digit behind a space', () => sized('0000000001 1'), /not an octal number/],
  ['a size that is not octal', () => sized('00000000089\0'), /not an octal number/],
  ['no size', () => sized('\0'.repeat(12)), /not an octal number/],
  ['a huge size', () => sized('77777777777\0'), /metadata\.gz is larger than 10 MiB/],
  [
    'a huge size of the data',
    () =>
      Buffer.concat([...packed.slice(0, 1), tarMember('data.tar.gz', EMPTY_DATA, { size: '77777777777\0' }), TAR_END]),
    /cut off: the file ends inside/,
  ],
  ['a header checksum that is wrong', () => header({ checksum: '000001\0 ' }), /tar header is damaged/],
  ['a header checksum that is no number', () => header({ checksum: 'zzzzzz\0 ' }), /tar header is damaged/],
  ['a header that has only a checksum', () => withMembers([changed(Buffer.alloc(512), 150, 48)]), /not a tar archive/],
  ['the end inside a header', () => whole.subarray(0, 300), /cut off: the file ends inside/],
  ['the end inside a content', () => whole.subarray(0, 600), /cut off: the file ends inside/],
  [
    'the end inside the padding',
    () => whole.subarray(0, (packed[0]?.length ?? 0) - 1),
    /cut off: the file ends inside/,
  ],
  ['the end before the end of the archive', () => Buffer.concat(packed), /cut off: the end of the tar archive/],
  ['the end after one empty block', () => whole.subarray(0, -512), /cut off: the end of the tar archive/],
  ['the end inside an empty block', () => whole.subarray(0, -1), /cut off: the file ends inside/],
  ['text behind the end', () => Buffer.concat([whole, Buffer.alloc(512, 'x')]), /data after the end of the tar/],
  ['less than a block behind the end', () => Buffer.concat([whole, Buffer.from('x')]), /the file ends inside/],
  ['a second gem behind the end', () => Buffer.concat([whole, whole]), /data after the end of the tar/],
  [
    'an empty block between members',
    () => withMembers(packed.slice(0, 1).concat(Buffer.alloc(512))),
    /data after the end/,
  ],
  ['an empty block at the start', () => withMembers([Buffer.alloc(512)]), /data after the end of the tar/],
  ['more empty blocks at the end', () => Buffer.concat([whole, Buffer.alloc(8192)])],
  ['members in another order', () => Buffer.concat([...packed.toReversed(), TAR_END])],
  ['GNU tar headers', () => header({ magic: 'ustar  \0' })],
  ['an empty file', () => Buffer.alloc(0), /cut off: the end of the tar archive/],
  ['only zeros', () => Buffer.alloc(4096), /data\.tar\.gz is missing/],
  ['text', () => Buffer.from('#!/bin/sh\n'.repeat(100)), /not a tar archive/],
  ['a gem of RubyGems 0.8', () => Buffer.from(`MD5SUM = "${'0'.repeat(600)}"`), /not a tar archive/],
  ['a gem in gzip', () => gzipSync(whole), /cut off|not a tar archive/],
]

const GZIP: Case[] = [
  ['two gzip members', () => metadata(Buffer.concat([metadataGz, metadataGz])), /goes on after the end of the gzip/],
  ['an empty first gzip member', () => metadata(Buffer.concat([gzipSync(''), metadataGz])), /goes on after the end/],
  ['garbage behind gzip', () => metadata(Buffer.concat([metadataGz, Buffer.from('garbage')])), /goes on after the end/],
  ['one byte behind gzip', () => metadata(Buffer.concat([metadataGz, Buffer.alloc(1)])), /goes on after the end/],
  ['gzip that is cut off', () => metadata(metadataGz.subarray(0, -20)), /cannot be decompressed/],
  ['gzip without its trailer', () => metadata(metadataGz.subarray(0, -4)), /metadata\.gz is cut off/],
  ['a wrong CRC', () => metadata(changed(metadataGz, -8, (metadataGz.at(-8) ?? 0) ^ 1)), /gzip checksum differs/],
  ['a wrong length', () => metadata(changed(metadataGz, -1, 1)), /gzip checksum differs/],
  ['no gzip', () => metadata(Buffer.from(specification())), /metadata\.gz is not gzip data/],
  ['another method', () => metadata(changed(metadataGz, 2, 9)), /metadata\.gz is not gzip data/],
  ['an extra field', () => metadata(changed(metadataGz, 3, 4)), /unusual gzip fields/],
  ['a header checksum', () => metadata(changed(metadataGz, 3, 2)), /unusual gzip fields/],
  [
    'a file name without end',
    () => metadata(changed(Buffer.alloc(20, 0xff).fill('1f8b0808', 0, 4, 'hex'), 3, 8)),
    /decompressed/,
  ],
  ['no bytes', () => metadata(Buffer.alloc(0)), /metadata\.gz is not gzip data/],
  ['gzip of nothing', () => metadata(gzipSync('')), /metadata is not one YAML document/],
  ['200 MB of zeros', () => metadata(gzipSync(Buffer.alloc(200_000_000))), /metadata\.gz is larger than 10 MiB/],
  ['11 MiB that do not compress', () => metadata(Buffer.alloc(11 * 1024 * 1024)), /metadata\.gz is larger than 10 MiB/],
  [
    'one byte more than 10 MiB',
    () => metadata(gzipSync(Buffer.alloc(10 * 1024 * 1024 + 1, ' '))),
    /larger than 10 MiB/,
  ],
  ['just 10 MiB', () => metadata(gzipSync(Buffer.alloc(10 * 1024 * 1024, ' '))), /not one YAML document/],
  ['large old metadata', () => oldGem(Buffer.alloc(10 * 1024 * 1024 + 1, ' ')), /its metadata is larger than 10 MiB/],
  ['old metadata without gzip', () => oldGem(Buffer.from(specification()))],
  ['a file name in the gzip header', () => metadata(named(metadataGz))],
  ['data that is no gzip', () => gemBytes({ data: Buffer.from('PK\u0003\u0004') }), /data\.tar\.gz is not gzip data/],
  ['empty data', () => gemBytes({ data: Buffer.alloc(0) }), /data\.tar\.gz is not gzip data/],
]

/** A gem as RubyGems before 1.0 wrote it: the metadata as it is, no checksums. */
function oldGem(text: Buffer): Buffer {
  return Buffer.concat([tarMember('metadata', text), tarMember('data.tar.gz', EMPTY_DATA), TAR_END])
}

/** The gzip data with the name of the file in its header, as the gzip program writes it. */
function named(bytes: Buffer): Buffer {
  return Buffer.concat([changed(bytes, 3, 8).subarray(0, 10), Buffer.from('metadata\0'), bytes.subarray(10)])
}

const CHECKSUMS: Case[] = [
  [
    'a wrong SHA256 of the metadata',
    () => checksums(right.replace(/(metadata\.gz: )./, '$1x')),
    /SHA256 checksum of metadata\.gz/,
  ],
  [
    'a wrong SHA256 of the data',
    () => checksums(right.replace(/(data\.tar\.gz: )./, '$1x')),
    /SHA256 checksum of data\.tar\.gz/,
  ],
  [
    'a wrong SHA512',
    () => checksums(right.replace(/(SHA512:\n {2}metadata\.gz: )./, '$1x')),
    /SHA512 checksum of metadata/,
  ],
  ['no checksum of the data', () => checksums(right.replace(/ {2}data.*\n/, '')), /SHA256 checksum of data\.tar\.gz/],
  [
    'a checksum of something else',
    () => checksums(right.replace('SHA512', '  evil: x\nSHA512')),
    /unknown member "evil"/,
  ],
  ['no SHA256', () => checksums(right.replace('SHA256', 'MD5')), /checksums name no SHA256/],
  ['a list', () => checksums('- a\n'), /checksums\.yaml is not a map/],
  ['a list of checksums', () => checksums('SHA256:\n- a\n'), /checksums SHA256 is not a map/],
  ['a number', () => checksums('SHA256:\n  data.tar.gz: 12\n'), /checksum "data\.tar\.gz" is not text/],
  [
    'an alias',
    () => checksums(right.replace('SHA256:', 'SHA256: &a').replace(/SHA512:[^]*/, 'SHA512: *a\n')),
    /anchors/,
  ],
  ['200 MB of zeros', bombed, /checksums\.yaml\.gz is larger than 10 MiB/],
  ['none', () => gemBytes({ checksums: null })],
  ['SHA1 besides', () => checksums(`${right}SHA1:\n  metadata.gz: ${sha1(metadataGz)}\n`)],
]

const sha1 = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex')

function bombed(): Buffer {
  return Buffer.concat([
    ...packed.slice(0, 2),
    tarMember('checksums.yaml.gz', gzipSync(Buffer.alloc(200_000_000))),
    TAR_END,
  ])
}

describe('a gem whose tar archive has', () => {
  checkCases(TAR)
})
describe('a gem whose metadata.gz has', () => {
  checkCases(GZIP)
})
describe('a gem whose checksums have', () => {
  checkCases(CHECKSUMS)
})
