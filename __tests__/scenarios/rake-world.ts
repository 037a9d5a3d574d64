import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { searchForSecrets } from '../../sandbox/runner/leaks.ts'
import type { SandboxJob } from '../../sandbox/sandbox.ts'

/** Files of the job that hold the GitHub token at this moment. */
export function secretsOnDisk({ runner, token }: SandboxJob): string[] {
  const roots = [runner.home, runner.temp, runner.workspace]
  return searchForSecrets({ secrets: { 'GitHub token': token }, roots, texts: {} }).map(({ where }) => where)
}

/** What the post step of actions/checkout does, so that its own file is not taken for a leak of ours. */
export async function forgetCheckoutCredentials({ runner }: SandboxJob): Promise<void> {
  for (const name of await readdir(runner.temp)) {
    if (name.startsWith('git-credentials-')) await rm(path.join(runner.temp, name))
  }
}
