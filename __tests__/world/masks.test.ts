import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const RUNNER = path.resolve(import.meta.dirname, '../../src/world/runner.ts')

/** What a step prints that masks these texts; a process of its own, whose standard output is the runner's ear. */
function masking(...secrets: string[]): string[] {
  const script = `import { actionsRunner } from ${JSON.stringify(RUNNER)}
const runner = actionsRunner({})
for (const secret of ${JSON.stringify(secrets)}) runner.mask(secret)`
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  return printed.split('\n').filter((line) => line !== '')
}

describe('a mask', () => {
  it('is registered for every form that the runner does not derive itself', () => {
    const secret = 'rubygems_ß/+?'
    const bytes = Buffer.from(secret)
    const forms = [secret, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
    // The percent signs of the last form, as the runner wants them in a command.
    const encoded = encodeURIComponent(secret).replaceAll('%', '%25')
    expect(masking(secret)).toEqual([...forms, encoded].map((form) => `::add-mask::${form}`))
  })

  it('is not registered for what would blank the log: short texts, and those of several lines', () => {
    expect(masking('', ' ', 'a', '1234567', 'rubygems_\nabcdef', 'rubygems_\rabcdef')).toEqual([])
    expect(masking('12345678')).not.toEqual([])
  })
})
