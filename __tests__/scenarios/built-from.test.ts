import { cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { prebuilt } from './prebuilt.ts'
import { project } from './projects.ts'
import { expectRefusedEarly } from './refusal.ts'
import { expectGreen, newWorld, type Ran, REPOSITORY, type RunOptions, type ScenarioWorld } from './scenario.ts'

const OTHER = 'b2'.repeat(20)
/** The files of a version that takes no Rake to build. */
const FILES = project({ rakefile: false })
/** What makes a gem of the newest commit another one. */
const MOVED_ON = { 'lib/rack-lens.rb': '# main has moved on\n' }
const COMMIT = 'git -c user.name=Bot -c user.email=bot@example.com commit --quiet --allow-empty -m "Bump"'

/** A repository whose branch has moved on since the commit that CI has tested. */
async function movedOn(world: ScenarioWorld): Promise<{ tested: string; newest: string }> {
  const tested = await world.repository(FILES)
  const newest = await world.sandbox.github.repository(REPOSITORY).commit(MOVED_ON)
  return { tested, newest }
}

/** A run that CI's has caused: GITHUB_SHA is the newest commit of the branch. */
function afterCI(head_sha: string): Required<Pick<RunOptions, 'on' | 'payload'>> {
  const workflow_run = { head_sha, event: 'push', conclusion: 'success', head_repository: { full_name: REPOSITORY } }
  return { on: { branch: 'main', event: 'workflow_run' }, payload: { workflow_run } }
}

/** The build job; what it leaves in `pkg` is kept as the artifact. */
async function built(world: ScenarioWorld, options: RunOptions): Promise<Ran> {
  return world.run({
    action: 'build',
    permissions: { contents: 'read' },
    ...options,
    meanwhile: async ({ runner }) => {
      await mkdir(artifact(world), { recursive: true })
      await cp(path.join(runner.workspace, 'pkg'), artifact(world), { recursive: true })
    },
  })
}

/** The publish job, on what the build job has left. */
function handedOver(world: ScenarioWorld, options: RunOptions): RunOptions {
  return {
    action: 'publish',
    checkout: false,
    path: '/nonexistent',
    ...options,
    with: { gems: 'pkg/*.gem', ...options.with },
    before: ({ runner }) => cp(artifact(world), path.join(runner.workspace, 'pkg'), { recursive: true }),
  }
}

function artifact({ directory }: ScenarioWorld): string {
  return path.join(directory, 'artifact')
}

async function tagged(world: ScenarioWorld): Promise<string | undefined> {
  const tag = await world.sandbox.github.repository(REPOSITORY).tag('v1.2.3')
  return tag?.commit
}

describe('a release in two jobs after CI, when main has moved on', () => {
  it('is of the commit that CI has tested: gem and tag; and is not attested, which is said once', async () => {
    await using world = await newWorld({ sigstore: true })
    const { tested, newest } = await movedOn(world)
    const build = await built(world, { ...afterCI(tested), checkout: tested })
    expectGreen(build)
    expect(build.step.outputs['commit']).toBe(tested)
    const { commit = '', checksums = '' } = build.step.outputs
    const ran = await world.run(handedOver(world, { ...afterCI(tested), with: { commit, checksums } }))
    expectGreen(ran)
    expect(await tagged(world)).toBe(tested)
    expect(world.published('rack-lens-1.2.3')).toBe(build.gems[0]?.sha256)
    expect(ran.log).toContain(`Built from commit ${tested.slice(0, 12)}: input \`commit\`.`)

    expect(ran.gems).toMatchObject([{ status: 'pushed', attested: false }])
    expect(world.requests('fulcio')).toEqual([])
    const warnings = ran.step.annotations.filter(({ level }) => level === 'warning')
    expect(warnings.map(({ title }) => title)).toEqual(['The tag may be refused', 'No attestations'])
    for (const text of [tested.slice(0, 12), newest.slice(0, 12), 'They cannot be added later.']) {
      expect(ran.warnings).toContain(text)
    }
  })

  it('is refused early where attestations are required', async () => {
    await using world = await newWorld({ sigstore: true })
    const { tested, newest } = await movedOn(world)
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { ...afterCI(tested), with: { commit: tested, attestations: 'required' } }),
      code: 'attestation-failed',
      says: ['Attestations are required', `of commit ${tested.slice(0, 12)}`, newest.slice(0, 12), 'pushing its tag'],
    })
    expect(world.requests('oidc')).toEqual([])
  })
})

describe('a release in one job of another commit than the one that started it', () => {
  it.each([
    ['is published without attestations, which is said', { attestations: 'true' }, true],
    ['is published without attestations as it was asked to', { attestations: 'false' }, false],
  ])('%s', async (_, inputs, said) => {
    await using world = await newWorld({ sigstore: true })
    const { tested } = await movedOn(world)
    const ran = await world.run({ ...afterCI(tested), checkout: tested, with: inputs })
    expectGreen(ran)
    expect(await tagged(world)).toBe(tested)
    expect(ran.gems).toMatchObject([{ status: 'pushed', attested: false }])
    expect(ran.warnings.includes('without attestations')).toBe(said)
  })

  it('is refused early where attestations are required', async () => {
    await using world = await newWorld({ sigstore: true })
    const { tested } = await movedOn(world)
    await expectRefusedEarly(world, {
      ...afterCI(tested),
      checkout: tested,
      with: { attestations: 'required' },
      code: 'attestation-failed',
      says: [tested.slice(0, 12)],
    })
    expect(world.uploads).toEqual([])
  })

  it('foretells no attestation in a dry run', async () => {
    await using world = await newWorld({ sigstore: true })
    const { tested } = await movedOn(world)
    const ran = await world.run({ ...afterCI(tested), checkout: tested, with: { 'dry-run': 'true' } })
    expectGreen(ran)
    expect(ran.log).toContain('The trusted publisher of this job:')
    expect(ran.log).not.toContain('Attestations would be')
  })

  it('has to be told which, where the gems were there before: the checkout may be a stale one', async () => {
    await using world = await newWorld()
    const { tested, newest } = await movedOn(world)
    const others = { ...afterCI(tested), checkout: tested }
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, others),
      code: 'tag-commit-mismatch',
      says: [`from commit ${tested.slice(0, 12)}, which is checked out`, newest.slice(0, 12), '`commit:`'],
    })
    expect(await tagged(world)).toBeUndefined()
    expectGreen(await world.run(prebuilt(undefined, { ...others, with: { tag: 'false', attestations: 'false' } })))
    expectGreen(await world.run(prebuilt(undefined, { ...others, with: { commit: tested } })))
    expect(await tagged(world)).toBe(tested)
  })

  it('tags what `commit` says, whatever is checked out', async () => {
    await using world = await newWorld()
    const { tested, newest } = await movedOn(world)
    const commit = newest.toUpperCase()
    expectGreen(await world.run(prebuilt(undefined, { ...afterCI(tested), checkout: tested, with: { commit } })))
    expect(await tagged(world)).toBe(newest)
  })
})

describe('a commit that is handed over', () => {
  it('is refused where GitHub does not have it', async () => {
    await using world = await newWorld()
    await world.repository()
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { commit: OTHER } }),
      code: 'commit-not-on-github',
      says: [`Input \`commit\` names ${OTHER.slice(0, 12)}`, 'did not push it', 'output `commit`'],
    })
    expect(world.uploads).toEqual([])
  })

  it('is refused where a tag started the run and names another one', async () => {
    await using world = await newWorld()
    const sha = await world.repository(undefined, { tag: 'v1.2.3' })
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { on: { tag: 'v1.2.3' }, with: { commit: OTHER } }),
      code: 'tag-commit-mismatch',
      says: [`v1.2.3 names commit ${sha.slice(0, 12)}`, `${OTHER.slice(0, 12)} is what was built (input \`commit\`)`],
    })
    expect(world.uploads).toEqual([])
  })

  it('is refused where the jobs of a matrix have built different ones', async () => {
    await using world = await newWorld()
    const { tested, newest } = await movedOn(world)
    await expectRefusedEarly(world, {
      ...prebuilt(undefined, { with: { commit: `${tested}\n${newest}\n${tested}\n` } }),
      code: 'invalid-input',
      says: ['`commit` names 2 commits', tested, newest, 'have not built the same'],
    })
    expect(world.uploads).toEqual([])
  })
})

describe('a build job', () => {
  it.each([
    ['builds', {}],
    ['is given gems', { gems: 'pkg/*.gem' }],
  ])('that %s is refused where a tag started the run and another commit is checked out', async (_, inputs) => {
    await using world = await newWorld()
    const sha = await world.repository(FILES, { tag: 'v1.2.3' })
    const ran = await world.run({
      ...prebuilt(),
      action: 'build',
      on: { tag: 'v1.2.3' },
      checkout: true,
      path: process.env['PATH'] ?? '',
      with: inputs,
      before: async (job) => {
        await prebuilt().before?.(job)
        await job.runner.run(COMMIT)
      },
    })
    expect(ran.step.exitCode).toBe(1)
    expect(ran.error).toMatch(/^tag-commit-mismatch: /)
    expect(ran.error).toContain(`v1.2.3 names commit ${sha.slice(0, 12)}`)
    expect(ran.step.outputs).toEqual({})
  })

  it('that is given gems says what is checked out', async () => {
    await using world = await newWorld()
    const { tested } = await movedOn(world)
    const ran = await world.run(
      prebuilt(undefined, { action: 'build', checkout: tested, with: { 'matrix-index': '3' } }),
    )
    expectGreen(ran)
    expect(ran.step.outputs).toMatchObject({ commit: tested, 'commit-3': tested })
    expect(ran.warnings).not.toContain('Commit not known')
  })

  it('without a checkout says that it does not know', async () => {
    await using world = await newWorld()
    await world.repository()
    const ran = await world.run(prebuilt(undefined, { action: 'build' }))
    expectGreen(ran)
    expect(ran.step.outputs['commit']).toBe('')
    expect(ran.warnings).toContain('Commit not known: There is no git checkout around these gems')
  })
})
