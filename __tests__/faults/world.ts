import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Fault, FaultPlan } from '../../sandbox/faults.ts'
import { type GitHub, startGitHub } from '../../sandbox/github/github.ts'
import { startOidcIssuer } from '../../sandbox/oidc.ts'
import { startRegistry } from '../../sandbox/registry/registry.ts'
import type { RegistryOptions } from '../../sandbox/registry/registry.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import { VirtualClock } from './clock.ts'
import { Elsewhere } from './elsewhere.ts'
import { Case, type CaseOptions, REPOSITORY } from './case.ts'

/** Hands every request to whoever it belongs to; only that one knows its faults. */
class Switchboard extends FaultPlan {
  readonly #find: (request: RecordedRequest) => Case | undefined

  constructor(find: (request: RecordedRequest) => Case | undefined) {
    super()
    this.#find = find
  }

  override take(request: RecordedRequest): Fault | undefined {
    return this.#find(request)?.arrived(request)
  }
}

/**
 * What the cases of one file share: GitHub, whose repository is real git, and places to get lost in. Registry and
 * issuer are each case's own, with its own clock, so that cases may run side by side.
 */
export class FaultWorld implements AsyncDisposable {
  readonly github: GitHub
  readonly commit: string
  readonly elsewhere: Elsewhere
  /** Origins by the way in which they cannot be reached. */
  readonly lost: Readonly<Record<string, string>>
  readonly otherServer: string
  readonly directory: string
  readonly #cases: Map<string, Case>
  #key: Buffer | undefined
  #made = 0

  private constructor(parts: {
    github: GitHub
    commit: string
    elsewhere: Elsewhere
    lost: Record<string, string>
    otherServer: string
    directory: string
    cases: Map<string, Case>
  }) {
    this.github = parts.github
    this.commit = parts.commit
    this.elsewhere = parts.elsewhere
    this.lost = parts.lost
    this.otherServer = parts.otherServer
    this.directory = parts.directory
    this.#cases = parts.cases
  }

  static async start(): Promise<FaultWorld> {
    const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-faults-'))
    const cases = new Map<string, Case>()
    const faults = new Switchboard(({ headers }) => cases.get(headers.authorization ?? ''))
    const github = await startGitHub({ directory: path.join(directory, 'github'), faults })
    const repository = await github.createRepository(REPOSITORY)
    const commit = await repository.commit({ 'README.md': '# Gems\n' })
    const elsewhere = new Elsewhere()
    const lost = {
      refused: await elsewhere.closedPort(),
      unresolvable: elsewhere.unresolvable,
      ...(await elsewhere.badCertificates()),
    }
    const otherServer = await elsewhere.http()
    return new FaultWorld({ github, commit, elsewhere, lost, otherServer, directory, cases })
  }

  async case(options: CaseOptions): Promise<Case> {
    this.#made += 1
    const label = `lens-${String(this.#made)}`
    const directory = path.join(this.directory, label)
    const clock = new VirtualClock()
    const faults = new Switchboard(() => made)
    const registryOptions: Partial<RegistryOptions> = options.registry ?? {}
    const issuer = await this.#issuer(path.join(directory, 'oidc'), clock, faults)
    const registry = await startRegistry({
      clock: () => clock.date(),
      directory: path.join(directory, 'registry'),
      durable: false,
      jwksUrl: issuer.jwksUrl,
      faults,
      ...registryOptions,
    })
    const made = new Case({ options, label, directory, clock, issuer, registry, world: this })
    await made.prepare()
    return made
  }

  /** Requests to GitHub with this `Authorization` are the case's. */
  register(authorization: string, owner: Case): void {
    this.#cases.set(authorization, owner)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.github[Symbol.asyncDispose]()
    await this.elsewhere[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Making an RSA key takes a while: the first issuer's serves all. */
  async #issuer(directory: string, clock: VirtualClock, faults: FaultPlan): ReturnType<typeof startOidcIssuer> {
    await mkdir(directory, { recursive: true })
    const file = path.join(directory, 'key.json')
    if (this.#key) await writeFile(file, this.#key)
    const issuer = await startOidcIssuer({ directory, clock: () => clock.date(), faults })
    this.#key ??= await readFile(file)
    return issuer
  }
}
