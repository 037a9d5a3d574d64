import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type JobClaims, OidcIssuer } from '../../sandbox/oidc.ts'
import { SigstoreVerifier } from '../../sandbox/registry/attestation-sigstore.ts'
import { type Registry, startRegistry } from '../../sandbox/registry/registry.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { Sigstore, type SigstoreOptions } from '../../sandbox/sigstore/sigstore.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import type { RunContext } from '../../src/github/run-context.ts'
import { stringAt } from '../../src/json.ts'
import { type GemServer, gemServer } from '../../src/server.ts'
import { Attester, type Bundle } from '../../src/sigstore/attester.ts'
import type { SigningWorld } from '../../src/sigstore/conversation.ts'
import type { SigstoreServices } from '../../src/sigstore/services.ts'
import { pushBody } from '../../src/sigstore/upload.ts'
import { attest, type Attested } from '../../src/steps/attest.ts'
import { type Clock, systemClock } from '../../src/world/clock.ts'
import { createHttp, type Http } from '../../src/world/http.ts'
import { Secret } from '../../src/world/secret.ts'
import { signFile, signStatement } from './other-tool.ts'
import { Recorder } from './recorder.ts'

export const JOB: JobClaims = { repository: 'boats/paper', workflowFile: 'release.yml', ref: 'refs/tags/v1.0.0' }

export interface TestGem {
  name: string
  fullName: string
  sha256: string
  bytes: Buffer
}

export interface Answer {
  status: number
  text: string
}

interface Options extends Partial<Pick<SigstoreOptions, 'tamper' | 'clock'>> {
  /** How long an attempt may take at most, in ms; as in production when absent. */
  patience?: number
}

/** Real time, except that nobody waits between attempts. */
function hasty(patience: number | undefined, slept: number[]): Clock {
  return {
    ...systemClock,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      slept.push(ms)
    },
    // A push has longer ones: those are not what is tested here.
    deadline: (ms) => systemClock.deadline(patience === undefined || ms > 30_000 ? ms : patience),
  }
}

let issuerKey: Buffer | undefined

/** Making an RSA key takes longer than most tests: the first issuer's key serves the whole file. */
async function startIssuer(directory: string, requests: RecordedRequest[]): Promise<OidcIssuer> {
  const file = path.join(directory, 'key.json')
  await mkdir(directory)
  if (issuerKey) await writeFile(file, issuerKey)
  const issuer = await OidcIssuer.start({ directory, requests })
  issuerKey ??= await readFile(file)
  return issuer
}

/** Issuer, Sigstore and registry on loopback, and what a step of ours sees of the world. */
export class TestWorld implements AsyncDisposable {
  readonly directory: string
  readonly oidc: OidcIssuer
  readonly sigstore: Sigstore
  readonly registry: Registry
  readonly requests: RecordedRequest[]
  readonly runner = new Recorder()
  readonly slept: number[]
  readonly cancel = new AbortController()
  readonly signing: SigningWorld
  readonly #http: Http

  private constructor(
    directory: string,
    services: { oidc: OidcIssuer; sigstore: Sigstore; registry: Registry },
    requests: RecordedRequest[],
    patience: number | undefined,
  ) {
    this.directory = directory
    this.oidc = services.oidc
    this.sigstore = services.sigstore
    this.registry = services.registry
    this.requests = requests
    this.slept = []
    const clock = hasty(patience, this.slept)
    const { signal } = this.cancel
    const log = (line: string): void => {
      this.runner.info(line)
    }
    this.#http = createHttp({ clock, signal, lastSignal: signal, log, env: {} })
    this.signing = { http: this.#http, clock, runner: this.runner, signal }
  }

  static async start(options: Options = {}): Promise<TestWorld> {
    const { patience, ...rest } = options
    const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-sigstore-'))
    const requests: RecordedRequest[] = []
    const below = (name: string): string => path.join(directory, name)
    const oidc = await startIssuer(below('oidc'), requests)
    const { jwksUrl } = oidc
    const sigstore = await Sigstore.start({ directory: below('sigstore'), jwksUrl, requests, ...rest })
    const verifier = new SigstoreVerifier(sigstore.trustedRoot)
    const registry = await startRegistry({ directory: below('registry'), jwksUrl, requests, verifier })
    return new TestWorld(directory, { oidc, sigstore, registry }, requests, patience)
  }

  get services(): SigstoreServices {
    return { fulcio: new URL(this.sigstore.fulcio.url), rekor: new URL(this.sigstore.rekor.url) }
  }

  get server(): GemServer {
    return gemServer(new URL(this.registry.url))
  }

  /** The context of a run of `job`, as far as signing looks at it. */
  run(job: JobClaims = JOB): RunContext {
    const { requestUrl, requestToken } = this.oidc.registerJob(job)
    return {
      eventName: 'push',
      event: {},
      repository: job.repository,
      ref: job.ref,
      tag: undefined,
      sha: 'f'.repeat(40),
      actor: 'somebody',
      apiUrl: 'https://api.github.com',
      serverUrl: 'https://github.com',
      runUrl: '',
      attempt: 1,
      workspace: this.directory,
      temp: this.directory,
      idToken: { url: requestUrl, token: new Secret(requestToken) },
    }
  }

  attester(job: JobClaims = JOB): Attester {
    return new Attester(this.run(job), this.services, this.signing)
  }

  /** A gem that a trusted publisher for `job` may push. */
  gem(name: string, job: JobClaims = JOB, platform?: string): TestGem {
    const bytes = seedGem({ name, number: '1.0.0', ...(platform === undefined ? {} : { platform }) })
    const [, workflowRepository, workflow] =
      /^([^/]+\/[^/]+)\/\.github\/workflows\/([^@]+)@/.exec(job.jobWorkflowRef ?? '') ?? []
    this.registry.addTrustedPublisher({
      gem: name,
      repository: job.repository,
      workflow: workflow ?? job.workflowFile,
      ...(workflowRepository === undefined ? {} : { workflowRepository }),
    })
    return {
      name,
      fullName: `${name}-1.0.0${platform === undefined ? '' : `-${platform}`}`,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes,
    }
  }

  /** The step as the release runs it, without ready-made bundles. */
  async attested(gems: readonly TestGem[], input: 'true' | 'required', run = this.run()): Promise<Attested> {
    const { services, signing } = this
    return attest(gems, { input, files: [], run, services, world: signing })
  }

  /** What another tool would make of a gem: a statement about it, or about several. */
  async signedElsewhere(gem: TestGem, job: JobClaims = JOB, subjects: readonly TestGem[] = [gem]): Promise<Bundle> {
    return signStatement(subjects, await this.oidc.mint(job, 'sigstore'), this.sigstore)
  }

  /** A signature over the file itself, as `cosign sign-blob` and `sigstore-cli sign` make. */
  async signedAsFile(gem: TestGem, job: JobClaims = JOB): Promise<Bundle> {
    return signFile(gem.bytes, await this.oidc.mint(job, 'sigstore'), this.sigstore)
  }

  /** Pushes with a trusted publisher's key, as a step of ours would. */
  async push(gem: TestGem, bundles: readonly unknown[], job: JobClaims = JOB): Promise<Answer> {
    const key = await this.key(job)
    const chunks = async function* chunks(): AsyncGenerator<Uint8Array> {
      yield gem.bytes
    }
    const { contentType, upload } = pushBody({ bytes: gem.bytes.length, chunks }, bundles)
    const { status, text } = await this.#http.send('push', {
      method: 'POST',
      url: new URL('/api/v1/gems', this.registry.url),
      headers: { authorization: key, 'content-type': contentType },
      body: upload,
    })
    return { status, text }
  }

  async key(job: JobClaims = JOB): Promise<string> {
    const response = await fetch(`${this.registry.url}/api/v1/oidc/trusted_publisher/exchange_token`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ jwt: await this.oidc.mint(job, 'rubygems.org') }),
    })
    const answer: unknown = await response.json()
    return stringAt(answer, 'rubygems_api_key') ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http.close()
    await this.registry[Symbol.asyncDispose]()
    await this.sigstore[Symbol.asyncDispose]()
    await this.oidc[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
