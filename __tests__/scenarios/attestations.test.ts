import { describe, expect, it } from 'vitest'
import { aim } from '../../sandbox/faults.ts'
import { prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { newWorld, type ScenarioWorld } from './scenario.ts'

/** The bundles the registry lists for the released gem, through its public API. */
async function listed(world: ScenarioWorld): Promise<unknown> {
  const answer = await fetch(`${world.sandbox.registry.url}/api/v1/attestations/rack-lens-1.2.3.json`)
  return answer.json()
}

const PUSH = { method: 'POST', path: /\/api\/v1\/gems$/ }

describe('attestations', () => {
  it('are signed before there is a key, verified by the registry, and confirmed', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository()
    const { step, log, gems } = await world.run({ with: { attestations: 'required' } })
    expect(step.exitCode, log).toBe(0)
    expect(gems).toMatchObject([{ status: 'pushed', attested: true }])
    expect(await listed(world)).toHaveLength(1)
    expect(log).toContain('lists the attestation of rack-lens 1.2.3')
    const order = world.sandbox.requests.map(({ service, path }) => `${service} ${path.split('?')[0] ?? ''}`)
    const signing = order.findLastIndex((line) => line.startsWith('rekor'))
    expect(signing).toBeGreaterThan(-1)
    expect(signing).toBeLessThan(order.indexOf('registry /api/v1/oidc/trusted_publisher/exchange_token'))
    expect(step.summary).toContain('| yes |')
  })

  it('are sent with every attempt: a push whose answer got lost is not repeated without', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository()
    world.sandbox.registry.inject(aim('reset-unprocessed', PUSH, 1))
    const { step, log } = await world.run({ with: { attestations: 'required' } })
    expect(step.exitCode, log).toBe(0)
    const pushes = world.sandbox.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v1/gems')
    expect(new Set(pushes.map(({ bodySha256 }) => bodySha256)).size).toBe(1)
    expect(await listed(world)).toHaveLength(1)
  })

  it('are given up aloud when Sigstore is out of order, or stop the release when required', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository()
    world.sandbox.sigstore?.fulcio.inject(aim('403-html', { path: /./ }))
    const strict = await world.run({ with: { attestations: 'required' } })
    expect(strict.step.exitCode).toBe(1)
    expect(strict.error).toContain('attestation-failed')
    expect(world.requests('registry').filter((line) => line.startsWith('POST'))).toEqual([])
    const loose = await world.run()
    expect(loose.step.exitCode, loose.log).toBe(0)
    expect(loose.gems).toMatchObject([{ status: 'pushed', attested: false }])
    const warning = loose.step.annotations.find(({ level }) => level === 'warning')
    expect(warning?.title).toBe('Published without attestations')
    expect(warning?.message).toContain('They cannot be added later.')
    expect(await listed(world)).toEqual([])
  })

  it('are not tried, and that is said, where the registry would refuse them', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository(project(), { gems: [] })
    const token = world.sandbox.registry.addUserKey({ gems: ['rack-lens'], scopes: ['push_rubygem'] })
    const required = await world.run({ with: { 'api-token': token, attestations: 'required' } })
    expect(required.error).toContain('RubyGems.org accepts attestations only with the key of a trusted publisher')
    const { step, log } = await world.run({ with: { 'api-token': token } })
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('to be published without attestations: the key is a static token')
    expect(world.requests('fulcio')).toEqual([])
  })

  it('come with a gem that the project pushes in its own release task', async () => {
    await using world = await newWorld({ sigstore: true })
    const rakefile =
      'require "bundler/gem_tasks"\ntask(:announce) { puts "released" }\ntask(:release) { Rake::Task["announce"].invoke }\n'
    await world.repository(project({ rakefile }))
    const { step, log, gems } = await world.run({ with: { attestations: 'required' } })
    expect(step.exitCode, log).toBe(0)
    expect(log).toContain('Strategy rake')
    expect(gems).toMatchObject([{ status: 'pushed', attested: true }])
    expect(await listed(world)).toHaveLength(1)
  })

  it('of an earlier run are reported by the next, which signs nothing; and so is their absence', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository()
    await world.run()
    const signed = world.requests('fulcio').length
    const again = await world.run({ runAttempt: 2 })
    expect(again.step.exitCode, again.log).toBe(0)
    expect(again.gems).toMatchObject([{ status: 'already-published', attested: true }])
    expect(again.log).toContain('lists the attestation of rack-lens 1.2.3')
    expect(world.requests('fulcio')).toHaveLength(signed)

    const bare = { name: 'rack-lens', number: '2.0.0' }
    await world.run(prebuilt([bare], { with: { attestations: 'false', tag: 'false' } }))
    const without = await world.run(prebuilt([bare], { runAttempt: 2, with: { tag: 'false' } }))
    expect(without.gems).toMatchObject([{ status: 'already-published', attested: false }])
    expect(without.log).toContain('rack-lens 2.0.0 was published without an attestation')
  })

  it('are foretold by a dry run', async () => {
    await using world = await newWorld({ sigstore: true })
    await world.repository()
    const { log } = await world.run({ with: { 'dry-run': 'true' } })
    expect(log).toContain(
      'Attestations would be signed as https://github.com/octo/rack-lens/.github/workflows/release.yml@refs/heads/main.',
    )
    expect(world.requests('fulcio')).toEqual([])
  })
})
