import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { bytesIn, type Fields, fieldsIn, SigstoreError, Unrescued } from './attestation-form.ts'

/** Keys of logs by their ids (lib/sigstore/internal/keyring.rb). */
export class LogKeys {
  readonly #keys: ReadonlyMap<string, KeyObject>

  constructor(logs: readonly Fields[]) {
    this.#keys = new Map(
      logs.map((log) => [
        bytesIn(fieldsIn(log, 'logId') ?? {}, 'keyId').toString('hex'),
        createPublicKey({
          key: bytesIn(fieldsIn(log, 'publicKey') ?? {}, 'rawBytes'),
          format: 'der',
          type: 'spki',
        }),
      ]),
    )
  }

  verify(id: Buffer, signature: Buffer, data: Buffer): void {
    const key = this.#keys.get(id.toString('hex'))
    if (!key) throw new Unrescued('key not found')
    if (!verify('sha256', data, key, signature)) {
      throw new SigstoreError(`invalid signature with key ${JSON.stringify(id.toString('hex'))}`)
    }
  }
}
