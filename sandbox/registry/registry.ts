import type { Fault } from '../faults.ts'
import type { RecordedRequest } from '../messages.ts'
import { SandboxServer } from '../server.ts'
import {
  addRole,
  addUserKey,
  MAINTAINER,
  ownedGem,
  type PublisherForm,
  publisherRow,
  type RoleForm,
  seedVersion,
  unfinishedVersion,
  type UserKeyForm,
  yankVersion,
} from './administration.ts'
import { contextFor, type RegistryOptions } from './options.ts'
import { Provider } from './provider.ts'
import { serve } from './routes.ts'
import type { SeedGem } from './seed-gem.ts'
import { Store } from './store.ts'
import type { VersionRow } from './world.ts'

export type { RegistryOptions } from './options.ts'

const PENDING_LIFETIME = 12 * 60 * 60 * 1000

/** A gem registry that behaves like rubygems.org towards those who publish and those who install. */
export class Registry implements AsyncDisposable {
  private readonly store: Store
  private readonly provider: Provider
  private readonly server: SandboxServer

  private constructor(store: Store, provider: Provider, server: SandboxServer) {
    this.store = store
    this.provider = provider
    this.server = server
  }

  static async start(options: RegistryOptions): Promise<Registry> {
    const clock = options.clock ?? (() => new Date())
    const store = new Store(options.directory, clock, options.durable)
    const provider = new Provider(store, options.jwksUrl)
    const context = contextFor(options, store, provider, () => server.url)
    const { latencyMs, uploadBytesPerSecond, requests, faults, port } = options
    const server = await SandboxServer.start((request) => serve(request, context), {
      service: 'registry',
      clock,
      ...(latencyMs !== undefined && { latencyMs }),
      ...(uploadBytesPerSecond !== undefined && { uploadBytesPerSecond }),
      ...(requests && { requests }),
      ...(faults && { faults }),
      ...(port !== undefined && { port }),
    })
    return new Registry(store, provider, server)
  }

  get url(): string {
    return this.server.url
  }

  get requests(): RecordedRequest[] {
    return this.server.requests
  }

  inject(...faults: Fault[]): void {
    this.server.inject(...faults)
  }

  /**
   * Attaches a publisher to a gem. A gem that is not there yet is given a live version 0.0.0 first: on rubygems.org a
   * gem without live versions loses its publishers with the next push.
   */
  addTrustedPublisher(form: PublisherForm): void {
    const user = form.user ?? MAINTAINER
    if (!this.store.versionsOf(form.gem).some(({ indexed }) => indexed)) {
      seedVersion(this.store, { name: form.gem, number: '0.0.0' }, user)
    }
    const gem = ownedGem(this.store, form.gem, user)
    const { id } = publisherRow(this.store, form)
    if (!gem.publishers.includes(id)) gem.publishers.push(id)
    this.store.save()
  }

  /** Takes a publisher off a gem; its row stays, so the exchange still succeeds. */
  detachTrustedPublisher(form: PublisherForm): void {
    const gem = this.store.gem(form.gem)
    const { id } = publisherRow(this.store, form)
    if (gem) gem.publishers = gem.publishers.filter((publisher) => publisher !== id)
    this.store.save()
  }

  /** Lets a publisher create a gem of a new name within 12 hours. */
  addPendingPublisher(form: PublisherForm): void {
    const expiresAt = new Date(this.store.clock().getTime() + PENDING_LIFETIME).toISOString()
    const { id } = publisherRow(this.store, form)
    this.store.state.pending.push({ gem: form.gem, publisherId: id, user: form.user ?? MAINTAINER, expiresAt })
    this.store.save()
  }

  /** Makes a live version out of nothing, as if it had been pushed long ago. */
  addVersion(seed: SeedGem, user: string = MAINTAINER): VersionRow {
    const version = seedVersion(this.store, seed, user)
    this.store.save()
    return structuredClone(version)
  }

  /** The token of a new API key role, for `role-to-assume`. */
  addApiKeyRole(form: RoleForm): string {
    const token = addRole(this.store, form)
    this.store.save()
    return token
  }

  /** A new key that does not expire. */
  addUserKey(form: UserKeyForm): string {
    const key = addUserKey(this.store, form)
    this.store.save()
    return key
  }

  reserveName(name: string): void {
    this.store.state.reservedNames.push(name.toLowerCase())
    this.store.save()
  }

  yank(fullName: string): void {
    yankVersion(this.store, fullName)
    this.store.save()
  }

  beginUnfinishedPush(fullName: string): void {
    unfinishedVersion(this.store, fullName)
    this.store.save()
  }

  /** Ends the life of every key that has an end. */
  expireKeys(): void {
    const now = this.store.now()
    for (const key of this.store.state.keys) if (key.expiresAt !== null) key.expiresAt = now
    this.store.save()
  }

  /** Fetches the issuer's keys now instead of at the next half hour. */
  async refreshProvider(): Promise<void> {
    await this.provider.refresh()
  }

  /** Copies of the version rows, live or not, oldest first. */
  versions(name?: string): VersionRow[] {
    const { versions } = this.store.state
    return structuredClone(name === undefined ? versions : this.store.versionsOf(name))
  }

  ownersOf(name: string): string[] {
    return [...(this.store.gem(name)?.owners ?? [])]
  }

  /** What the world can see, in one text that is equal for equal worlds: no times, no ids, no names of keys. */
  snapshot(): string {
    const { gems } = this.store.state
    const world = gems
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map(({ name, owners }) => ({ name, owners: owners.toSorted(), versions: this.publicState(name) }))
    return JSON.stringify(world, null, 2)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    this.store.close()
  }

  private publicState(name: string): unknown[] {
    return this.store
      .versionsOf(name)
      .map(({ fullName, sha256, indexed, yankedAt, attestations }) => {
        const state = indexed ? 'live' : yankedAt === null ? 'unfinished' : 'yanked'
        return { fullName, sha256, state, attestations: attestations.length }
      })
      .toSorted((one, other) => (one.fullName < other.fullName ? -1 : 1))
  }
}

/** Starts the registry on loopback with the world found in `directory`. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  return await Registry.start(options)
}
