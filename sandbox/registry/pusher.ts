import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { TEXTS } from './answers.ts'
import type { Context } from './context.ts'
import { InvalidGem, type ReadGem, readGem } from './gem-reader.ts'
import { canonicalNumber, isPrerelease } from './gem-version.ts'
import type { GemSpec } from './gem-spec.ts'
import { ownerOf, ownsGem } from './keys.ts'
import type { ReceivedFile } from './multipart.ts'
import { dependencyProblems, fullNames, gemProblems, versionProblems } from './version-rules.ts'
import type { ApiKeyRow, GemRow, PendingPublisherRow, VersionRow } from './world.ts'

export interface Outcome {
  status: number
  message: string
}

const DAY = 24 * 60 * 60 * 1000

function saving(problems: string[]): Outcome {
  return { status: 403, message: `There was a problem saving your gem: ${problems.join(', ')}` }
}

function title(version: Pick<VersionRow, 'gem' | 'number' | 'platform'>): string {
  return `${version.gem} (${version.number}${version.platform === 'ruby' ? '' : `-${version.platform}`})`
}

function unreadable(error: InvalidGem): Outcome {
  const head = 'RubyGems.org cannot process this gem.\n'
  if (error.alias) {
    const text =
      'Pushing gems where there are aliases in the YAML gemspec is no longer supported.\n' +
      'Ensure you are using a recent version of RubyGems to build the gem by running\n' +
      '`gem update --system` and then try pushing again.\n'
    return { status: 422, message: head + text }
  }
  const { detail } = error
  const cut = detail !== undefined && detail.length > 500 ? `${detail.slice(0, 497)}...` : detail
  const error_ = cut === undefined ? '' : `\nError:\n${cut}`
  return {
    status: 422,
    message: `${head}Please try rebuilding it and installing it locally to make sure it's valid.${error_}\n`,
  }
}

/**
 * A push from the gem's bytes to the live version, in the order of rubygems.org app/models/pusher.rb. Left out: MFA
 * rules, typo protection, organisations and the checks of Gem::SpecificationPolicy.
 */
export class Pusher {
  private readonly context: Context
  private readonly key: ApiKeyRow
  private readonly file: ReceivedFile
  private readonly attestations: unknown[]

  constructor(context: Context, key: ApiKeyRow, file: ReceivedFile, attestations: unknown[]) {
    this.context = context
    this.key = key
    this.file = file
    this.attestations = attestations
  }

  async process(): Promise<Outcome> {
    const read = await this.pullSpec()
    if ('status' in read) return read
    const { spec, files } = read
    const refusal =
      this.find(spec) ?? this.authorize(spec.name) ?? this.checkScope(spec.name) ?? this.validate(spec, files)
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
    return this.context.store.gemNamed(name)
  }

  /** The same bytes with the same key are a success; anything else of that number is a conflict. */
  private find(spec: GemSpec): Outcome | undefined {
    const gem = this.gem(spec.name)
    if (!gem) return undefined
    const versions = this.context.store.versionsOf(gem.name)
    const existing = versions.find(({ number, platform }) => number === spec.number && platform === spec.platform)
    if (existing) {
      const same = existing.sha256 === this.file.sha256 && existing.keyId === this.key.id && existing.indexed
      return same
        ? { status: 200, message: `Gem was already pushed: ${title(existing)}` }
        : this.conflict(existing, gem)
    }
    if (gem.name === spec.name || !versions.some(({ indexed }) => indexed)) return undefined
    const message =
      'Unable to change case of gem name with indexed versions\nPlease delete all versions first with `gem yank`.'
    return { status: 409, message }
  }

  private conflict(existing: VersionRow, gem: GemRow): Outcome {
    if (existing.indexed) {
      const message =
        'Repushing of gem versions is not allowed.\n' +
        'Please bump the version number and push a new different release.\n' +
        'See also `gem yank` if you want to unpublish the bad release.'
      return { status: 409, message }
    }
    if (existing.yankedAt === null) {
      const message =
        `It appears that ${existing.fullName} did not finish pushing.\n` +
        'Please contact support@rubygems.org for assistance if you pushed this gem more than a minute ago.'
      return { status: 409, message }
    }
    const by = ownsGem(this.key, gem) ? '' : 'pushed by a previous owner of this gem '
    const message =
      `A yanked version ${by}already exists (${existing.fullName}).\n` +
      'Repushing of gem versions is not allowed. Please use a new version and retry'
    return { status: 409, message }
  }

  private isReserved(name: string): boolean {
    return this.context.store.state.reservedNames.includes(name.toLowerCase())
  }

  private authorize(name: string): Outcome | undefined {
    const gem = this.gem(name)
    if (this.isReserved(name)) {
      return { status: 403, message: 'This gem name is reserved. You are not allowed to push this gem.' }
    }
    if (this.isPushable(gem) && (this.key.owner.type === 'user' || this.pending(name))) return undefined
    if (ownsGem(this.key, gem)) return undefined
    if (this.key.owner.type === 'publisher') {
      return { status: 403, message: 'You are not allowed to push this gem.' }
    }
    const email = `${this.key.owner.handle}@example.com`
    const ask = `Ask an owner to add you with: gem owner ${gem?.name ?? name} --add ${email}`
    return { status: 403, message: `You do not have permission to push to this gem. ${ask}` }
  }

  /** Without live versions a name is free, unless it was yanked lately (app/models/rubygem.rb not_protected?). */
  private isPushable(gem: GemRow | undefined): boolean {
    if (!gem) return true
    if (this.context.store.versionsOf(gem.name).some(({ indexed }) => indexed)) return false
    const now = this.context.store.clock().getTime()
    return Date.parse(gem.updatedAt) < now - 100 * DAY || Date.parse(gem.createdAt) > now - 30 * DAY
  }

  private pending(name: string): PendingPublisherRow | undefined {
    const { owner } = this.key
    if (owner.type !== 'publisher') return undefined
    const now = this.context.store.clock().getTime()
    return this.context.store.state.pending.find(
      (row) =>
        row.publisherId === owner.id && row.gem.toLowerCase() === name.toLowerCase() && Date.parse(row.expiresAt) > now,
    )
  }

  private checkScope(name: string): Outcome | undefined {
    if (this.key.gem === null || this.key.gem === this.gem(name)?.name) return undefined
    return { status: 403, message: TEXTS.insufficientScope }
  }

  private validate(spec: GemSpec, files: string[]): Outcome | undefined {
    const signatures = ['metadata.gz.sig', 'data.tar.gz.sig', 'checksums.yaml.gz.sig']
    if (spec.certificates > 0 && !signatures.every((name) => files.includes(name))) {
      return saving(['\nYou have added cert_chain in gemspec but signature was empty'])
    }
    const gem = this.gem(spec.name)
    const problems = [
      ...gemProblems(spec.name, gem),
      ...versionProblems(this.context.store, gem?.name ?? spec.name, spec),
    ]
    if (problems.length > 0) return saving(problems)
    const originalName =
      spec.gemPlatform === 'ruby' ? `${spec.name}-${spec.number}` : `${spec.name}-${spec.number}-${spec.platform}`
    if (fullNames(spec).fullName === originalName) return undefined
    const message = 'There was a problem saving your gem: the uploaded spec has malformed platform attributes'
    return { status: 409, message }
  }

  private async verifyAttestations(): Promise<Outcome | undefined> {
    if (this.attestations.length === 0) return undefined
    const { owner } = this.key
    const publisher = owner.type === 'publisher' ? this.context.store.publisher(owner.id) : undefined
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
    const { store } = this.context
    const raced = [
      ...versionProblems(store, this.gem(spec.name)?.name ?? spec.name, spec),
      ...dependencyProblems(store, spec),
    ]
    if (raced.length > 0) return saving(raced)
    const version = this.insert(spec)
    const unowned = this.claim(version.gem)
    store.save()
    if (unowned) return unowned
    await sleep(this.context.storageLatencyMs)
    await rename(this.file.path, store.gemPath(version.fullName))
    store.index(version)
    this.context.throttle?.reset(ownerOf(this.key))
    store.save()
    return { status: 200, message: `Successfully registered gem: ${title(version)}` }
  }

  /** The rows as they stand while the file is being stored: there, but not live. */
  private insert(spec: GemSpec): VersionRow {
    const { store } = this.context
    const gem = this.gem(spec.name) ?? store.createGem(spec.name, [])
    if (!store.versionsOf(gem.name).some(({ indexed }) => indexed)) {
      // `rubygem.disown`: whoever pushes to a name without live versions starts afresh.
      gem.owners = []
      gem.publishers = []
    }
    gem.name = spec.name
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
    const pending = this.pending(name)
    if (!pending) return { status: 404, message: 'No pending publisher found' }
    gem.owners = [pending.user]
    gem.publishers = [owner.id]
    return undefined
  }
}
