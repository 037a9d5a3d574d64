import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readGem } from '../../src/rubygems/gem-file.ts'
import { expectGreen, newWorld, REPOSITORY } from './scenario.ts'
import { project } from './projects.ts'

const ROOT = process.geteuid?.() === 0

describe('one gem, built and pushed by the action', () => {
  it('is released from a workflow_dispatch: pushed, verified, tagged, installable', async () => {
    await using world = await newWorld()
    const sha = await world.repository(project({ gemspecLines: ['spec.metadata["rubygems_mfa_required"] = "true"'] }))
    const ran = await world.run()
    expectGreen(ran)
    const { gems } = ran
    expect(gems).toMatchObject([{ name: 'rack-lens', version: '1.2.3', platform: 'ruby', status: 'pushed' }])
    expect(world.published('rack-lens-1.2.3')).toBe(gems[0]?.sha256)
    const tag = await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')
    expect(tag).toMatchObject({ type: 'tag', commit: sha, message: 'Version 1.2.3' })
    expect(tag?.tagger).toMatchObject({ name: 'Octo Cat', email: 'octocat@example.com' })
  })

  it('tells in outputs, summary and log what happened, and leaves nothing behind', async () => {
    await using world = await newWorld()
    await world.repository()
    let left: string[] = []
    const ran = await world.run({
      meanwhile: async ({ runner }) => {
        left = [...(await readdir(runner.home, { recursive: true })), ...(await readdir(runner.workspace))]
      },
    })
    expectGreen(ran)
    const { step, gems, log, job } = ran
    const url = `${world.sandbox.registry.url}/gems/rack-lens/versions/1.2.3`
    const sha256 = world.published('rack-lens-1.2.3') ?? ''
    expect(gems).toEqual([
      {
        name: 'rack-lens',
        version: '1.2.3',
        platform: 'ruby',
        file: expect.stringMatching(/\/pkg\/rack-lens-1\.2\.3\.gem$/),
        sha256,
        size: world.sandbox.registry.versions('rack-lens').find(({ number }) => number === '1.2.3')?.size,
        status: 'pushed',
        attested: false,
        url,
      },
    ])
    expect(step.outputs).toEqual({
      gems: JSON.stringify(gems),
      name: 'rack-lens',
      version: '1.2.3',
      tag: 'v1.2.3',
      published: 'true',
      checksums: `${sha256}  rack-lens-1.2.3.gem`,
      'release-url': '',
    })
    expect(step.annotations).toEqual([])
    expect(step.summary).toContain(
      `| [\`rack-lens\`](${url}) | \`1.2.3\` | \`ruby\` | \`pushed\` | \`${sha256.slice(0, 12)}…\` |`,
    )
    for (const phase of ['Look around', 'Plan', 'Build', 'Inspect', 'Exchange', 'Push', 'Verify', 'Tag', 'Await']) {
      expect(step.lines.find(({ kind, text }) => kind === 'group' && text === phase)).toBeDefined()
    }
    expect(log).toContain('Strategy direct: the `release` task is Bundler’s own, unchanged.')
    expect(left.filter((name) => /credential/.test(name))).toEqual([])
    expect(left).toContain('pkg')
    expect(job.post.map(({ exitCode }) => exitCode)).toEqual([0])
    const directory = step.state['private-directory'] ?? ''
    expect(directory).toMatch(/\/_temp\/release-gem-/)
    expect(existsSync(directory)).toBe(false)
  })

  // Only root may give files away; in a container job it is root that runs the steps.
  it.skipIf(!ROOT).each(['direct', 'rake'])(
    'has its files under %s though the checkout is not ours',
    async (strategy) => {
      await using world = await newWorld()
      await world.repository()
      const ran = await world.run({
        with: { strategy },
        before: ({ runner }) => {
          execFileSync('chown', ['-R', '1001:1001', runner.workspace])
        },
      })
      expectGreen(ran)
      const published = await readGem(path.join(world.directory, 'registry', 'gems', 'rack-lens-1.2.3.gem'))
      expect(published).toMatchObject({ fileCount: 2, sha256: ran.gems[0]?.sha256 })
    },
  )

  it('does things in the order in which nothing has to be taken back', async () => {
    await using world = await newWorld()
    await world.repository()
    expectGreen(await world.run())
    const wire = world.sandbox.requests
      .filter(({ service }) => service !== 'git')
      .map(
        ({ service, method, path: where }) =>
          `${service} ${method} ${where.replace(/\?.*/, '').replace(/[0-9a-f]{40}/, 'SHA')}`,
      )
    const order = wire.filter((request) => !request.endsWith('/.well-known/jwks'))
    for (const request of order.slice(0, 4)) expect(request).toMatch(/^(github|registry) GET/)
    // Asked for at the same time.
    expect(order.slice(4, 6).toSorted()).toEqual([`github POST /repos/${REPOSITORY}/git/tags`, 'oidc GET /token'])
    expect(order.slice(6, 10)).toEqual([
      'registry POST /api/v1/oidc/trusted_publisher/exchange_token',
      'registry POST /api/v1/gems',
      'registry GET /api/v2/rubygems/rack-lens/versions/1.2.3.json',
      `github POST /repos/${REPOSITORY}/git/refs`,
    ])
    // Side by side.
    expect(order.slice(10).toSorted()).toEqual([
      'registry GET /gems/rack-lens-1.2.3.gem',
      'registry GET /info/rack-lens',
    ])
  })
})
