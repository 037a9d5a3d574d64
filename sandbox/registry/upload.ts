import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { SandboxRequest } from '../messages.ts'
import { type Part, readMultipart, type ReceivedFile, saveTo } from './multipart.ts'
import type { Store } from './store.ts'

/** nginx `client_max_body_size 500M` (rubygems.org config/deploy/nginx-configmap.yaml.erb). */
const MAX_BODY = 500 * 1024 * 1024

export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge'
}

export type Body = { kind: 'raw'; file: ReceivedFile } | { kind: 'form'; parts: Map<string, Part> }

/** A push request's body on disk, gone at the end of the request unless the push has moved it away. */
export class Upload implements AsyncDisposable {
  private readonly store: Store
  private readonly paths: string[] = []

  constructor(store: Store) {
    this.store = store
  }

  async receive(request: SandboxRequest): Promise<Body> {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw new BodyTooLarge()
    const type = request.headers['content-type'] ?? ''
    const media = type.split(';')[0]?.trim().toLowerCase() ?? ''
    const chunks = limited(request.stream)
    if (media === 'multipart/form-data' || media === 'multipart/mixed') {
      return { kind: 'form', parts: await readMultipart(type, chunks, () => this.newPath()) }
    }
    return { kind: 'raw', file: await saveTo(this.newPath(), chunks) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.paths.map((path) => rm(path, { force: true })))
  }

  private newPath(): string {
    const path = this.store.scratchPath()
    this.paths.push(path)
    return path
  }
}

/** Stops at the limit without closing the connection, over which the answer still has to go. */
async function* limited(stream: Readable): AsyncGenerator<Buffer> {
  let size = 0
  const chunks: AsyncIterable<unknown> = stream.iterator({ destroyOnReturn: false })
  for await (const chunk of chunks) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > MAX_BODY) throw new BodyTooLarge()
    yield chunk
  }
}
