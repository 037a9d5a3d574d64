import { ReleaseError } from '../errors.ts'
import { API_TOKEN } from '../inputs.ts'
import type { GemServer } from '../server.ts'
import { files } from '../world/files.ts'
import { Secret } from '../world/secret.ts'
import type { Runner } from '../world/runner.ts'
import type { World } from '../world/world.ts'
import type { ApiKey } from './api-key.ts'
import { credentialsPath } from './credentials-file.ts'
import { credentialsKey, findCredential } from './credentials-text.ts'

/**
 * The key that earlier steps configured, found as `gem push` finds it (rubygems/gemcutter_utilities.rb): the variable
 * `GEM_HOST_API_KEY`, then the credentials file's entry for this very server. RubyGems would fall back to the key of
 * RubyGems.org for any server; this action does not send it elsewhere. Throws ReleaseError (`no-credentials`).
 */
export async function existingKey(server: GemServer, { runner }: World): Promise<ApiKey> {
  const fromVariable = runner.env['GEM_HOST_API_KEY']
  if (fromVariable) return usable(fromVariable, 'variable `GEM_HOST_API_KEY`', runner)
  const { HOME, XDG_DATA_HOME, USERPROFILE } = runner.env
  const path = await credentialsPath({ HOME, XDG_DATA_HOME, USERPROFILE })
  const key = credentialsKey(new URL(server.origin))
  const found = findCredential((await files.text(path)) ?? '', key)
  if (found) return usable(found, `entry \`${key}\` of ${path}`, runner)
  throw new ReleaseError({
    code: 'no-credentials',
    what: `Input \`setup-trusted-publisher\` is "false", and no credentials for ${server.origin} are configured: neither \`GEM_HOST_API_KEY\` nor an entry \`${key}\` in ${path}.`,
    fix: 'Run the step that configures credentials in this same job before this one, or remove `setup-trusted-publisher: false`.',
  })
}

/** Whether the credentials file has an entry for the server at this address, as `gem push` looks it up. */
export async function hasCredential(server: string, { runner }: World): Promise<boolean> {
  const { HOME, XDG_DATA_HOME, USERPROFILE } = runner.env
  const text = await files.text(await credentialsPath({ HOME, XDG_DATA_HOME, USERPROFILE }))
  return findCredential(text ?? '', server) !== undefined
}

function usable(value: string, source: string, runner: Runner): ApiKey {
  runner.mask(value)
  if (API_TOKEN.test(value)) return { value: new Secret(value), source }
  throw new ReleaseError({
    code: 'no-credentials',
    what: `The existing credential (${source}) cannot be sent: it must be 8 to 512 printable ASCII characters without spaces.`,
    fix: 'Set it again without line breaks or quotes.',
  })
}
