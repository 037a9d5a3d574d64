import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { readMultipart } from '../../sandbox/registry/multipart.ts'
import { pushBody } from '../../src/sigstore/upload.ts'
import { isObject, type JsonObject } from '../../src/json.ts'
import { areListed, listedAttestations } from '../../src/sigstore/published.ts'
import { registryAttestations } from '../../src/steps/attest.ts'
import type { Upload } from '../../src/world/http.ts'
import { TestWorld } from './world.ts'

function uploadOf(...chunks: Buffer[]): Upload {
  return {
    bytes: Buffer.concat(chunks).length,
    async *chunks() {
      yield* chunks
    },
  }
}

async function all(upload: Upload): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of upload.chunks()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('the body of a push', () => {
  it('without bundles is the gem and nothing else', async () => {
    const gem = uploadOf(randomBytes(100))
    expect(pushBody(gem, [])).toEqual({ contentType: 'application/octet-stream', upload: gem })
  })

  it('with bundles is a form of the promised length, the same at every attempt', async () => {
    const bundle = fc.dictionary(fc.string(), fc.jsonValue())
    const chunks = fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(chunks, fc.array(bundle, { minLength: 1, maxLength: 3 }), async (parts, bundles) => {
        const buffers = parts.map((part) => Buffer.from(part))
        const { contentType, upload } = pushBody(uploadOf(...buffers), bundles)
        const [first, second] = [await all(upload), await all(upload)]
        expect(first).toEqual(second)
        expect(first.length).toBe(upload.bytes)
        const form = await readMultipart(contentType, only(first), () => '/dev/null')
        expect(form.get('gem')).toMatchObject({ kind: 'file', file: { size: Buffer.concat(buffers).length } })
        const text = form.get('attestations')
        expect(text?.kind === 'text' ? JSON.parse(text.text) : undefined).toEqual(JSON.parse(JSON.stringify(bundles)))
      }),
      { numRuns: 100 },
    )
  })

  it('holds no more of the gem than a chunk', async () => {
    const size = 256 * 1024 * 1024
    const chunk = Buffer.alloc(1024 * 1024)
    const gem: Upload = {
      bytes: size,
      async *chunks() {
        for (let sent = 0; sent < size; sent += chunk.length) yield chunk
      },
    }
    const before = process.memoryUsage().rss
    const { upload } = pushBody(gem, [{}])
    let length = 0
    for await (const piece of upload.chunks()) length += piece.length
    expect(length).toBe(upload.bytes)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('attestations that were published', () => {
  it('are listed with the gem, whatever the registry writes anew in them', async () => {
    await using world = await TestWorld.start()
    const gem = world.gem('paper-boat')
    const bundle = await world.attester().attest(gem)
    const other = await world.signedElsewhere(gem)
    await world.push(gem, [bundle])
    const { http, clock } = world.signing
    const listed = await listedAttestations(gem.fullName, world.server, http, clock)
    if (!('done' in listed)) throw new Error(listed.again)
    expect(listed.done).toHaveLength(1)
    expect(areListed([bundle], listed.done)).toBe(true)
    expect(areListed([withNamesReversed(bundle)], listed.done)).toBe(true)
    expect(areListed([bundle, other], listed.done)).toBe(false)
    expect(await listedAttestations('absent-1.0.0', world.server, http, clock)).toEqual({ done: [] })
  })

  it('are asked for again while the registry is in trouble, and then given up with a reason', async () => {
    await using world = await TestWorld.start()
    const gem = world.gem('paper-boat')
    const bundle = await world.attester().attest(gem)
    await world.push(gem, [bundle])
    const path = /^\/api\/v1\/attestations\//
    world.registry.inject(aim('503-html', { path }, 1), aim('200-html', { path }, 1))
    expect(areListed([bundle], await registryAttestations(gem, world.server, world.signing))).toBe(true)
    world.registry.inject(aim('503-html', { path }))
    await expect(registryAttestations(gem, world.server, world.signing)).rejects.toMatchObject({
      problems: [{ code: 'registry-unavailable' }],
    })
  })
})

async function* only(chunk: Buffer): AsyncGenerator<Buffer> {
  yield chunk
}

/** The same, with the fields of every object in another order. */
function withNamesReversed(value: JsonObject): JsonObject {
  const turned = Object.entries(value).toReversed()
  return Object.fromEntries(turned.map(([name, inner]) => [name, isObject(inner) ? withNamesReversed(inner) : inner]))
}
