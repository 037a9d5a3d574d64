import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

import { expect, test } from 'vitest'

import { specification, TAR_END, tarHeader, tarMember } from './gem-builder.ts'
import { temporaryDirectory } from './gem-cases.ts'

const DATA_SIZE = 300 * 1024 * 1024
const START = Buffer.of(0x1f, 0x8b)

/** The digest of `START` and zeros, as long as the data. */
function dataDigest(algorithm: string): string {
  const hash = createHash(algorithm).update(START)
  const zeros = Buffer.alloc(1024 * 1024)
  for (let left = DATA_SIZE - START.length; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, left))
  return hash.digest('hex')
}

/** A gem whose data is a hole of 300 MB: large to read, small on the disk. */
async function writeLargeGem(file: string): Promise<void> {
  const metadata = gzipSync(specification())
  const digest = createHash('sha256').update(metadata).digest('hex')
  const checksums = `SHA256:\n  metadata.gz: ${digest}\n  data.tar.gz: ${dataDigest('sha256')}\n`
  const head = Buffer.concat([
    tarMember('metadata.gz', metadata),
    tarMember('checksums.yaml.gz', gzipSync(checksums)),
    tarHeader({ name: 'data.tar.gz', size: DATA_SIZE }),
    START,
  ])
  await using handle = await open(file, 'wx')
  await handle.writeFile(head)
  await handle.truncate(head.length - START.length + DATA_SIZE + TAR_END.length)
}

/** The high-water mark is its own: what `getrusage` tells begins, across fork and exec, at the memory of the parent. */
const CHILD = `
  import { readFileSync } from 'node:fs'
  import { readGem } from ${JSON.stringify(new URL('../../src/rubygems/gem-file.ts', import.meta.url).href)}
  const [file, copyTo] = process.argv.slice(1)
  const { size, sha256, fullName } = await readGem(file, { copyTo })
  const [, peak] = /^VmHWM:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  console.log(JSON.stringify({ size, sha256, fullName, peak: Number(peak) }))
`

const directory = temporaryDirectory()

test('a gem of 300 MB is read and copied in less than 150 MB of memory', async () => {
  const file = path.join(directory.path, 'large.gem')
  await writeLargeGem(file)
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    CHILD,
    '--',
    file,
    path.join(directory.path, 'copy'),
  ])
  const { peak, ...gem }: { peak: number } = JSON.parse(stdout)
  const digest = await promisify(execFile)('sha256sum', [path.join(directory.path, 'copy')])
  expect(gem).toEqual({ size: expect.any(Number), sha256: digest.stdout.slice(0, 64), fullName: 'sample-1.2.3' })
  expect(gem).toHaveProperty('size', (await stat(file)).size)
  // In KiB. The process takes some 85 MB before it reads anything.
  expect(peak / 1024).toBeLessThan(150)
})
