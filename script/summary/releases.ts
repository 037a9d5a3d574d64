import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type SeedGem, seedGem } from '../../sandbox/registry/seed-gem.ts'
import { Sandbox } from '../../sandbox/sandbox.ts'

const ACTION = path.resolve(import.meta.dirname, '../..')
const REPOSITORY = 'octo/rack-lens'

const GEMS: readonly SeedGem[] = [
  { name: 'rack-lens', number: '1.2.3', dependencies: { 'rack-lens-core': '= 1.2.3' } },
  { name: 'rack-lens-core', number: '1.2.3', platform: 'arm64-darwin' },
  { name: 'rack-lens-core', number: '1.2.3', platform: 'x86_64-linux-gnu' },
  { name: 'rack-lens-core', number: '1.2.3' },
]

/** Two real releases in the sandbox, and the Markdown their jobs wrote: one that ends well and one of which half fails. */
export async function summaries(): Promise<{ summary: string; 'summary-failed': string }> {
  const trusted = ['rack-lens', 'rack-lens-core']
  return { summary: await release(trusted), 'summary-failed': await release(trusted.slice(1)) }
}

/** A publish job with four gems of two names, of which the registry lets it push the `trusted` ones. */
async function release(trusted: readonly string[]): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'release-gem-summary-'))
  try {
    await using sandbox = await Sandbox.start({ directory, sigstore: true, latencyMs: 80 })
    const repository = await sandbox.github.createRepository(REPOSITORY)
    await repository.commit({ 'README.md': '# Lenses\n' })
    const { registry } = sandbox
    registry.addVersion({ name: 'rack-lens', number: '1.2.2' })
    for (const gem of trusted) registry.addTrustedPublisher({ gem, repository: REPOSITORY, workflow: 'release.yml' })
    await using job = await sandbox.job({
      repository: REPOSITORY,
      on: { branch: 'main', event: 'workflow_dispatch' },
      checkout: false,
    })
    const packages = path.join(job.runner.workspace, 'pkg')
    await mkdir(packages)
    for (const gem of GEMS) await writeFile(path.join(packages, fileName(gem)), seedGem(gem))
    const step = await job.runner.uses(ACTION, { with: { gems: 'pkg/*.gem', 'gem-server': registry.url } })
    await job.runner.finish()
    // The sandbox stands for it.
    return step.summary
      .replaceAll(registry.url, 'https://rubygems.org')
      .replaceAll(new URL(registry.url).host, 'rubygems.org')
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

function fileName({ name, number, platform }: SeedGem): string {
  return `${name}-${number}${platform === undefined ? '' : `-${platform}`}.gem`
}
