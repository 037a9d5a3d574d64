import { createHash } from 'node:crypto'
import type { Store } from './store.ts'
import type { IndexEvent, VersionRow } from './world.ts'

function numberAndPlatform({ number, platform }: VersionRow): string {
  return platform === 'ruby' ? number : `${number}-${platform}`
}

/** rubygems.org lib/compact_index/gem_version.rb join_multiple */
function sorted(requirements: string): string {
  return requirements.split(', ').toSorted().join('&')
}

function byName(one: { name: string }, other: { name: string }): number {
  if (one.name === other.name) return 0
  return one.name < other.name ? -1 : 1
}

function inOrder(one: VersionRow, other: VersionRow): number {
  return (
    one.createdAt.localeCompare(other.createdAt) ||
    one.number.localeCompare(other.number) ||
    one.platform.localeCompare(other.platform)
  )
}

/**
 * The compact index as the background jobs have built it so far: every push and yank is applied in turn once it is
 * `lagMs` old, so /versions only ever grows and its checksums are those of /info at that moment.
 */
export class CompactIndex {
  private readonly store: Store
  private readonly lagMs: number
  private applied = 0
  private live = new Map<string, VersionRow[]>()
  private infos = new Map<string, string>()
  private lines: string[] = []

  constructor(store: Store, lagMs: number) {
    this.store = store
    this.lagMs = lagMs
  }

  names(): string {
    this.catchUp()
    const names = [...this.live].filter(([, versions]) => versions.length > 0).map(([name]) => name)
    return `${['---', ...names.toSorted()].join('\n')}\n`
  }

  versions(): string {
    this.catchUp()
    return [`created_at: ${this.store.state.createdAt}\n---\n`, ...this.lines].join('')
  }

  /** A yanked gem still has its empty file. */
  info(name: string): string | undefined {
    this.catchUp()
    return this.infos.get(name)
  }

  /** Versions that the jobs have brought into the indexes. */
  indexed(): VersionRow[] {
    this.catchUp()
    return [...this.live.values()].flat()
  }

  /** Changes whenever the index does. */
  get revision(): number {
    this.catchUp()
    return this.applied
  }

  private catchUp(): void {
    const { events } = this.store.state
    const until = this.store.clock().getTime() - this.lagMs
    for (let next = events[this.applied]; next && Date.parse(next.at) <= until; next = events[this.applied]) {
      this.apply(next)
      this.applied += 1
    }
  }

  private apply(event: IndexEvent): void {
    const version = this.store.state.versions.find(({ id }) => id === event.versionId)
    if (!version) return
    const others = (this.live.get(version.gem) ?? []).filter(({ id }) => id !== version.id)
    const versions = event.kind === 'push' ? [...others, version].toSorted(inOrder) : others
    this.live.set(version.gem, versions)
    const info = ['---', ...versions.map((row) => this.line(row, event.at))].join('\n')
    this.infos.set(version.gem, `${info}\n`)
    const checksum = createHash('md5').update(`${info}\n`).digest('hex')
    const mark = event.kind === 'push' ? '' : '-'
    this.lines.push(`${version.gem} ${mark}${numberAndPlatform(version)} ${checksum}\n`)
  }

  /** Runtime dependencies on gems that were there at the time; others are left out (app/models/gem_info.rb). */
  private line(version: VersionRow, at: string): string {
    const { spec } = version
    const dependencies = spec.dependencies
      .filter(({ name, scope }) => scope === 'runtime' && (this.store.gem(name)?.createdAt ?? '~') <= at)
      .toSorted(byName)
      .map(({ name, requirements }) => `${name}:${sorted(requirements)}`)
    const facts = [
      `checksum:${version.sha256}`,
      ...(spec.rubyVersion === '>= 0' ? [] : [`ruby:${sorted(spec.rubyVersion)}`]),
      ...(spec.rubygemsVersion === '>= 0' ? [] : [`rubygems:${sorted(spec.rubygemsVersion)}`]),
      `created_at:${version.createdAt.replace(/\.\d+Z$/, 'Z')}`,
    ]
    return `${numberAndPlatform(version)} ${dependencies.join(',')}|${facts.join(',')}`
  }
}
