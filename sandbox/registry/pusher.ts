import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from './context.ts'
import { InvalidGem, type ReadGem, readGem } from './gem-reader.ts'
import { canonicalNumber, isPrerelease } from './gem-version.ts'
import type { GemSpec } from './gem-spec.ts'
import { ownerOf, ownsGem } from './keys.ts'
import type { ReceivedFile } from './multipart.ts'
import { conflict, type Outcome, saving, title, unreadable } from './push-answers.ts'
import { authorize, checkGem, pendingPublisher } from './push-authorization.ts'
import { dependencyProblems, fullNames, gemProblems, versionProblems } from './version-rules.ts'
import type { Store } from './store.ts'
import type { ApiKeyRow, GemRow, VersionRow } from './world.ts'

/**
 * A push from the gem's bytes to the live version, in the order of rubygems.org app/models/pusher.rb. Left out: MFA
 * rules, typo protection, organisations, the checks of Gem::SpecificationPolicy, and the 409 for malformed platform
 * attributes, which the validations before it leave no way to reach.
 */
export class Pusher {
  private readonly context: Context
  private readonly store: Store
  private readonly key: ApiKeyRow
  private readonly file: ReceivedFile
  private readonly attestations: unknown[]

  constructor(context: Context, key: ApiKeyRow, file: ReceivedFile, attestations: unknown[]) {
    this.context = context
    this.store = context.store
    this.key = key
    this.file = file
    this.attestations = attestations
  }

  async process(): Promise<Outcome> {
    const read = await this.pullSpec()
    if ('status' in read) return read
    const { spec, files } = read
    const refusal =
      this.find(spec) ??
      authorize(this.store, this.key, spec.name) ??
      checkGem(this.store, this.key, spec.name) ??
      this.validate(spec, files)
    return refusal ?? (await this.verifyAttestations()) ?? (await this.save(spec))
  }

  private async pullSpec(): Promise<ReadGem | Outcome> {
    try {
      return await readGem(this.file.path)
    } catch (error) {
      if (error instanceof InvalidGem) return unreadable(error)
      throw error
    }
  }

  private gem(name: string): GemRow | undefined {
    return this.store.gemNamed(name)
  }

  /** The same bytes with the same key are a success; anything else of that number is a conflict. */
  private find(spec: GemSpec): Outcome | undefined {
    const gem = this.gem(spec.name)
    if (!gem) return undefined
    const versions = this.store.versionsOf(gem.name)
    const existing = versions.find(({ number, platform }) => number === spec.number && platform === spec.platform)
    if (existing) {
      const same = existing.sha256 === this.file.sha256 && existing.keyId === this.key.id && existing.indexed
      return same
        ? { status: 200, message: `Gem was already pushed: ${title(existing)}` }
        : conflict(existing, ownsGem(this.key, gem))
    }
    if (gem.name === spec.name || !versions.some(({ indexed }) => indexed)) return undefined
    const message =
      'Unable to change case of gem name with indexed versions\nPlease delete all versions first with `gem yank`.'
    return { status: 409, message }
  }

  private validate(spec: GemSpec, files: string[]): Outcome | undefined {
    const signatures = ['metadata.gz.sig', 'data.tar.gz.sig', 'checksums.yaml.gz.sig']
    if (spec.certificates > 0 && !signatures.every((name) => files.includes(name))) {
      return saving(['\nYou have added cert_chain in gemspec but signature was empty'])
    }
    const gem = this.gem(spec.name)
    const problems = [...gemProblems(spec.name, gem), ...versionProblems(this.store, gem?.name ?? spec.name, spec)]
    return problems.length > 0 ? saving(problems) : undefined
  }

  private async verifyAttestations(): Promise<Outcome | undefined> {
    if (this.attestations.length === 0) return undefined
    const { owner } = this.key
    const publisher = owner.type === 'publisher' ? this.store.publisher(owner.id) : undefined
    if (!publisher) return { status: 400, message: 'Pushing with an attestation requires trusted publishing' }
    for (const bundle of this.attestations) {
      const verdict = await this.context.verifier.verify(bundle, this.file, publisher)
      if (verdict.accepted) continue
      if (verdict.status === 500) return { status: 500, message: 'Server error. Please try again.' }
      return verdict
    }
    return undefined
  }

  private async save(spec: GemSpec): Promise<Outcome> {
    const { store } = this
    const raced = [
      ...versionProblems(store, this.gem(spec.name)?.name ?? spec.name, spec),
      ...dependencyProblems(store, spec),
    ]
    if (raced.length > 0) return saving(raced)
    const version = this.insert(spec)
    const unowned = this.claim(version.gem)
    store.save()
    if (unowned) return unowned
    if (!(await this.storeFile(version))) {
      return { status: 500, message: 'There was a problem saving your gem. Please try again.' }
    }
    store.index(version)
    this.context.throttle?.reset(ownerOf(this.key))
    store.save()
    return { status: 200, message: `Successfully registered gem: ${title(version)}` }
  }

  /** Takes the row back where the file cannot be stored, so that the push may be tried again. */
  private async storeFile(version: VersionRow): Promise<boolean> {
    const { store } = this
    try {
      await sleep(this.context.storageLatencyMs)
      await rename(this.file.path, store.gemPath(version.fullName))
      return true
    } catch {
      store.state.versions = store.state.versions.filter(({ id }) => id !== version.id)
      store.save()
      return false
    }
  }

  /** The rows as they stand while the file is being stored: there, but not live. */
  private insert(spec: GemSpec): VersionRow {
    const { store } = this
    const gem = this.gem(spec.name) ?? store.createGem(spec.name, [])
    if (!store.versionsOf(gem.name).some(({ indexed }) => indexed)) {
      // `rubygem.disown`: whoever pushes to a name without live versions starts afresh.
      gem.owners = []
      gem.publishers = []
    }
    store.renameGem(gem, spec.name)
    const { name: _name, number, platform, gemPlatform, certificates: _certificates, ...rest } = spec
    const version: VersionRow = {
      id: store.nextId(),
      gem: gem.name,
      number,
      platform,
      gemPlatform,
      ...fullNames(spec),
      canonicalNumber: canonicalNumber(number),
      prerelease: isPrerelease(number),
      size: this.file.size,
      sha256: this.file.sha256,
      keyId: this.key.id,
      pushedBy: this.key.name,
      indexed: false,
      createdAt: store.now(),
      indexedAt: null,
      yankedAt: null,
      spec: rest,
      attestations: this.attestations,
    }
    store.state.versions.push(version)
    return version
  }

  /** A name nobody owns goes to the pushing user, or to the user who set up the pending publisher. */
  private claim(name: string): Outcome | undefined {
    const gem = this.gem(name)
    if (!gem || gem.owners.length > 0) return undefined
    const { owner } = this.key
    if (owner.type === 'user') {
      gem.owners = [owner.handle]
      return undefined
    }
    const pending = pendingPublisher(this.store, this.key, name)
    if (!pending) return { status: 404, message: 'No pending publisher found' }
    gem.owners = [pending.user]
    gem.publishers = [owner.id]
    return undefined
  }
}
