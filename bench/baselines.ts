import { VERSION } from './material.ts'
import { type Ran, script } from './program.ts'
import type { Scene } from './scene.ts'

/** What people run today, with the real tools of this machine. */

const IDENTITY = { GIT_AUTHOR_NAME: 'Octo Cat', GIT_AUTHOR_EMAIL: 'octocat@example.com' }
const COMMITTER = { GIT_COMMITTER_NAME: 'Octo Cat', GIT_COMMITTER_EMAIL: 'octocat@example.com' }

/**
 * The steps of rubygems/release-gem in its order. Its actions are Node.js programs of their own and its last step is a
 * gem that has to be installed first: curl and a loop in their place do the same requests in less time.
 */
export async function incumbent(scene: Scene, gem: string): Promise<Ran> {
  return script(
    `
    token=$(curl -fsS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
      "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=rubygems.org" | sed -E 's/.*"value": ?"([^"]+)".*/\\1/')
    export GEM_HOST_API_KEY=$(curl -fsS -H 'Content-Type: application/json' -d "{\\"jwt\\":\\"$token\\"}" \\
      "$RUBYGEMS_HOST/api/v1/oidc/trusted_publisher/exchange_token" | sed -E 's/.*"rubygems_api_key": ?"([^"]+)".*/\\1/')
    git fetch --quiet --tags --force
    bundle exec rake release
    until curl -fsS "$RUBYGEMS_HOST/info/${gem}" | grep -q "^${VERSION} "; do sleep 1; done
    `,
    scene.workspace,
    scene.environment({ ...IDENTITY, ...COMMITTER }),
  )
}

/** \`gem push\` of each file, one after the other. */
export async function pushLoop(scene: Scene, directory: string, key: string): Promise<Ran> {
  return script(
    'for file in *.gem; do gem push "$file" --host "$RUBYGEMS_HOST"; done',
    directory,
    scene.environment({ GEM_HOST_API_KEY: key }),
  )
}

/** \`gem build\` of each gemspec, one after the other. */
export async function buildLoop(scene: Scene): Promise<Ran> {
  return script('for file in *.gemspec; do gem build "$file"; done', scene.workspace, scene.environment())
}

/** An upload with nothing around it: what the network and the server take for these bytes. */
export async function curlUpload(scene: Scene, file: string, key: string): Promise<Ran> {
  return script(
    'curl -fsS -X POST -T "$GEM_FILE" -H "Authorization: $KEY" -H "Content-Type: application/octet-stream" -H "Expect:" "$RUBYGEMS_HOST/api/v1/gems"',
    scene.workspace,
    scene.environment({ GEM_FILE: file, KEY: key }),
  )
}
