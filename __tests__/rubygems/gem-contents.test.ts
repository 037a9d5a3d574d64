import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeDifference, readContents } from '../../src/rubygems/gem-contents.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'gem-contents-'))

/** Builds a gem with real RubyGems; `epoch` decides the times inside. */
function gem(label: string, files: Record<string, string>, summary = 'same', epoch = '1000000000'): string {
  const root = path.join(directory, label)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  const spec = `Gem::Specification.new { |s| s.name = "q"; s.version = "1"; s.summary = ${JSON.stringify(summary)}; s.authors = ["a"]; s.files = Dir["lib/*"].sort }`
  writeFileSync(path.join(root, 'q.gemspec'), spec)
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory, SOURCE_DATE_EPOCH: epoch }
  execFileSync('gem', ['build', '--quiet', 'q.gemspec', '--output', 'q.gem'], { cwd: root, env, stdio: 'ignore' })
  return path.join(root, 'q.gem')
}

async function difference(ours: string, theirs: string): Promise<string[]> {
  const [one, other] = [await readContents(ours), await readContents(theirs)]
  if (!one || !other) throw new Error('a gem could not be read')
  return describeDifference(one, other)
}

describe('how two gems of one version differ', () => {
  const files = { 'lib/a.rb': 'A = 1\n', 'lib/b.rb': 'B = 1\n' }
  let base = ''

  beforeAll(() => {
    base = gem('base', files)
  })
  afterAll(() => {
    rmSync(directory, { recursive: true })
  })

  it('names changed, added and missing files', async () => {
    const other = gem('other', { 'lib/a.rb': 'A = 2\n', 'lib/c.rb': 'C = 1\n' })
    expect(await difference(base, other)).toEqual([
      'Different content: "lib/a.rb".',
      'Only here: "lib/b.rb".',
      'Only there: "lib/c.rb".',
      'Different metadata: "- lib/b.rb".',
    ])
  })

  it('names metadata that differs', async () => {
    expect(await difference(base, gem('summary', files, 'other'))).toEqual(['Different metadata: "summary: same".'])
  })

  it('says so when only the packing differs', async () => {
    const other = gem('packed', files)
    const data = execFileSync('tar', ['-xOf', other, 'data.tar.gz'])
    const root = path.join(directory, 'repacked')
    mkdirSync(root)
    execFileSync('tar', ['-xf', other, '-C', root])
    writeFileSync(path.join(root, 'data.tar'), execFileSync('gzip', ['-dc'], { input: data }))
    execFileSync('gzip', ['-1nf', 'data.tar'], { cwd: root })
    execFileSync('tar', ['-cf', 'q.gem', 'metadata.gz', 'data.tar.gz', 'checksums.yaml.gz'], { cwd: root })
    expect(await difference(base, path.join(root, 'q.gem'))).toEqual([
      'The files are the same; only how they are packed differs (modes, times or compression).',
    ])
  })

  it('gives up quietly on what is no gem', async () => {
    const broken = path.join(directory, 'broken.gem')
    writeFileSync(broken, 'nothing of the kind')
    expect(await readContents(broken)).toBeUndefined()
    expect(await readContents(path.join(directory, 'absent.gem'))).toBeUndefined()
  })
})
