import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

/**
 * The tests that need neither the sandbox (which reads /proc, and runs git as a server) nor the modes and links of POSIX:
 * what CI can run on every system that GitHub has runners for. They run on the Node.js that runs this.
 */
const PORTABLE = [
  'changelog',
  'contract',
  'plan',
  'plan-events',
  'plan-gems',
  'plan-strategy',
  'plan-tags',
  'report',
  'rubygems/credentials-text',
  'rubygems/push-answer',
  'sanitise',
  'sigstore/policy',
  'supply-chain/compatibility',
  'supply-chain/forms',
  'supply-chain/manifests',
  'supply-chain/workflows',
  'tags',
  'threat-model',
  'world/retry',
  'world/windows',
]

const root = path.resolve(import.meta.dirname, '..')
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
const files = PORTABLE.map((name) => `__tests__/${name}.test.ts`)
// vitest says nothing about a name that fits no file, as long as others do.
const missing = files.filter((name) => !existsSync(path.join(root, name)))
if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')}`)
const { status } = spawnSync(process.execPath, [vitest, 'run', ...files], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
