import { createHash } from 'node:crypto'
import type { GemServer } from '../server.ts'
import type { Clock } from '../world/clock.ts'
import type { Http } from '../world/http.ts'
import { describe } from '../world/http-answer.ts'

/** What the server gives out as a gem's file; `none` where it gives out nothing (yet), and why. */
export type ServedGem =
  /** `longer`: there is more than a file of the expected size has, of which one byte was read and hashed. */
  { state: 'served'; sha256: string; longer: boolean } | { state: 'none'; reason: string }

/**
 * Downloads `/gems/FULL_NAME.gem` as an installing machine does, and hashes it on its way. Reads no further than one
 * byte more than `size`, by which it is another file already, and no longer than `until`. One attempt; throws HttpFault.
 */
export async function readServedGem(
  { fullName, size }: { fullName: string; size: number },
  server: GemServer,
  until: number,
  { http, clock }: { http: Http; clock: Clock },
): Promise<ServedGem> {
  const hash = createHash('sha256')
  let bytes = 0
  let late = false
  const answer = await http.send('download', {
    method: 'GET',
    url: new URL(`/gems/${encodeURIComponent(fullName)}.gem`, server.origin),
    receive: (chunk) => {
      hash.update(chunk.subarray(0, size + 1 - bytes))
      bytes += chunk.length
      late = clock.now() > until
      return bytes <= size && !late
    },
  })
  if (answer.status !== 200) return { state: 'none', reason: describe(answer) }
  if (late) return { state: 'none', reason: `only ${String(bytes)} of ${String(size)} bytes came in time` }
  // A page that something in between has put in the file's place.
  if (/html/i.test(answer.headers.get('content-type') ?? '')) return { state: 'none', reason: 'it sent an HTML page' }
  return { state: 'served', sha256: hash.digest('hex'), longer: bytes > size }
}
