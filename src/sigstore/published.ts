import { isDeepStrictEqual } from 'node:util'
import { type JsonObject, objectAt, objectsAt } from '../json.ts'
import { type Http, isPassing, passingTrouble } from '../world/http.ts'
import { describe } from '../world/http-answer.ts'
import { HttpFault } from '../world/http-fault.ts'
import type { Clock } from '../world/clock.ts'
import type { Attempt } from '../world/retry.ts'
import type { GemServer } from '../server.ts'
import type { Bundle } from './attester.ts'
import { readFields } from './bundle-fields.ts'

/**
 * Every bundle the registry lists for a published gem: GET /api/v1/attestations/FULL_NAME.json (rubygems.org
 * app/controllers/api/v1/attestations_controller.rb). None where it knows no such gem (yet). One attempt.
 */
export async function listedAttestations(
  fullName: string,
  server: GemServer,
  http: Http,
  clock: Clock,
): Promise<Attempt<readonly unknown[]>> {
  const url = new URL(`/api/v1/attestations/${encodeURIComponent(fullName)}.json`, server.origin)
  try {
    const answer = await http.send('verify', { method: 'GET', url, headers: { accept: 'application/json' } })
    const trouble = passingTrouble(answer, clock)
    if (trouble) return trouble
    if (answer.status === 404) return { done: [] }
    if (answer.status !== 200 || !Array.isArray(answer.json)) return { again: describe(answer) }
    return { done: answer.json }
  } catch (error) {
    if (error instanceof HttpFault && isPassing(error, 'verify')) return { again: error.message }
    throw error
  }
}

/** Whether all `bundles` are among those the registry lists. */
export function areListed(bundles: readonly Bundle[], listed: readonly unknown[]): boolean {
  const there = listed.map(essence)
  return bundles.every((bundle) => there.some((one) => isDeepStrictEqual(one, essence(bundle))))
}

/** What makes a bundle this one. The registry may write the rest anew: order, spelling, fields that are empty. */
function essence(value: unknown): JsonObject {
  const { bundle } = readFields(value)
  const material = objectAt(bundle, 'verificationMaterial')
  const [entry] = objectsAt(material, 'tlogEntries')
  const envelope = objectAt(bundle, 'dsseEnvelope')
  return {
    certificate: objectAt(material, 'certificate')['rawBytes'] ?? objectAt(material, 'x509CertificateChain'),
    entry: objectAt(entry)['canonicalizedBody'],
    payload: envelope['payload'],
    signatures: objectsAt(envelope, 'signatures').map((signature) => signature['sig']),
    message: objectAt(bundle, 'messageSignature')['signature'],
  }
}
