import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { readJson, writeJson } from './json-file.ts'
import type { ApiKeyRow, GemRow, PublisherRow, State, VersionRow } from './world.ts'

/**
 * The registry's database and file store in one directory. Where it is durable, every change is written before the answer
 * that announces it, so that a process killed in between leaves what a crashed server leaves: a consistent store, perhaps
 * with a version that did not finish pushing.
 */
export class Store {
  readonly directory: string
  readonly state: State
  readonly clock: () => Date
  private readonly durable: boolean

  constructor(directory: string, clock: () => Date, durable = true) {
    this.directory = directory
    this.clock = clock
    this.durable = durable
    // Bodies of requests that a killed process was still receiving.
    rmSync(join(directory, 'uploads'), { recursive: true, force: true })
    for (const folder of ['gems', 'uploads', 'legacy']) mkdirSync(join(directory, folder), { recursive: true })
    this.state = readJson<State>(this.path('state.json'), {
      createdAt: clock().toISOString(),
      nextId: 1,
      gems: [],
      versions: [],
      publishers: [],
      pending: [],
      keys: [],
      roles: [],
      usedTokens: [],
      reservedNames: [],
      events: [],
      provider: null,
      counters: {},
    })
    this.write()
  }

  save(): void {
    if (this.durable) this.write()
  }

  close(): void {
    if (!this.durable) this.write()
  }

  private write(): void {
    writeJson(this.path('state.json'), this.state)
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts)
  }

  gemPath(fullName: string): string {
    return this.path('gems', `${fullName}.gem`)
  }

  scratchPath(): string {
    return this.path('uploads', randomUUID())
  }

  now(): string {
    return this.clock().toISOString()
  }

  nextId(): number {
    return this.state.nextId++
  }

  gem(name: string): GemRow | undefined {
    return this.state.gems.find((gem) => gem.name === name)
  }

  /** Exact name first, any case second (rubygems.org app/models/rubygem.rb, scope name_is). */
  gemNamed(name: string): GemRow | undefined {
    const lower = name.trim().toLowerCase()
    return this.gem(name.trim()) ?? this.state.gems.find((gem) => gem.name.toLowerCase() === lower)
  }

  createGem(name: string, owners: string[]): GemRow {
    const now = this.now()
    const gem: GemRow = { name, createdAt: now, updatedAt: now, owners, publishers: [] }
    this.state.gems.push(gem)
    return gem
  }

  /** A change of case, which takes the versions along. */
  renameGem(gem: GemRow, name: string): void {
    for (const version of this.versionsOf(gem.name)) version.gem = name
    gem.name = name
  }

  version(fullName: string): VersionRow | undefined {
    return this.state.versions.find((version) => version.fullName === fullName)
  }

  versionsOf(gem: string): VersionRow[] {
    return this.state.versions.filter((version) => version.gem === gem)
  }

  publisher(id: number): PublisherRow | undefined {
    return this.state.publishers.find((publisher) => publisher.id === id)
  }

  addKey(key: Omit<ApiKeyRow, 'id'>): ApiKeyRow {
    const row: ApiKeyRow = { id: this.nextId(), ...key }
    this.state.keys.push(row)
    return row
  }

  /** Makes a version live and leaves the indexes to the background jobs (app/jobs/after_version_write_job.rb). */
  index(version: VersionRow): void {
    const now = this.now()
    version.indexed = true
    version.indexedAt = now
    this.touch(version.gem, now)
    this.state.events.push({ at: now, kind: 'push', versionId: version.id })
  }

  /** app/models/deletion.rb */
  unindex(version: VersionRow): void {
    const now = this.now()
    version.indexed = false
    version.yankedAt = now
    this.touch(version.gem, now)
    this.state.events.push({ at: now, kind: 'yank', versionId: version.id })
  }

  private touch(name: string, now: string): void {
    const gem = this.gem(name)
    if (gem) gem.updatedAt = now
  }
}
