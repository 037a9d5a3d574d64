import { type KeyObject, sign } from 'node:crypto'
import { readJson, writeJson } from '../registry/json-file.ts'
import type { SandboxRequest, SandboxResponse } from '../messages.ts'
import { logId } from './keys.ts'
import { inclusionPath, leafHash, rootHash } from './merkle.ts'
import { BadEntry, canonical, canonicalEntry } from './rekor-entry.ts'

/** The log's name in its checkpoints; in the trust root it is part of the log's address. */
export const REKOR_NAME = 'rekor.sandbox'
const TREE = '4f1d00000000beef'
/** Public Rekor keeps several trees behind one address: an entry's number in all is not its number in its tree. */
const EARLIER_TREES = 4_163_431
const ENTRIES = '/api/v1/log/entries'

interface Stored {
  body: string
  integratedTime: number
}

/** A transparency log with the API of Rekor v1 (github.com/sigstore/rekor, openapi.yaml), kept on disk. */
export class RekorLog {
  readonly #path: string
  readonly #key: KeyObject
  readonly #clock: () => Date
  readonly #entries: Stored[]

  constructor(path: string, key: KeyObject, clock: () => Date) {
    this.#path = path
    this.#key = key
    this.#clock = clock
    // A log with others in it, so that a proof of inclusion is more than the entry itself.
    this.#entries = readJson<Stored[]>(
      path,
      ['a', 'b', 'c', 'd', 'e'].map((name) => this.#stored(Buffer.from(name))),
    )
  }

  get size(): number {
    return this.#entries.length
  }

  async serve(request: SandboxRequest): Promise<SandboxResponse> {
    const { pathname } = request.url
    if (request.method === 'POST' && pathname === ENTRIES) {
      return this.#create((await request.body()).toString('utf8'))
    }
    if (request.method === 'GET' && pathname.startsWith(`${ENTRIES}/`)) {
      return this.#read(pathname.slice(ENTRIES.length + 1))
    }
    return failure(404, 'path not found')
  }

  #create(source: string): SandboxResponse {
    let body: Buffer
    try {
      body = canonicalEntry(source)
    } catch (error) {
      if (!(error instanceof BadEntry)) throw error
      return failure(400, `error processing entry: ${error.message}`)
    }
    const known = this.#entries.findIndex((entry) => entry.body === body.toString('base64'))
    if (known !== -1) {
      const uuid = this.#uuid(known)
      const message = `an equivalent entry already exists in the transparency log with UUID ${uuid}`
      return failure(409, message, { location: `${ENTRIES}/${uuid}` })
    }
    this.#entries.push(this.#stored(body))
    writeJson(this.#path, this.#entries)
    const index = this.#entries.length - 1
    return json(201, this.#entry(index), { location: `${ENTRIES}/${this.#uuid(index)}` })
  }

  #read(uuid: string): SandboxResponse {
    const index = this.#entries.findIndex((_, number) => this.#uuid(number).endsWith(uuid))
    return /^([0-9a-f]{16})?[0-9a-f]{64}$/.test(uuid) && index !== -1
      ? json(200, this.#entry(index))
      : failure(404, 'entry not found')
  }

  #stored(body: Buffer): Stored {
    return { body: body.toString('base64'), integratedTime: Math.floor(this.#clock().getTime() / 1000) }
  }

  #leaves(): Buffer[] {
    return this.#entries.map(({ body }) => leafHash(Buffer.from(body, 'base64')))
  }

  #uuid(index: number): string {
    return TREE + leafHash(Buffer.from(this.#entries[index]?.body ?? '', 'base64')).toString('hex')
  }

  #entry(index: number): Record<string, unknown> {
    const { body = '', integratedTime = 0 } = this.#entries[index] ?? {}
    const promised = {
      body,
      integratedTime,
      logID: logId(this.#key).toString('hex'),
      logIndex: EARLIER_TREES + index,
    }
    const leaves = this.#leaves()
    const root = rootHash(leaves)
    const verification = {
      inclusionProof: {
        checkpoint: this.#checkpoint(leaves.length, root),
        hashes: inclusionPath(index, leaves).map((hash) => hash.toString('hex')),
        logIndex: index,
        rootHash: root.toString('hex'),
        treeSize: leaves.length,
      },
      signedEntryTimestamp: sign('sha256', Buffer.from(canonical(promised)), this.#key).toString('base64'),
    }
    return { [this.#uuid(index)]: { ...promised, verification } }
  }

  /** A signed note (github.com/transparency-dev/formats, log/README.md). */
  #checkpoint(size: number, root: Buffer): string {
    const note = `${REKOR_NAME} - ${String(BigInt(`0x${TREE}`))}\n${String(size)}\n${root.toString('base64')}\n`
    const signature = Buffer.concat([logId(this.#key).subarray(0, 4), sign('sha256', Buffer.from(note), this.#key)])
    return `${note}\n— ${REKOR_NAME} ${signature.toString('base64')}\n`
  }
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): SandboxResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

function failure(status: number, message: string, headers: Record<string, string> = {}): SandboxResponse {
  return json(status, { code: status, message }, headers)
}
