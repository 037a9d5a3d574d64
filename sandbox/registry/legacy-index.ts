import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { CompactIndex } from './compact-index.ts'
import { compareNumbers } from './gem-version.ts'
import { isLatest } from './latest.ts'
import type { Store } from './store.ts'
import type { VersionRow } from './world.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('marshal.rb', import.meta.url))

export const INDEXES = ['specs', 'latest_specs', 'prerelease_specs'] as const
export type IndexName = (typeof INDEXES)[number]

/** rubygems.org app/models/version.rb rows_for_index: by name, newest number first. */
function inOrder(one: VersionRow, other: VersionRow): number {
  if (one.gem !== other.gem) return one.gem < other.gem ? -1 : 1
  return compareNumbers(other.number, one.number)
}

function select(name: IndexName, versions: VersionRow[]): VersionRow[] {
  if (name === 'prerelease_specs') return versions.filter(({ prerelease }) => prerelease)
  const releases = versions.filter(({ prerelease }) => !prerelease)
  if (name === 'specs') return releases
  return releases.filter((version) =>
    isLatest(
      version,
      releases.filter(({ gem }) => gem === version.gem),
    ),
  )
}

/**
 * The index of old clients: Marshal files, which only Ruby can write. Each is made when it is first asked for and
 * kept on disk. The full indexes lag like the compact one; a gemspec is there as soon as its gem (app/jobs/indexer.rb,
 * app/models/pusher.rb write_gem).
 */
export class LegacyIndex {
  private readonly store: Store
  private readonly index: CompactIndex
  private readonly underWay = new Map<string, Promise<void>>()

  constructor(store: Store, index: CompactIndex) {
    this.store = store
    this.index = index
  }

  /** The gzipped Marshal dump of `[name, Gem::Version, platform]` rows. */
  async specs(name: IndexName): Promise<Buffer> {
    const rows = select(name, this.index.indexed().toSorted(inOrder))
    const path = this.store.path('legacy', `${name}.${String(this.index.revision)}.4.8.gz`)
    const input = JSON.stringify(rows.map(({ gem, number, platform }) => [gem, number, platform]))
    await this.make(path, ['index'], input)
    return await readFile(path)
  }

  /** The deflated, abbreviated gemspec of a live version. */
  async gemspec(fullName: string): Promise<Buffer | undefined> {
    if (!this.store.version(fullName)?.indexed) return undefined
    const path = this.store.path('legacy', `${fullName}.gemspec.rz`)
    await this.make(path, ['gemspec', this.store.gemPath(fullName)], '')
    return await readFile(path)
  }

  private async make(path: string, args: string[], input: string): Promise<void> {
    if (existsSync(path)) return
    const working = this.underWay.get(path) ?? this.ruby(path, args, input).finally(() => this.underWay.delete(path))
    this.underWay.set(path, working)
    await working
  }

  private async ruby(path: string, args: string[], input: string): Promise<void> {
    const scratch = this.store.scratchPath()
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.store.directory, LANG: 'C.UTF-8' }
    const working = run('ruby', [SCRIPT, scratch, ...args], { env })
    working.child.stdin?.end(input)
    await working
    await rename(scratch, path)
  }
}
