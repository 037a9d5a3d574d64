import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { examine, type Known } from '../../script/rehearsal/examine.ts'
import { findings } from '../../script/rehearsal/findings.ts'
import { type Finding, FINDING_CODES } from '../../script/rehearsal/findings/finding.ts'
import { startedByTag, workflowFindings } from '../../script/rehearsal/findings/workflow.ts'
import { readGemspecs } from '../../script/rehearsal/gemspecs.ts'
import { openProject } from '../../script/rehearsal/project.ts'
import type { Run } from '../../script/rehearsal/release.ts'
import { findWorkflow } from '../../script/rehearsal/workflow.ts'
import { Workplace } from '../../script/rehearsal/workplace.ts'
import { type Files, project, type ProjectOptions } from '../scenarios/projects.ts'
import { git, repository, write } from './project.ts'

/** Real projects, read by the real Ruby and git; only the release to the sandbox is left out. */

const sha = 'a'.repeat(64)

let directory: string
const seen = new Set<string>()

beforeEach(() => {
  directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'rehearsal-findings-')))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const WORKFLOW = `
on: { push: { tags: ['v*'] }, workflow_dispatch: }
jobs:
  release:
    permissions: { id-token: write, contents: write }
    steps:
      - uses: actions/checkout@v7
      - run: bundle install
      - uses: OWNER/release-gem@v1
`

/** A project with which nothing is wrong. */
function sound(options: ProjectOptions = {}, workflow = WORKFLOW): Files {
  return { ...project(options), '.github/workflows/release.yml': workflow }
}

interface Look {
  /** After the commit, before the examination. */
  after?: (root: string) => void
  known?: Partial<Known>
  run?: Partial<Run>
}

async function look(files: Files, { after, known, run }: Look = {}): Promise<Finding[]> {
  const place = mkdtempSync(path.join(directory, 'look-'))
  const root = repository(path.join(place, 'project'), files)
  git(root, 'remote', 'add', 'origin', 'https://github.example.com/octo/rack-lens.git')
  git(root, 'update-ref', 'refs/remotes/origin/trunk', 'HEAD')
  after?.(root)
  using workplace = new Workplace(false)
  const copy = path.join(place, 'copy')
  git(place, 'clone', '--quiet', root, copy)
  const found = await examine(
    {
      project: await openProject(root, workplace),
      workflow: findWorkflow(copy),
      workingDirectory: '',
      gemspecs: await readGemspecs(copy, workplace),
      copy,
      server: 'https://rubygems.org',
      offline: true,
      tag: undefined,
      ...known,
    },
    { gems: [], tag: undefined, decisions: [], bundleTrouble: undefined, ...run },
    workplace,
  )
  const list = findings(found).filter(({ code }) => code !== 'published-unknown' || known?.offline === false)
  for (const { code } of list) seen.add(code)
  return list
}

function told(list: readonly Finding[]): string[] {
  return list.map(({ weight, code, what }) => `${weight} ${code}: ${what}`)
}

function lock(version: string): string {
  return `PATH\n  remote: .\n  specs:\n    rack-lens (${version})\n\nGEM\n  specs:\n    rack-lens (0.9)\n`
}

/** Workflows need no Ruby and no git to be looked at. */
function inWorkflows(files: Files, gemfile: boolean): string[] {
  const place = mkdtempSync(path.join(directory, 'workflows-'))
  for (const [name, text] of Object.entries(files)) write(place, { [`.github/workflows/${name}`]: text })
  const list = workflowFindings({ workflow: findWorkflow(place), tag: 'v1.2.3', gemfile })
  for (const { code } of list) seen.add(code)
  return list.map(({ weight, code }) => `${weight} ${code}`)
}

function withTags(...tags: string[]): Promise<Finding[]> {
  return look(sound(), {
    after: (root) => {
      for (const tag of tags) git(root, 'tag', tag)
    },
  })
}

/** What is found where the real gem server has this list of versions. */
async function asked(list: unknown, run: Partial<Run> = {}): Promise<string[]> {
  await using server = createServer((request, response) => {
    const found = request.url === '/api/v1/versions/rack-lens.json'
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(list))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return told(await look(sound(), { known: { offline: false, server: `http://127.0.0.1:${String(port)}` }, run }))
}

describe('what a rehearsal finds', () => {
  it('is nothing in a sound project', async () => {
    expect(told(await look(sound()))).toEqual([])
    // Directories are no files, and RubyGems leaves them out.
    expect(told(await look(sound({ gemspecLines: ['spec.files += ["lib", "lib/."]'] })))).toEqual([])
  })

  const gemspecs: [string, ProjectOptions, RegExp[]][] = [
    [
      'a gemspec as `bundle gem` leaves it',
      { gemspecLines: ['spec.summary = "TODO: Write it"', 'spec.metadata["allowed_push_host"] = "TODO: Set it"'] },
      [/^stops gemspec-unfinished: lens-0\.gemspec still has TODO in summary, metadata\["allowed_push_host"\]\.$/],
    ],
    [
      'a gemspec that RubyGems refuses',
      { gemspecLines: ['spec.homepage = "not an address"'] },
      [/^stops gemspec-invalid: .*"not an address" is not a valid HTTP URI/],
    ],
    [
      'a gemspec that needs what is not there',
      { before: ['require "not/here"'] },
      [/^stops gemspec-fails: lens-2\.gemspec cannot be evaluated .*cannot load such file -- not\/here/],
    ],
    ['no files', { gemspecLines: ['spec.files = []'] }, [/^stops gem-empty: lens-3 holds no file at all/]],
    [
      'no files, but dependencies',
      { gemspecLines: ['spec.files = []', 'spec.add_dependency "lens-cap"'] },
      [/^surprise gem-empty/],
    ],
    [
      'a file that is not there',
      { gemspecLines: ['spec.files += ["lib/parser.rb"]'] },
      [/^stops file-missing: .* lists 1 file that a fresh checkout does not have: lib\/parser\.rb\.$/],
    ],
    [
      'a file that was left out',
      { gemspecLines: ['spec.files = ["README.md"]'] },
      [/^surprise file-left-out: lens-6 does not hold 10 committed files below lib: lib\/lens-0\.rb, /],
    ],
    [
      'another server in allowed_push_host',
      { gemspecLines: ['spec.metadata["allowed_push_host"] = "https://gems.example.com"'] },
      [
        /^stops push-host-elsewhere: .* only be pushed to https:\/\/gems\.example\.com .* goes to https:\/\/rubygems\.org/,
      ],
    ],
    [
      'metadata that the registry refuses',
      {
        gemspecLines: [
          'spec.metadata["source_code_uri"] = "http://localhost/code"',
          'spec.metadata["notes"] = "x" * 1025',
          `spec.license = "${'L'.repeat(65)}"`,
        ],
      },
      [
        /^stops registry-rule: .* the licence L+… is longer than 64; .*source_code_uri.* is no address of the web: "http:\/\/localhost\/code"; metadata\["notes"\] is longer/,
      ],
    ],
  ]
  it('what is wrong with each of several gemspecs, and no more', async () => {
    const all = gemspecs.map(([, options], index) => project({ ...options, name: `lens-${String(index)}` }))
    const list = told(await look(Object.assign(sound(), ...all)))
    for (const [index, [title, , expected]] of gemspecs.entries()) {
      const its = list.filter((text) => new RegExp(`\\blens-${String(index)}(?![\\w/]|\\.rb)`).test(text))
      expect(its, title).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
    }
    expect(list).toHaveLength(gemspecs.flatMap(([, , expected]) => expected).length)
  })

  it('files that only this machine has', async () => {
    const files = sound({ gemspecLines: ['spec.files += ["lib/tables.rb"]'] })
    const list = await look(
      { ...files, '.gitignore': 'pkg/\nlib/tables.rb\n' },
      {
        after: (root) => {
          write(root, { 'lib/tables.rb': '# generated\n', 'lib/new.rb': '# not added yet\n', 'lib/notes.txt': '' })
        },
      },
    )
    expect(told(list)).toEqual([
      'stops file-missing: rack-lens.gemspec lists 1 file that a fresh checkout does not have: lib/tables.rb.',
      'surprise file-only-here: rack-lens does not hold lib/new.rb, which is on this machine, but not in the commit (untracked in git).',
      'surprise uncommitted-changes: A release is made of the commit, without the uncommitted changes here: lib/new.rb, lib/notes.txt.',
    ])
    expect(list[0]?.fix).toContain('git ignores lib/tables.rb')
  })

  it('commits, tags and branches that are not where they should be', async () => {
    const list = await look(sound(), {
      after: (root) => {
        git(root, 'tag', '--annotate', '--message', 'Version 1.2.3', 'v1.2.3')
        git(root, 'commit', '--quiet', '--allow-empty', '--message', 'Go on')
      },
    })
    expect(told(list)).toEqual([
      expect.stringMatching(/^stops tag-elsewhere: The tag v1\.2\.3 is on commit [0-9a-f]{12} already/),
      expect.stringMatching(/^todo commit-not-pushed: Commit [0-9a-f]{12} is on no branch of the remote/),
    ])
  })

  it('another form than the tags of this gem have had', async () => {
    expect(told(await withTags('rack-lens/v1.2.2', 'rack-cap/v2.0.0', 'nightly'))).toEqual([
      'surprise tag-form: The release makes the tag v1.2.3, but the tags before it look like rack-lens/v1.2.2.',
    ])
    expect(await withTags('v1.2.2', 'rack-lens/v0.9.0')).toEqual([])
    const list = await withTags('release-1.2.2')
    expect(list).toMatchObject([{ code: 'tag-form', fix: expect.stringContaining("`tag: 'release-{version}'`") }])
  })

  it('a repository without a remote', async () => {
    const list = await look(sound(), { after: (root) => void git(root, 'remote', 'remove', 'origin') })
    expect(told(list)).toEqual(['todo commit-not-pushed: The repository has no remote: the release runs on GitHub.'])
  })

  it('a release task of the project’s own, and a bundle that cannot be had', async () => {
    const list = await look(sound(), {
      run: {
        decisions: ['Strategy rake (`rake release`): the project defines or extends the `release` task itself.'],
        bundleTrouble: { says: 'Could not find gem "rspec"', rakeAlone: false },
      },
    })
    expect(told(list)).toEqual([
      expect.stringContaining(
        'surprise custom-release: The project’s own release task runs, not the action’s: Strategy rake',
      ),
      expect.stringContaining(
        'unchecked bundle-not-installed: The Rake tasks of the project: its bundle cannot be had',
      ),
    ])
    const chosen = 'Strategy rake (`rake release`): input `strategy`.'
    expect(await look(sound(), { run: { decisions: [chosen] } })).toEqual([])
  })

  it('a lock file that still has the version before', async () => {
    const list = await look({ ...sound(), 'Gemfile.lock': lock('1.2.2') })
    expect(told(list)).toEqual([
      expect.stringMatching(/^stops lockfile-outdated: .*rack-lens 1\.2\.2, while the gemspec says 1\.2\.3/),
    ])
    expect(await look({ ...sound(), 'Gemfile.lock': lock('1.2.3') })).toEqual([])
    const mac = await look({
      ...sound(),
      'Gemfile.lock': `${lock('1.2.3')}\nPLATFORMS\n  arm64-darwin-24\n\nDEPENDENCIES\n`,
    })
    expect(told(mac)).toEqual([
      expect.stringMatching(/^stops lockfile-platform: The committed Gemfile\.lock is for arm64-darwin-24 only:/),
    ])
  })
})

describe('what it finds at the gem server', () => {
  it('a version that is published already', async () => {
    const list = await asked([{ number: '1.2.3', platform: 'ruby', sha }])
    expect(list).toEqual([
      expect.stringMatching(/^stops version-published: rack-lens 1\.2\.3 is on 127\.0\.0\.1:\d+ already, and a/),
    ])
  })

  it('the very gem that was built', async () => {
    const gem = { name: 'rack-lens', version: '1.2.3', platform: 'ruby', status: 'pushed', sha256: sha }
    const list = await asked([{ number: '1.2.3', platform: 'ruby', sha }], { gems: [gem] })
    expect(list).toEqual([expect.stringMatching(/^surprise version-published: .* the very bytes that were built here/)])
  })

  it('other versions and platforms, which do not matter', async () => {
    expect(
      await asked([
        { number: '1.2.2', sha },
        { number: '1.2.3', platform: 'java', sha },
      ]),
    ).toEqual([])
  })

  it('a server that gives no list, and one that is not there', async () => {
    expect(await asked({ not: 'a list' })).toEqual([
      expect.stringMatching(/^unchecked published-unknown: .*cannot be asked from here \(its answer is no list/),
    ])
    const list = await look(sound(), { known: { offline: false, server: 'http://127.0.0.1:9' } })
    expect(told(list)).toEqual([
      expect.stringMatching(/^unchecked published-unknown: .* 127\.0\.0\.1:9 cannot be asked/),
    ])
  })
})

describe('what it finds in the workflow', () => {
  const cases: [string, string, { gemfile?: boolean }, string[]][] = [
    ['nothing there', '', {}, ['todo workflow-missing']],
    [
      'no permission at all',
      WORKFLOW.replace('permissions: { id-token: write, contents: write }', 'permissions: {}'),
      {},
      ['stops workflow-id-token', 'stops workflow-contents'],
    ],
    [
      'permissions of the workflow, which hold for a job without its own',
      WORKFLOW.replace('    permissions: { id-token: write, contents: write }\n', '').replace(
        'jobs:',
        'permissions: write-all\njobs:',
      ),
      {},
      [],
    ],
    [
      'nothing said about permissions',
      WORKFLOW.replace('    permissions: { id-token: write, contents: write }\n', ''),
      {},
      ['stops workflow-id-token', 'surprise workflow-contents'],
    ],
    [
      'a tag that is pushed, and so need not be made',
      WORKFLOW.replace(', workflow_dispatch:', '').replace('contents: write', 'contents: read'),
      {},
      [],
    ],
    [
      'a static key, for which no ID token is needed',
      WORKFLOW.replace('id-token: write, ', '').replace(
        '@v1\n',
        '@v1\n        with: { api-token: "${{ secrets.KEY }}" }\n',
      ),
      {},
      [],
    ],
    ['pull requests only', WORKFLOW.replace(/^on:.*$/m, 'on: pull_request'), {}, ['stops workflow-event']],
    [
      'pull requests as well',
      WORKFLOW.replace(/^on:.*$/m, 'on: [push, pull_request_target]'),
      {},
      ['surprise workflow-event'],
    ],
    [
      'pull requests, for a dry run',
      WORKFLOW.replace(/^on:.*$/m, 'on: [push, pull_request]').replace(
        '@v1\n',
        '@v1\n        with: { dry-run: true }\n',
      ),
      {},
      [],
    ],
    ['a filter for other tags', WORKFLOW.replace('v*', 'release-*'), {}, ['surprise workflow-tag-filter']],
    ['no checkout', WORKFLOW.replace('      - uses: actions/checkout@v7\n', ''), {}, ['stops workflow-checkout']],
    [
      'no bundle',
      WORKFLOW.replace('      - run: bundle install\n', ''),
      { gemfile: true },
      ['surprise workflow-bundle'],
    ],
    [
      'a bundle by ruby/setup-ruby',
      WORKFLOW.replace('- run: bundle install', '- uses: ruby/setup-ruby@v1\n        with: { bundler-cache: true }'),
      { gemfile: true },
      [],
    ],
    [
      'prebuilt gems, which need neither',
      WORKFLOW.replace(/ {6}- uses: actions.*\n.*\n/, '').replace('release-gem@', 'release-gem/publish@'),
      { gemfile: true },
      [],
    ],
    [
      'the reusable workflow of the action',
      'on: push\njobs:\n  release:\n    permissions: { id-token: write, contents: write }\n    uses: OWNER/release-gem/.github/workflows/release.yml@v1\n',
      { gemfile: true },
      [],
    ],
  ]
  it.each(cases)('%s', (_, workflow, options, expected) => {
    expect(inWorkflows({ 'release.yml': workflow }, options.gemfile ?? false)).toEqual(expected)
  })

  it('what the callers of a reusable workflow of its own grant, and which events they bring', () => {
    const called = WORKFLOW.replace(/^on:.*$/m, 'on: workflow_call')
    const caller =
      'on: issue_comment\njobs:\n  call:\n    permissions: { contents: read }\n    uses: ./.github/workflows/release.yml\n'
    expect(inWorkflows({ 'release.yml': called, 'on-tag.yml': caller }, false)).toEqual([
      'stops workflow-event',
      'stops workflow-id-token',
      'stops workflow-contents',
    ])
  })

  it.each([
    [{}, 'v1.0', true],
    [{ branches: ['main'] }, 'v1.0', false],
    [{ tags: ['v*'] }, 'v1.0', true],
    [{ tags: 'v*' }, 'a/v1.0', false],
    [{ tags: ['**'] }, 'a/v1.0', true],
    [{ tags: ['v[0-9]+.[0-9]+'] }, 'v12.0', true],
    [{ tags: ['v[0-9]+.[0-9]+'] }, 'v12x0', false],
    [{ tags: ['v*', '!v*-rc'] }, 'v1.0-rc', false],
    [{ 'tags-ignore': ['nightly-*'] }, 'v1.0', true],
    [{ 'tags-ignore': ['v*'] }, 'v1.0', false],
  ])('a push with %o hears of %s: %s', (push, tag, started) => {
    expect(startedByTag(push, tag)).toBe(started)
  })
})

it('every finding was seen above, and has its line in docs/rehearsal.md', () => {
  expect([...seen].toSorted()).toEqual(FINDING_CODES.toSorted())
  const documented = readFileSync(path.resolve(import.meta.dirname, '../../docs/rehearsal.md'), 'utf8')
  const codes = [...documented.matchAll(/^\| `([a-z-]+)` \| (?:stops|surprise|todo|unchecked)/gm)].map(
    ([, code]) => code,
  )
  expect(codes).toEqual([...FINDING_CODES])
})
