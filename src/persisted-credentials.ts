import type { ApiKey } from './rubygems/api-key.ts'
import { credentialsPath, restoreCredentials, writeCredentials } from './rubygems/credentials-file.ts'
import type { CredentialsReceipt } from './rubygems/credentials-receipt.ts'
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
    owner: privateDirectory,
    remember: (made) => {
      runner.saveState(STATE.credentials, JSON.stringify(made))
    },
  })
  if (receipt.recovered) {
    runner.info(`${receipt.path} still held the key of a run that was lost; what it was before that run counts again.`)
  }
  runner.info(`Wrote the key to ${receipt.path} (0600); the post step puts the file back as it was.`)
  return receipt
}

/** Puts the credentials file back; says so in one sentence, and never fails. */
export async function putBack(receipt: CredentialsReceipt): Promise<string> {
  const { reason } = await restoreCredentials(receipt)
  return reason
}
