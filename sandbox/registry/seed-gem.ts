import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export interface SeedGem {
  name: string
  number: string
  platform?: string
  /** Names of gems it depends on, with their requirements. */
  dependencies?: Record<string, string>
  /** More lines for the gemspec's YAML, in place of the default lines of the same keys. */
  yaml?: Record<string, string>
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000444\0', 100)
  block.write('0000000\0', 108)
  block.write('0000000\0', 116)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('02264743003\0', 136)
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** A tar archive of the given entries, in order. */
export function tar(entries: [string, Buffer][]): Buffer {
  const blocks = entries.flatMap(([name, bytes]) => {
    const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512)
    return [header(name, bytes.length), bytes, padding]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

function requirement(indent: string, operator: string, number: string): string {
  return [
    '!ruby/object:Gem::Requirement',
    `${indent}requirements:`,
    `${indent}- - "${operator}"`,
    `${indent}  - !ruby/object:Gem::Version`,
    `${indent}    version: '${number}'`,
  ].join('\n')
}

function dependencies(list: Record<string, string>): string {
  const entries = Object.entries(list)
  if (entries.length === 0) return '[]'
  const items = entries.map(([name, wanted]) => {
    const [operator = '>=', number = '0'] = wanted.split(' ')
    const version = requirement('    ', operator, number)
    return [
      '- !ruby/object:Gem::Dependency',
      `  name: ${name}`,
      `  requirement: ${version}`,
      '  type: :runtime',
      '  prerelease: false',
      `  version_requirements: ${version}`,
    ].join('\n')
  })
  return `\n${items.join('\n')}`
}

/** The gemspec's YAML as `gem build` writes it. */
export function gemspecYaml(gem: SeedGem): string {
  const any = requirement('  ', '>=', '0')
  const fields: Record<string, string> = {
    name: gem.name,
    version: `!ruby/object:Gem::Version\n  version: '${gem.number}'`,
    platform: gem.platform ?? 'ruby',
    authors: "\n- The sandbox's maintainer",
    bindir: 'bin',
    cert_chain: '[]',
    date: '2024-01-01 00:00:00.000000000 Z',
    dependencies: dependencies(gem.dependencies ?? {}),
    executables: '[]',
    extensions: '[]',
    extra_rdoc_files: '[]',
    files: '[]',
    licenses: '\n- MIT',
    metadata: '{}',
    rdoc_options: '[]',
    require_paths: '\n- lib',
    required_ruby_version: any,
    required_rubygems_version: any,
    requirements: '[]',
    rubygems_version: '3.6.9',
    specification_version: '4',
    summary: 'Put into the registry by the sandbox',
    test_files: '[]',
    ...gem.yaml,
  }
  const lines = Object.entries(fields).map(([key, value]) => `${key}:${value.startsWith('\n') ? '' : ' '}${value}`)
  return `--- !ruby/object:Gem::Specification\n${lines.join('\n')}\n`
}

function checksums(entries: [string, Buffer][]): Buffer {
  const lines = ['SHA256', 'SHA512'].flatMap((algorithm) => [
    `${algorithm}:`,
    ...entries.map(
      ([name, bytes]) => `  ${name}: '${createHash(algorithm.toLowerCase()).update(bytes).digest('hex')}'`,
    ),
  ])
  return gzipSync(`---\n${lines.join('\n')}\n`)
}

/** A whole gem without files in it, made without Ruby. The same arguments give the same bytes. */
export function seedGem(gem: SeedGem): Buffer {
  const entries: [string, Buffer][] = [
    ['metadata.gz', gzipSync(gemspecYaml(gem))],
    ['data.tar.gz', gzipSync(tar([]))],
  ]
  return tar([...entries, ['checksums.yaml.gz', checksums(entries)]])
}
