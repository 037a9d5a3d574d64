import { describe, expect, it } from 'vitest'
import { TestWorld } from './world.ts'

describe('attesting', () => {
  it('gives bundles that the registry takes, shows and keeps, for several gems and platforms', async () => {
    await using world = await TestWorld.start()
    const gems = [world.gem('paper-boat'), world.gem('paper-hat'), world.gem('paper-boat', undefined, 'x86_64-linux')]
    const attester = world.attester()
    const bundles = await Promise.all(gems.map((gem) => attester.attest(gem)))
    for (const [index, gem] of gems.entries()) {
      const bundle = bundles[index]
      expect(await world.push(gem, bundle ? [bundle] : [])).toMatchObject({ status: 200 })
      const shown = await fetch(`${world.registry.url}/api/v1/attestations/${gem.fullName}.json`)
      expect(await shown.json()).toEqual([bundle])
    }
  })
})
