import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { World } from './world.ts'

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/release.yml')
const STEP = '      - uses: OWNER/release-gem@v1\n'

/** The workflow file for a project that has none: the example, fitted to the project. */
export function workflowToAdd({ workingDirectory, server }: Pick<World, 'workingDirectory' | 'server'>): string {
  const inputs = [
    ...(workingDirectory === '' ? [] : [`working-directory: ${workingDirectory}`]),
    ...(server === 'https://rubygems.org' ? [] : [`gem-server: ${server}`]),
  ]
  const text = readFileSync(EXAMPLE, 'utf8')
  const bundle = '      - run: bundle install\n'
  const inside = workingDirectory === '' ? bundle : `${bundle}        working-directory: ${workingDirectory}\n`
  const given = inputs.length === 0 ? '' : `        with:\n${inputs.map((line) => `          ${line}\n`).join('')}`
  return text.replace(bundle, inside).replace(STEP, STEP + given)
}
