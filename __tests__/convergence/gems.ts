import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gemBytes, specification } from '../rubygems/gem-builder.ts'

export interface GemSketch {
  name: string
  version: string
  platform?: string
  /** Makes other bytes of the same version. */
  salt?: string
}

export interface SmallGem extends GemSketch {
  path: string
  fullName: string
  sha256: string
}

/** A gem of a few hundred bytes, written byte by byte: no Ruby is started. */
export async function writeGem(directory: string, sketch: GemSketch): Promise<SmallGem> {
  const { name, version, platform = 'ruby', salt } = sketch
  const fullName = `${name}-${version}${platform === 'ruby' ? '' : `-${platform}`}`
  const bytes = gemBytes({
    yaml: specification({
      name: ` ${name}`,
      version: ` !ruby/object:Gem::Version\n  version: ${version}`,
      platform: ` ${platform}`,
      metadata: ' {}',
      ...(salt === undefined ? {} : { description: ` ${salt}` }),
    }),
  })
  await mkdir(directory, { recursive: true })
  const file = path.join(directory, `${fullName}.gem`)
  await writeFile(file, bytes)
  return { ...sketch, path: file, fullName, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export async function writeGems(directory: string, sketches: readonly GemSketch[]): Promise<SmallGem[]> {
  return Promise.all(sketches.map((sketch) => writeGem(directory, sketch)))
}
