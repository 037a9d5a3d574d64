import { execFile, execFileSync, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { objectsAt, parseJson, stringAt } from '../../src/json.ts'
import { type Files, project } from '../scenarios/projects.ts'
import { git, repository as repositoryAt } from './project.ts'

const SCRIPT = path.resolve(import.meta.dirname, '../../script/rehearse.ts')

let place: string
/** What the rehearsal is given as directories of the user and of the system. */
let user: { HOME: string; TMPDIR: string }

beforeEach(() => {
  place = realpathSync(mkdtempSync(path.join(tmpdir(), 'rt-')))
  user = { HOME: path.join(place, 'home'), TMPDIR: path.join(place, 'tmp') }
  for (const directory of Object.values(user)) mkdirSync(directory)
  mkdirSync(path.join(user.HOME, '.gem'))
  writeFileSync(path.join(user.HOME, '.gem', 'credentials'), '---\n:rubygems_api_key: mine\n', { mode: 0o600 })
  writeFileSync(path.join(user.HOME, '.gitconfig'), '[commit]\n\tgpgsign = true\n')
})

afterEach(() => {
  rmSync(place, { recursive: true, force: true })
})

interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** Nothing of a test leaves the machine. */
function rehearse(...args: string[]): Promise<Ended> {
  const { SANDBOX_COMPILE_CACHE: NODE_COMPILE_CACHE } = process.env
  const env = { ...process.env, ...(NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}), ...user }
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, '--offline', ...args], { env, cwd: place }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** Every file below a directory with its size and the moment it was last changed, `.git` included. */
function snapshot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { size, mtimeMs, ino } = statSync(path.join(directory, name))
      return `${name} ${String(size)} ${String(mtimeMs)} ${String(ino)}`
    })
}

function repository(files: Files): string {
  return repositoryAt(path.join(place, 'a project'), files)
}

function below(directory: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${directory}/${name}`, text]))
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}

describe('script/rehearse', () => {
  it('releases the sample gem, installs it, runs it, and leaves nothing behind', async () => {
    const home = snapshot(user.HOME)
    const ended = await rehearse()
    const { stdout } = ended
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(stdout).toContain('Created tag v1.0.0')
    expect(stdout).toMatch(/Repository owner +you\n +Repository name +paper-boat\n +Workflow filename +release\.yml/)
    expect(stdout).toContain('Successfully installed paper-boat-1.0.0')
    expect(stdout).toMatch(/\\____\/ +Rehearsal/)
    expect(lastLine(stdout)).toBe(
      'Rehearsal succeeded: paper-boat 1.0.0 was released to the sandbox, installed and used.',
    )
    expect(readdirSync(user.TMPDIR)).toEqual([])
    expect(snapshot(user.HOME)).toEqual(home)
  })

  it('releases a project as its workflow says, from HEAD, and does not touch it', async () => {
    const workflow = [
      'jobs:',
      '  test: { steps: [{ run: rake }] }',
      '  release:',
      '    environment: { name: rubygems }',
      '    permissions: { id-token: write, contents: write }',
      '    steps:',
      '      - uses: actions/checkout@v7',
      '      - uses: rubygems/release-gem@v1',
      '        with: { strategy: direct, token: "${{ secrets.TOKEN }}" }',
    ]
    const directory = repository({ ...project(), '.github/workflows/publish.yml': workflow.join('\n') })
    git(directory, 'remote', 'add', 'origin', 'git@github.com:octo/rack-lens.git')
    writeFileSync(path.join(directory, 'lib', 'rack-lens.rb'), 'raise "not committed"\n')
    const before = snapshot(directory)

    const ended = await rehearse(directory, '--tag', '--json')

    expect(ended).toMatchObject({ code: 0 })
    const { stdout, stderr } = ended
    expect(parseJson(stdout)).toMatchObject({
      ok: true,
      project: { repository: 'octo/rack-lens', uncommitted: ['lib/rack-lens.rb'] },
      startedBy: 'push of tag v1.2.3',
      gems: [{ name: 'rack-lens', version: '1.2.3', status: 'pushed' }],
      tag: { name: 'v1.2.3', commit: git(directory, 'rev-parse', 'HEAD') },
      trustedPublisher: {
        repositoryOwner: 'octo',
        repositoryName: 'rack-lens',
        workflowFile: 'publish.yml',
        environment: 'rubygems',
      },
      installed: [{ name: 'rack-lens', installed: true, used: 'yes' }],
      directory: null,
    })
    expect(stderr).toContain('Strategy direct: input `strategy`.')
    expect(stderr).toContain('uncommitted changes, which a release does not contain: lib/rack-lens.rb')
    expect(git(directory, 'tag')).toBe('')
    expect(snapshot(directory)).toEqual(before)
    expect(readdirSync(user.TMPDIR)).toEqual([])
  })

  it('says that a dependency is missing where the gem cannot be loaded without', async () => {
    const directory = repository(project({ gemspecLines: ['spec.add_dependency "lens-cap", "~> 1.0"'] }))
    const ended = await rehearse(directory)
    const { stdout } = ended
    expect(ended).toMatchObject({ code: 0 })
    expect(stdout).toContain('Not in the sandbox, so installed without: lens-cap')
    expect(lastLine(stdout)).toMatch(/^Rehearsal succeeded: .* so that it was not loaded\.$/)
  })

  it('does not blame the gem for the Ruby of this machine', async () => {
    const directory = repository(project({ rakefile: false, gemspecLines: ['spec.required_ruby_version = ">= 99"'] }))
    const { code, stdout } = await rehearse(directory)
    expect(code).toBe(0)
    expect(lastLine(stdout)).toMatch(
      /^Rehearsal succeeded: .* cannot be installed on this machine: it needs Ruby >= 99,/,
    )
  })

  it('takes Rake alone for a bundle that cannot be had, and learns what the release task is', async () => {
    const rakefile = 'require "bundler/gem_tasks"\ntask(:sign_off) { puts "signed off" }\ntask release: :sign_off\n'
    const files = { ...project({ rakefile }), '.gitignore': 'pkg/\nGemfile.lock\n' }
    const directory = repository({ ...files, Gemfile: 'gem "not-on-this-machine"\ngem "rake"\n' })
    git(directory, 'remote', 'add', 'origin', 'https://github.com/octo/rack-lens.git')
    const ended = await rehearse(directory, '--json')
    expect(ended).toMatchObject({ code: 0 })
    const codes = objectsAt(parseJson(ended.stdout), 'findings').map((finding) => finding['code'])
    expect(codes).toEqual(expect.arrayContaining(['custom-release', 'bundle-not-installed']))
    expect(ended.stderr).toContain('signed off')
  })

  it('fails where the released gem cannot be loaded', async () => {
    const directory = repository({ ...project(), 'lib/rack-lens.rb': 'require "not/packaged"\n' })
    const { code, stdout } = await rehearse(directory)
    expect(code).toBe(1)
    expect(lastLine(stdout)).toBe('Rehearsal failed: rack-lens 1.2.3 was installed, but could not be loaded.')
  })

  it('fails where the action refuses, and shows what it says', async () => {
    const directory = repository(project())
    git(directory, 'tag', 'v1.2.3')
    git(directory, 'commit', '--quiet', '--allow-empty', '--message', 'Go on')
    const { code, stdout } = await rehearse(directory)
    expect(code).toBe(1)
    expect(stdout).toContain('Error: tag-commit-mismatch: The tag v1.2.3 names commit')
    expect(lastLine(stdout)).toBe(
      'Rehearsal failed: the action ended with an error, shown above; see what would stop the real release.',
    )
    expect(readdirSync(user.TMPDIR)).toEqual([])
  })

  it('keeps everything with --keep and says where', async () => {
    const { code, stdout } = await rehearse('--keep', '--json')
    expect(code).toBe(0)
    const kept = stringAt(parseJson(stdout), 'directory') ?? ''
    expect(path.dirname(kept)).toBe(user.TMPDIR)
    expect(readdirSync(path.join(kept, 'gems', 'gems'))).toEqual(['paper-boat-1.0.0'])
  })

  it.each([
    { args: ['one', 'two'], says: 'one project at a time' },
    { args: ['--tag', '--dispatch'], says: '--tag and --dispatch exclude each other' },
    { args: ['--nonsense'], says: "Unknown option '--nonsense'" },
    { args: ['nowhere'], says: 'There is no directory nowhere.' },
    { args: ['tmp'], says: 'tmp is in no git repository' },
    { args: ['--fault', 'push:nonsense'], says: 'There is no fault push:nonsense; --fault list shows them all.' },
    { args: ['--gem-server', 'gems'], says: '--gem-server needs the address of a gem server, not "gems"' },
  ])('ends with 2 on a wrong call: $args', async ({ args, says }) => {
    const { code, stdout, stderr } = await rehearse(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(says)
    expect(readdirSync(user.TMPDIR)).toEqual([])
  })

  it('takes a newcomer from `bundle gem` to a release that can start', async () => {
    const gem = path.join(place, 'my-gem')
    const home = { ...process.env, HOME: user.HOME }
    execFileSync('bundle', ['gem', 'my-gem', '--no-mit', '--no-coc', '--test=minitest', '--no-ci'], {
      cwd: place,
      env: home,
      input: 'n\nn\nn\n',
    })
    // Minitest and a linter would have to be downloaded.
    writeFileSync(path.join(gem, 'Gemfile'), 'source "https://rubygems.org"\ngemspec\ngem "rake"\n')
    writeFileSync(path.join(gem, 'Rakefile'), 'require "bundler/gem_tasks"\ntask default: :build\n')
    const commit = (): void => {
      git(gem, 'add', '--all')
      git(gem, 'commit', '--quiet', '--message', 'Go on')
    }
    commit()
    const first = await rehearse(gem)
    expect(first.code).toBe(1)
    expect(first.stdout).toContain(
      'my-gem.gemspec still has TODO in summary, description, homepage, authors, metadata[',
    )
    expect(first.stdout).toContain('No workflow of the project releases it yet. (workflow-missing)')
    const [, proposed = ''] = /── Workflow file to add: .*\n([^─]*)/.exec(first.stdout) ?? []

    const gemspec = path.join(gem, 'my-gem.gemspec')
    const said = readFileSync(gemspec, 'utf8')
      .replace(/^.*(allowed_push_host|changelog_uri).*$/gm, '')
      .replace(/"TODO[^"]*(URL|repo)[^"]*"/g, '"https://github.com/ada/my-gem"')
      .replace(/"TODO: [^"]*"/g, '"Something of mine"')
    writeFileSync(gemspec, said)
    mkdirSync(path.join(gem, '.github', 'workflows'), { recursive: true })
    writeFileSync(path.join(gem, '.github', 'workflows', 'release.yml'), proposed)
    git(gem, 'remote', 'add', 'origin', 'https://github.com/ada/my-gem.git')
    commit()
    git(gem, 'update-ref', 'refs/remotes/origin/main', 'HEAD')
    const second = await rehearse(gem, '--json')
    expect(second.code, second.stderr).toBe(0)
    expect(parseJson(second.stdout)).toMatchObject({
      format: 1,
      ok: true,
      findings: [{ code: 'published-unknown' }],
      workflow: null,
      trustedPublisher: { known: true, repositoryOwner: 'ada', repositoryName: 'my-gem', workflowFile: 'release.yml' },
    })
  })

  it.each([
    ['no-publisher', 1, 'exchange-refused'],
    ['push:reset-after', 0, undefined],
  ])('shows what the action makes of --fault %s', async (fault, code, title) => {
    const ended = await rehearse('--fault', fault, '--json')
    expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code })
    const found = parseJson(ended.stdout)
    expect(stringAt(found, 'fault')).toBe(fault)
    const errors = objectsAt(found, 'annotations').filter(({ level }) => level === 'error')
    expect(errors.map((annotation) => annotation['title'])).toEqual(title === undefined ? [] : [title])
  })

  it('lists the faults', async () => {
    const { code, stdout } = await rehearse('--fault', 'list')
    expect(code).toBe(0)
    for (const name of ['no-publisher', 'tag-object', 'reset-after']) expect(stdout).toContain(`  ${name}`)
  })

  it('fails where it was released to the sandbox, but something stops the real release', async () => {
    const workflow = 'on: push\njobs:\n  release:\n    steps:\n      - uses: OWNER/release-gem@v1\n'
    const directory = repository({ ...project({ rakefile: false }), '.github/workflows/release.yml': workflow })
    const { code, stdout } = await rehearse(directory)
    expect(code).toBe(1)
    expect(stdout).toContain('── What would stop the real release ──')
    expect(lastLine(stdout)).toMatch(/^Rehearsal failed: rack-lens 1\.2\.3 was released .* but 2 things would stop/)
  })

  it('cancels the job, cleans up and ends with 130 when it is interrupted', async () => {
    const slow = 'task(:build) { $stdout.puts "sleeping"; $stdout.flush; sleep 60 }\n'
    const directory = repository(project({ rakefile: slow }))
    const child = spawn(process.execPath, [SCRIPT, '--offline', directory], { env: { ...process.env, ...user } })
    let stdout = ''
    let interrupted = false
    child.stdout.on('data', (part: Buffer) => {
      stdout += part.toString()
      if (interrupted || !stdout.includes('sleeping')) return
      interrupted = child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => {
      child.on('close', resolve)
    })
    expect({ code, stdout }).toMatchObject({ code: 130 })
    expect(readdirSync(user.TMPDIR)).toEqual([])
  })

  it('rehearses a gem from below the top of its repository, with the gems beside it', async () => {
    const files = project({ name: 'lens-core', rakefile: false })
    const other = project({ name: 'lens-rails', rakefile: false, gemspecLines: ['spec.add_dependency "lens-core"'] })
    const directory = repository({ ...below('gems/lens', { ...files, ...other }), 'README.md': '' })
    const ended = await rehearse(path.join(directory, 'gems', 'lens'), '--json')
    expect(ended).toMatchObject({ code: 0 })
    const installed = objectsAt(parseJson(ended.stdout), 'installed')
    expect(installed).toMatchObject([
      { name: 'lens-core', used: 'yes', missing: [] },
      { name: 'lens-rails', used: 'yes', missing: [] },
    ])
    expect(readFileSync(path.join(user.HOME, '.gem', 'credentials'), 'utf8')).toContain('mine')
  })
})
