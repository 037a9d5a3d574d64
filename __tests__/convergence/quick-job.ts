import path from 'node:path'
import { Runner } from '../../sandbox/runner/runner.ts'
import type { Sandbox, SandboxJob } from '../../sandbox/sandbox.ts'
import { PUBLISHER, REPOSITORY } from '../scenarios/scenario.ts'
import type { QuickGitHub } from './quick-github.ts'

/** A job like those of `Sandbox.job`, whose GitHub is the quick one. */
export async function quickJob(
  sandbox: Sandbox,
  github: QuickGitHub,
  { sha, attempt, machine }: { sha: string; attempt: number; machine: string },
): Promise<SandboxJob> {
  const ref = 'refs/heads/main'
  const eventName = 'workflow_dispatch'
  const { workflow: workflowFile } = PUBLISHER
  const token = sandbox.github.addToken({ repository: REPOSITORY, permissions: { contents: 'write' } })
  const runAttempt = String(attempt)
  const idToken = sandbox.oidc.registerJob({ repository: REPOSITORY, workflowFile, ref, sha, eventName, runAttempt })
  const runner = await Runner.create({
    directory: path.join(sandbox.directory, 'machines', machine),
    github: {
      repository: REPOSITORY,
      ref,
      refType: 'branch',
      sha,
      eventName,
      event: {},
      workflowFile,
      runAttempt: attempt,
      serverUrl: sandbox.github.serverUrl,
      apiUrl: github.url,
    },
    token,
    idToken,
    path: '/nonexistent',
  })
  const dispose = (): Promise<void> => runner[Symbol.asyncDispose]()
  return { runner, token, sha, requestToken: idToken.requestToken, [Symbol.asyncDispose]: dispose }
}
