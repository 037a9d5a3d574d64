import { type GemVersion, identity } from './rubygems/versions.ts'
import type { PlannedGem } from './plan/planned.ts'
import type { GemServer } from './server.ts'
import type { ReleaseGem } from './steps/inspect.ts'
import { files } from './world/files.ts'

/** `unknown`: a push began, and whether the registry has the gem was not found out. */
export type GemStatus = 'pushed' | 'already-published' | 'failed' | 'unknown' | 'not-tried' | 'would-push'

/** One gem of the release, as the `gems` output lists it. */
export interface GemRecord extends GemVersion {
  /** Where the build left it; empty before it was built. */
  file: string
  sha256: string
  /** Bytes. */
  size: number
  status: GemStatus
  attested: boolean
  /** The version's page on the gem server. */
  url: string
}

/** What has happened so far; enough to report half a release, and to go on with it by hand. Holds no secret. */
export interface LedgerRecord {
  server: string
  /** What is released; empty where a build job cannot tell. */
  commit: string
  /** `OWNER/NAME` of the repository that released. */
  repository: string
  gems: readonly GemRecord[]
  tags: readonly string[]
  /** Page of the GitHub Release; empty where there is none. */
  releaseUrl: string
  finished: boolean
}

/** Keeps what has happened, in memory and, after every step that cannot be undone, in a file for the post step. */
export class Ledger {
  readonly #server: GemServer
  readonly #journal: string
  readonly #gems = new Map<string, GemRecord>()
  readonly #tags = new Set<string>()
  /** Gems whose push began and has not been answered. What is known of them otherwise is kept. */
  readonly #open = new Set<string>()
  #saved: Promise<void> = Promise.resolve()
  #commit = ''
  #repository = ''
  #releaseUrl = ''

  /** `journal` is the path of the file, below our private directory. */
  constructor(server: GemServer, journal: string) {
    this.#server = server
    this.#journal = journal
  }

  get record(): LedgerRecord {
    return this.#record(false)
  }

  planned(gems: readonly PlannedGem[], { commit, repository }: Pick<LedgerRecord, 'commit' | 'repository'>): void {
    this.#commit = commit
    this.#repository = repository
    for (const gem of gems) this.#put({ ...gem, ...fileOf(gem) }, 'not-tried')
  }

  /** Also for gems that a release task pushed without their having been planned with this platform. */
  async gem(gem: ReleaseGem, status: GemStatus): Promise<void> {
    this.#put({ ...gem, file: gem.builtPath }, status, status === 'pushed' && (gem.bundles ?? []).length > 0)
    const wasOpen = this.#open.delete(identity(gem))
    if (wasOpen || status !== 'not-tried') await this.#save(false)
  }

  /** Where the registry was seen to list an attestation of these bytes, whoever has sent it. */
  attested(gem: ReleaseGem): void {
    const record = this.#gems.get(identity(gem))
    if (record) record.attested = true
  }

  /** Before a gem's first byte leaves this machine: until `gem` says more, it may be public or not. */
  async sending(gem: PlannedGem | ReleaseGem): Promise<void> {
    if ('builtPath' in gem) this.#put({ ...gem, file: gem.builtPath }, 'not-tried')
    this.#open.add(identity(gem))
    await this.#save(false)
  }

  /** Where it turned out that nothing is open about a gem, whatever its status is. */
  settled(gem: PlannedGem): void {
    this.#open.delete(identity(gem))
  }

  /** A planned gem that turned out not to be part of the release. */
  leftOut(gem: PlannedGem): void {
    this.settled(gem)
    this.#gems.delete(identity(gem))
  }

  async tagged(names: readonly string[]): Promise<void> {
    for (const name of names) this.#tags.add(name)
    await this.#save(false)
  }

  async announced(url: string): Promise<void> {
    this.#releaseUrl = url
    await this.#save(false)
  }

  async finish(): Promise<void> {
    await this.#save(true)
  }

  #put(gem: GemVersion & Pick<GemRecord, 'file' | 'sha256' | 'size'>, status: GemStatus, attested = false): void {
    const { name, version, platform, file, sha256, size } = gem
    const url = versionPage(gem, this.#server)
    this.#gems.set(identity(gem), { name, version, platform, file, sha256, size, status, attested, url })
  }

  #record(finished: boolean): LedgerRecord {
    return {
      server: this.#server.origin,
      commit: this.#commit,
      repository: this.#repository,
      gems: [...this.#gems.values()].map((gem) =>
        this.#open.has(identity(gem)) ? { ...gem, status: 'unknown' } : gem,
      ),
      tags: [...this.#tags],
      releaseUrl: this.#releaseUrl,
      finished,
    }
  }

  /** One after the other: gems are pushed side by side, and an older state must not end up on top of a newer one. */
  #save(finished: boolean): Promise<void> {
    const before = this.#saved.catch(() => undefined)
    this.#saved = before.then(() => files.replace(this.#journal, JSON.stringify(this.#record(finished))))
    return this.#saved
  }
}

/** What is known of a file before it is built, or handed over. */
function fileOf({ file }: PlannedGem): Pick<GemRecord, 'file' | 'sha256' | 'size'> {
  return { file: file?.fileName ?? '', sha256: file?.sha256 ?? '', size: file?.size ?? 0 }
}

function versionPage(gem: GemVersion, { origin }: GemServer): string {
  const full = gem.platform === 'ruby' ? gem.version : `${gem.version}-${gem.platform}`
  return `${origin}/gems/${encodeURIComponent(gem.name)}/versions/${encodeURIComponent(full)}`
}

/** Whether every gem of the release is on the registry with our bytes. */
export function isPublished({ gems }: LedgerRecord): boolean {
  return gems.length > 0 && gems.every(({ status }) => status === 'pushed' || status === 'already-published')
}
