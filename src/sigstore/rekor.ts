import { ReleaseError } from '../errors.ts'
import { isObject, type JsonObject, objectAt, parseJson, stringAt } from '../json.ts'
import type { HttpAnswer } from '../world/http-answer.ts'
import type { Attempt } from '../world/retry.ts'
import { attestationProblem, converse, type SigningWorld } from './conversation.ts'
import type { SigstoreServices } from './services.ts'

/** A log entry as a bundle holds it: `TransparencyLogEntry` of Sigstore's protobuf-specs, in its JSON form. */
export type LogEntry = JsonObject

const ENTRIES = '/api/v1/log/entries'
const UUID = /\b([0-9a-f]{16})?[0-9a-f]{64}\b/
const JSON_BOTH = { accept: 'application/json', 'content-type': 'application/json' }

/**
 * Enters a signed envelope into the transparency log, as entry kind `dsse 0.0.1`: of Rekor v1, which is all that
 * sigstore-ruby 0.2.3 knows (lib/sigstore/models.rb expected_tlog_entry). An entry that is there already, because an
 * earlier answer was lost, is as good. Throws ReleaseError (`attestation-failed`).
 */
export async function enterIntoLog(
  envelope: unknown,
  certificate: string,
  services: SigstoreServices,
  world: SigningWorld,
): Promise<LogEntry> {
  const verifiers = [Buffer.from(certificate).toString('base64')]
  const proposedContent = { envelope: JSON.stringify(envelope), verifiers }
  const entered = await converse<LogEntry | { existing: string }>(
    'enter the attestation into Rekor',
    failure,
    {
      method: 'POST',
      url: new URL(ENTRIES, services.rekor),
      headers: JSON_BOTH,
      body: JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } }),
    },
    (answer) => (answer.status === 409 ? { done: existing(answer) } : judge(answer)),
    world,
  )
  if (!isExisting(entered)) return entered
  return converse(
    'read the entry that Rekor already has',
    failure,
    { method: 'GET', url: new URL(`${ENTRIES}/${entered.existing}`, services.rekor), headers: JSON_BOTH },
    judge,
    world,
  )
}

const failure = (reason: string): ReturnType<typeof attestationProblem> =>
  attestationProblem(`Rekor did not take the attestation into its log: ${reason}.`)

function isExisting(value: LogEntry | { existing: string }): value is { existing: string } {
  return typeof value['existing'] === 'string'
}

/** Where the entry is: a number in the answer, looked up in the one log we talk to, whatever address it names. */
function existing(answer: HttpAnswer): { existing: string } {
  const uuid = UUID.exec(answer.headers.get('location') ?? '') ?? UUID.exec(stringAt(answer.json, 'message') ?? '')
  if (uuid) return { existing: uuid[0] }
  throw new ReleaseError(failure('it has an equal entry but does not say where'))
}

function judge(answer: HttpAnswer): Attempt<LogEntry> {
  const status = String(answer.status)
  if (answer.status >= 300) {
    throw new ReleaseError(attestationProblem(`Rekor refused the attestation: the answer was ${status}.`))
  }
  const entries = isObject(answer.json) ? Object.values(answer.json) : []
  const entry = entries.length === 1 ? asLogEntry(entries[0]) : undefined
  return entry ? { done: entry } : { again: `the answer was ${status} without a log entry and its proof` }
}

const hex = (value: unknown): string | undefined =>
  typeof value === 'string' && /^([0-9a-f]{2})+$/.test(value) ? Buffer.from(value, 'hex').toString('base64') : undefined

/** From Rekor's own form (hexadecimal, numbers) into the bundle's (base64, numbers as text). */
function asLogEntry(value: unknown): LogEntry | undefined {
  const verification = objectAt(value, 'verification')
  const proof = objectAt(verification, 'inclusionProof')
  const body = stringAt(value, 'body')
  const content = parseJson(Buffer.from(body ?? '', 'base64').toString('utf8'))
  const [kind, version] = [stringAt(content, 'kind'), stringAt(content, 'apiVersion')]
  const { logIndex, integratedTime, logID } = isObject(value) ? value : {}
  const hashes = Array.isArray(proof['hashes']) ? proof['hashes'].map(hex) : [undefined]
  const [keyId, rootHash] = [hex(logID), hex(proof['rootHash'])]
  const [envelope, promise] = [stringAt(proof, 'checkpoint'), stringAt(verification, 'signedEntryTimestamp')]
  const numbers = [logIndex, integratedTime, proof['logIndex'], proof['treeSize']]
  if (!body || !kind || !version || !keyId || !rootHash || !envelope || hashes.includes(undefined)) return undefined
  if (!numbers.every(Number.isSafeInteger)) return undefined
  return {
    logIndex: String(logIndex),
    logId: { keyId },
    kindVersion: { kind, version },
    integratedTime: String(integratedTime),
    ...(promise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: promise } }),
    inclusionProof: {
      logIndex: String(proof['logIndex']),
      rootHash,
      treeSize: String(proof['treeSize']),
      hashes,
      checkpoint: { envelope },
    },
    canonicalizedBody: body,
  }
}
