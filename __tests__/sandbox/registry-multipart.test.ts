import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MalformedBody, type Part, readMultipart } from '../../sandbox/registry/multipart.ts'
import { temporaryDirectory } from './registry-world.ts'

const TYPE = 'multipart/form-data; boundary="a b"'

async function* inPiecesOf(size: number, body: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(body: string, size: number): Promise<Map<string, Part>> {
  const directory = await temporaryDirectory()
  let files = 0
  return await readMultipart(TYPE, inPiecesOf(size, body), () => join(directory, String(files++)))
}

function part(headers: string, content: string): string {
  return `--a b\r\nContent-Disposition: form-data; ${headers}\r\n\r\n${content}\r\n`
}

const BODY = `${part('name="gem"; filename="x.gem"', '\r\n--a\r\n--a \r\n')}${part('name=plain', 'text\r\n')}${part('name="none"; filename=""', '')}--a b--\r\n`

describe('a multipart body', () => {
  it.each([1, 2, 3, 5, 7, 11, 64, 4096])('is read alike in pieces of %i bytes', async (size) => {
    const parts = await read(BODY, size)
    expect([...parts.keys()]).toEqual(['gem', 'plain'])
    expect(parts.get('plain')).toEqual({ kind: 'text', text: 'text\r\n' })
    const gem = parts.get('gem')
    if (gem?.kind !== 'file') throw new Error('no file')
    expect(await readFile(gem.file.path, 'utf8')).toBe('\r\n--a\r\n--a \r\n')
    expect(gem.file.size).toBe(13)
  })

  it.each([0, 10, 60, 90, BODY.length - 5])('is malformed when it ends after %i bytes', async (length) => {
    await expect(read(BODY.slice(0, length), 16)).rejects.toThrow(MalformedBody)
  })
})
