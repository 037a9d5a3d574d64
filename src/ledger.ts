import { title } from './rubygems/versions.ts'
import type { PlannedGem } from './plan/planned.ts'
import type { GemServer } from './server.ts'
import type { ReleaseGem } from './steps/inspect.ts'
import { files } from './world/files.ts'

export type GemStatus = 'pushed' | 'already-published' | 'failed' | 'not-tried' | 'would-push'

/** One gem of the release, as the `gems` output lists it. */
export interface GemRecord {
  name: string
  version: string
  platform: string
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
  commit: string
  /** `OWNER/NAME` of the repository that released. */
  repository: string
  gems: readonly GemRecord[]
  tags: readonly string[]
  /** Gems whose push began and has not been answered: they may be public or not. */
  unsettled: readonly string[]
  /** Page of the GitHub Release; empty where there is none. */
  releaseUrl: string
  finished: boolean
}

/** Keeps what has happened, in memory and, after every step that cannot be undone, in a file for the post step. */
export class Ledger {
  readonly #server: GemServer
  readonly #journal: string
  readonly #gems = new Map<string, GemRecord>()
  readonly #tags: string[] = []
  readonly #unsettled = new Set<string>()
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
    for (const gem of gems) {
      this.#gems.set(keyOf(gem), {
        name: gem.name,
        version: gem.version,
        platform: gem.platform,
        file: gem.file?.fileName ?? '',
        sha256: gem.file?.sha256 ?? '',
        size: gem.file?.size ?? 0,
        status: 'not-tried',
        attested: false,
        url: versionPage(gem, this.#server),
      })
    }
  }

  /** Also for gems that a release task pushed without their having been planned with this platform. */
  async gem(gem: ReleaseGem, status: GemStatus): Promise<void> {
    this.#gems.set(keyOf(gem), {
      name: gem.name,
      version: gem.version,
      platform: gem.platform,
      file: gem.builtPath,
      sha256: gem.sha256,
      size: gem.size,
      status,
      attested: status === 'pushed' && (gem.bundles ?? []).length > 0,
      url: versionPage(gem, this.#server),
    })
    this.#unsettled.delete(title(gem))
    if (status !== 'not-tried') await this.#save(false)
  }

  /** Where the registry was seen to list an attestation of these bytes, whoever has sent it. */
  attested(gem: ReleaseGem): void {
    const record = this.#gems.get(keyOf(gem))
    if (record) record.attested = true
  }

  /** Before a gem's first byte leaves this machine. */
  async sending(gem: PlannedGem | ReleaseGem): Promise<void> {
    this.#unsettled.add(title(gem))
    await this.#save(false)
  }

  /** Where it turned out that nothing is open about a gem, whatever its status is. */
  settled(gem: PlannedGem): void {
    this.#unsettled.delete(title(gem))
  }

  /** Where a push ended without an answer that can be relied on. */
  async unsettled(gem: ReleaseGem): Promise<void> {
    await this.gem(gem, 'failed')
    await this.sending(gem)
  }

  async tagged(names: readonly string[]): Promise<void> {
    this.#tags.push(...names)
    await this.#save(false)
  }

  async announced(url: string): Promise<void> {
    this.#releaseUrl = url
    await this.#save(false)
  }

  async finish(): Promise<void> {
    await this.#save(true)
  }

  #record(finished: boolean): LedgerRecord {
    return {
      server: this.#server.origin,
      commit: this.#commit,
      repository: this.#repository,
      gems: [...this.#gems.values()],
      tags: this.#tags,
      unsettled: [...this.#unsettled],
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

function versionPage(gem: { name: string; version: string; platform: string }, { origin }: GemServer): string {
  const full = gem.platform === 'ruby' ? gem.version : `${gem.version}-${gem.platform}`
  return `${origin}/gems/${encodeURIComponent(gem.name)}/versions/${encodeURIComponent(full)}`
}

/** Whether every gem of the release is on the registry with our bytes. */
export function isPublished({ gems }: LedgerRecord): boolean {
  return gems.length > 0 && gems.every(({ status }) => status === 'pushed' || status === 'already-published')
}

/** One gem under both spellings of its platform: `universal-darwin19` in the file, `universal-darwin-19` in the gemspec. */
function keyOf({ name, version, platform }: { name: string; version: string; platform: string }): string {
  return `${name} ${version} ${platform.replaceAll('-', '')}`
}
