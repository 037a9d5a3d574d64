import { isObject, objectAt, parseJson, stringAt } from './json.ts'
import type { ApiKey } from './rubygems/api-key.ts'
import {
  type CredentialsReceipt,
  credentialsPath,
  restoreCredentials,
  writeCredentials,
} from './rubygems/credentials-file.ts'
import { credentialsKey } from './rubygems/credentials-text.ts'
import type { GemServer } from './server.ts'
import { STATE } from './state.ts'
import type { World } from './world/world.ts'

/**
 * Writes the key to the user's gem credentials file. The receipt goes into the action's state before the file
 * changes, so that the post step can undo it whatever happens to this process.
 */
export async function keepForLaterSteps(key: ApiKey, server: GemServer, world: World): Promise<CredentialsReceipt> {
  const { runner, privateDirectory } = world
  const { HOME, XDG_DATA_HOME, USERPROFILE } = runner.env
  const receipt = await writeCredentials({
    path: await credentialsPath({ HOME, XDG_DATA_HOME, USERPROFILE }),
    key: credentialsKey(new URL(server.origin)),
    secret: key.value,
    workspace: runner.env['GITHUB_WORKSPACE'] ?? '',
    backupDirectory: privateDirectory,
    remember: (made) => {
      runner.saveState(STATE.credentials, JSON.stringify(made))
    },
  })
  runner.info(`Wrote the key to ${receipt.path} (0600); the post step puts the file back as it was.`)
  return receipt
}

/** Puts the credentials file back; says so in one sentence, and never fails. */
export async function putBack(receipt: CredentialsReceipt): Promise<string> {
  const { reason } = await restoreCredentials(receipt)
  return reason
}

/** The receipt a step left in its state, or undefined where it left none. */
export function savedReceipt(state: string): CredentialsReceipt | undefined {
  const value = parseJson(state)
  const path = stringAt(value, 'path')
  const writtenSha256 = stringAt(value, 'writtenSha256')
  if (!isObject(value) || path === undefined || writtenSha256 === undefined) return undefined
  const created = Array.isArray(value['createdDirectories']) ? value['createdDirectories'] : []
  const backup = { ...objectAt(value, 'backup') }
  const copy = stringAt(backup, 'path')
  const sha256 = stringAt(backup, 'sha256')
  const mode = backup['mode']
  return {
    path,
    writtenSha256,
    createdDirectories: created.filter((directory) => typeof directory === 'string'),
    ...(copy && sha256 && typeof mode === 'number' ? { backup: { path: copy, sha256, mode } } : {}),
  }
}
