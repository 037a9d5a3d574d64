import { spawnSync } from 'node:child_process'
import path from 'node:path'

/**
 * The tests that need neither the sandbox (which reads /proc, and runs git as a server) nor the modes and links of POSIX:
 * what CI can run on every system that GitHub has runners for. They run on the Node.js that runs this.
 */
const PORTABLE = [
  'changelog',
  'contract',
  'plan',
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
const files = PORTABLE.map((name) => `__tests__/${name}.`)
const { status } = spawnSync(process.execPath, [vitest, 'run', ...files], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
