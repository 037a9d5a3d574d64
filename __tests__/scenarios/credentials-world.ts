import { chmod, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import type { Sandbox, SandboxJob } from '../../sandbox/sandbox.ts'
import type { StepResult } from '../../sandbox/runner/step.ts'
import { ACTION } from './scenario.ts'

export const CLASSIC = '.gem/credentials'
export const OTHERS = '---\nhttps://gems.example.com: other_key_0123456789\n'

/** A file as it is on disk; undefined where there is none. */
export interface Kept {
  text: string
  mode: number
}

export async function keep(home: string, name: string, { text, mode }: Kept): Promise<void> {
  const file = path.join(home, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
  await chmod(file, mode)
}

/** All files below a home directory but Ruby's caches, with their modes. */
export async function homeOf(home: string): Promise<Record<string, Kept>> {
  const found: Record<string, Kept> = {}
  for (const name of (await readdir(home, { recursive: true })).toSorted()) {
    const file = path.join(home, name)
    const stat = await lstat(file)
    if (stat.isFile()) found[name] = { text: await readFile(file, 'utf8'), mode: stat.mode & 0o777 }
  }
  return found
}

/** Directories and files that are there, by name. */
export async function namesIn(home: string): Promise<string[]> {
  return (await readdir(home, { recursive: true })).toSorted()
}

/** Another step of the job that uses the credentials action. */
export async function configureAgain(
  { runner }: SandboxJob,
  sandbox: Sandbox,
  inputs: Record<string, string> = {},
): Promise<StepResult> {
  const step = await runner.uses(path.join(ACTION, 'credentials'), {
    with: { 'gem-server': sandbox.registry.url, ...inputs },
  })
  expect(step.exitCode).toBe(0)
  return step
}

/** A later step that builds the gem at some version and pushes it with the real `gem push`. */
export async function gemPush({ runner }: SandboxJob, host: string, version = '1.2.3'): Promise<StepResult> {
  const bump = `sed -i 's/spec.version = ".*"/spec.version = "${version}"/' rack-lens.gemspec`
  return runner.run(`${bump}\ngem build rack-lens.gemspec --output later.gem\ngem push later.gem --host ${host}`)
}

/** What a post step says beyond the line that the runner itself prints. */
export function saidAfterwards(step: StepResult | undefined): string[] {
  return (step?.lines ?? []).map(({ text }) => text).filter((text) => text !== 'Post job cleanup.')
}
