import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { RubyMachine } from '../sandbox/registry-ruby.ts'
import { exchange, isExchangeBody } from '../sandbox/registry-world.ts'
import { seedGem } from '../../sandbox/registry/seed-gem.ts'
import { fileName, LENS, prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { newWorld, REPOSITORY, type ScenarioWorld } from './scenario.ts'

describe('the world after a release', () => {
  it('has the gem for a real `gem install`, which then runs', async () => {
    await using world = await newWorld()
    await world.repository(project())
    const { error } = await world.run()
    expect(error).toBe('')
    const machine = await RubyMachine.make()
    const source = world.sandbox.registry.url
    const installed = await machine.run('.', 'gem', 'install', 'rack-lens', '--source', source, '--no-document')
    expect(installed.output).toContain('Successfully installed rack-lens-1.2.3')
    const used = await machine.run('.', 'ruby', '-e', 'require "rack-lens"; puts ScenarioGem::VERSION')
    expect(used.output).toBe('1.2.3\n')
  })

  it('is the same as after `gem push` of the same files', async () => {
    const gems = [LENS, { ...LENS, platform: 'x86_64-linux' }]
    await using ours = await newWorld()
    await ours.repository()
    const { error } = await ours.run(prebuilt(gems))
    expect(error).toBe('')

    await using theirs = await newWorld()
    await theirs.repository()
    const machine = await RubyMachine.make()
    await machine.credentials(theirs.sandbox.registry.url, await keyOf(theirs))
    for (const gem of gems) {
      await writeFile(path.join(machine.home, fileName(gem)), seedGem(gem))
      const pushed = await machine.run('.', 'gem', 'push', fileName(gem), '--host', theirs.sandbox.registry.url)
      expect(pushed.output).toContain('Successfully registered gem')
    }
    expect(ours.sandbox.registry.snapshot()).toBe(theirs.sandbox.registry.snapshot())
    expect(ours.live).toEqual(['rack-lens-1.2.3', 'rack-lens-1.2.3-x86_64-linux'])
  })
})

/** The key that a job of this repository's release workflow is given. */
async function keyOf({ sandbox }: ScenarioWorld): Promise<string> {
  const job = { repository: REPOSITORY, workflowFile: 'release.yml', ref: 'refs/heads/main' }
  const answer = await exchange({ registry: sandbox.registry }, await sandbox.oidc.mint(job, 'rubygems.org'))
  const body: unknown = await answer.json()
  if (!isExchangeBody(body)) throw new Error(`no key: ${String(answer.status)}`)
  return body.rubygems_api_key
}
