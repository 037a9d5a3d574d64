import { execFile } from 'node:child_process'
import { appendFile, chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A checkout with one commit, a home, and a program that leaves a mark when somebody runs it. */
export interface Trapped {
  checkout: string
  home: string
  /** Runs this program and look for `mark`. */
  program: string
  mark: string
}

export interface Trap {
  name: string
  /** Puts it into the checkout's or the user's configuration. */
  set: (place: Trapped) => Promise<void>
  /** What springs it with git as people run it; absent where that takes a terminal. */
  sprung?: (place: Trapped) => readonly string[]
}

export async function git(place: Pick<Trapped, 'checkout' | 'home'>, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: place.home, GIT_TERMINAL_PROMPT: '0' }
  return (await run('git', args, { cwd: place.checkout, env, timeout: 10_000 })).stdout.trim()
}

/** Makes a checkout to copy; a file that looks like an option is in it. */
export async function newTemplate(directory: string): Promise<string> {
  const checkout = path.join(directory, 'template')
  await mkdir(checkout)
  const place = { checkout, home: directory }
  await writeFile(path.join(checkout, '--output=file.rb'), 'one\n')
  await writeFile(path.join(checkout, 'lib.rb'), 'one\n')
  await git(place, 'init', '--quiet', '--template=', '--initial-branch', 'main')
  await appendFile(path.join(checkout, '.git/config'), '[user]\n  name = Ada\n  email = ada@example.com\n')
  await git(place, 'add', '--all', '--', '.')
  await git(place, 'commit', '--quiet', '--message', 'One')
  await mkdir(path.join(checkout, '.git/info'))
  return checkout
}

/** A place of its own for a test. */
export async function newPlace(directory: string, template: string): Promise<Trapped> {
  const [checkout, home] = [path.join(directory, 'checkout'), path.join(directory, 'home')]
  await Promise.all([cp(template, checkout, { recursive: true }), mkdir(home)])
  return { checkout, home, ...(await newTrap(directory)) }
}

/** The program, and the mark it leaves. */
export async function newTrap(directory: string): Promise<Pick<Trapped, 'program' | 'mark'>> {
  const [program, mark] = [path.join(directory, 'trap'), path.join(directory, 'mark')]
  await writeFile(program, `#!/bin/sh\ntouch '${mark}'\nexit 1\n`)
  await chmod(program, 0o755)
  return { program, mark }
}

async function config(place: Trapped, settings: Record<string, string>): Promise<void> {
  for (const [key, value] of Object.entries(settings)) await git(place, 'config', key, value)
}

const inConfig =
  (settings: (place: Trapped) => Record<string, string>): Trap['set'] =>
  (place) =>
    config(place, settings(place))

/** Changes a file, so that git has to compare it. */
async function change({ checkout }: Trapped): Promise<void> {
  await writeFile(path.join(checkout, 'lib.rb'), 'two\n')
}

async function attribute(place: Trapped, text: string): Promise<void> {
  await writeFile(path.join(place.checkout, '.git/info/attributes'), `*.rb ${text}\n`)
  await change(place)
}

async function hooks(directory: string, { program }: Trapped): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const name of ['reference-transaction', 'post-index-change', 'pre-push', 'post-checkout', 'pre-auto-gc']) {
    await writeFile(path.join(directory, name), `#!/bin/sh\n${program} </dev/null\n`)
    await chmod(path.join(directory, name), 0o755)
  }
}

/** HEAD becomes a commit that carries a signature. */
async function sign(place: Trapped): Promise<void> {
  const [tree, parent] = await Promise.all([git(place, 'rev-parse', 'HEAD^{tree}'), git(place, 'rev-parse', 'HEAD')])
  const who = 'Ada <ada@example.com> 1700000000 +0000'
  const armour = ['gpgsig -----BEGIN PGP SIGNATURE-----', ' ', ' iQ==', ' -----END PGP SIGNATURE-----']
  const text = [`tree ${tree}`, `parent ${parent}`, `author ${who}`, `committer ${who}`, ...armour, '', 'Two', '']
  const file = path.join(place.home, 'commit')
  await writeFile(file, text.join('\n'))
  await git(place, 'update-ref', 'HEAD', await git(place, 'hash-object', '-t', 'commit', '-w', file))
}

const UPDATE = ['update-ref', 'refs/heads/other', 'HEAD']
const STATUS = ['status', '--porcelain']

export const TRAPS: readonly Trap[] = [
  {
    name: 'gpg.program',
    async set(place) {
      await sign(place)
      await config(place, { 'gpg.program': place.program, 'log.showSignature': 'true' })
    },
    sprung: () => ['log', '-1'],
  },
  { name: 'core.fsmonitor', set: inConfig(({ program }) => ({ 'core.fsmonitor': program })), sprung: () => STATUS },
  {
    name: 'core.hooksPath',
    async set(place) {
      await hooks(path.join(place.home, 'hooks'), place)
      await config(place, { 'core.hooksPath': path.join(place.home, 'hooks') })
    },
    sprung: () => UPDATE,
  },
  { name: 'hooks', set: (place) => hooks(path.join(place.checkout, '.git/hooks'), place), sprung: () => UPDATE },
  {
    name: 'a clean filter',
    async set(place) {
      await config(place, { 'filter.trap.clean': place.program, 'filter.trap.required': 'true' })
      await attribute(place, 'filter=trap')
    },
    sprung: () => STATUS,
  },
  {
    name: 'a filter process whose name is no name',
    async set(place) {
      await config(place, { 'filter.a=b.c.process': place.program })
      await attribute(place, 'filter=a=b.c')
    },
    sprung: () => STATUS,
  },
  {
    name: 'textconv',
    async set(place) {
      await config(place, { 'diff.trap.textconv': place.program })
      await attribute(place, 'diff=trap')
    },
    sprung: () => ['diff'],
  },
  {
    name: 'an external diff',
    async set(place) {
      await config(place, { 'diff.external': place.program, 'diff.trap.command': place.program })
      await attribute(place, 'diff=trap')
    },
    sprung: () => ['diff'],
  },
  {
    name: 'credential.helper',
    set: inConfig(({ program }) => ({ 'credential.helper': `!${program}` })),
    sprung: () => ['-c', `alias.ask=!printf 'protocol=https\nhost=h\n\n' | git credential fill`, 'ask'],
  },
  {
    name: 'url.insteadOf, to a program',
    set: inConfig(({ program }) => ({
      'remote.origin.url': 'https://github.com/octo/rack-lens',
      [`url.ext::${program} .insteadOf`]: 'https://github.com/',
      'protocol.ext.allow': 'always',
    })),
    sprung: () => ['ls-remote', 'origin'],
  },
  {
    name: 'core.sshCommand',
    set: inConfig(({ program }) => ({ 'core.sshCommand': program, 'remote.origin.url': 'ssh://git@localhost/x' })),
    sprung: () => ['ls-remote', 'origin'],
  },
  {
    name: 'what is missing in a partial clone',
    async set(place) {
      await config(place, {
        'core.repositoryFormatVersion': '1',
        'extensions.partialClone': 'origin',
        'remote.origin.promisor': 'true',
        'remote.origin.url': `ext::${place.program}`,
        'protocol.ext.allow': 'always',
      })
      const tree = await git(place, 'rev-parse', 'HEAD^{tree}')
      await rm(path.join(place.checkout, '.git/objects', tree.slice(0, 2), tree.slice(2)))
    },
    sprung: () => STATUS,
  },
  {
    name: 'a remote that looks like an option',
    set: inConfig(({ program }) => ({
      'branch.main.remote': `--upload-pack=${program}`,
      [`remote.--upload-pack=${program}.url`]: '.',
    })),
    sprung: ({ program }) => ['fetch', `--upload-pack=${program}`, '.'],
  },
  {
    name: 'include.path',
    async set(place) {
      const file = path.join(place.home, 'included')
      await writeFile(file, `[core]\n  fsmonitor = ${place.program}\n`)
      await config(place, { 'include.path': file })
    },
    sprung: () => STATUS,
  },
  {
    name: 'the user’s own configuration',
    async set({ home, program }) {
      await writeFile(path.join(home, '.gitconfig'), `[core]\n  fsmonitor = ${program}\n`)
    },
    sprung: () => STATUS,
  },
  {
    name: 'aliases of the commands that are used',
    set: inConfig(({ program }) => ({
      'alias.status': `!${program}`,
      'alias.log': `!${program}`,
      'alias.trap': `!${program}`,
    })),
    sprung: () => ['trap'],
  },
  {
    name: 'core.pager',
    set: inConfig(({ program }) => ({ 'core.pager': program, 'pager.status': program, 'pager.log': 'true' })),
  },
  {
    name: 'a monitor in a submodule',
    async set(place) {
      const inner = path.join(place.checkout, 'inner')
      await mkdir(inner)
      await git({ ...place, checkout: inner }, 'init', '--quiet')
      const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com']
      await git({ ...place, checkout: inner }, ...who, 'commit', '--quiet', '--allow-empty', '--message', 'Inner')
      await git(place, '-c', 'advice.addEmbeddedRepo=false', 'add', 'inner')
      await git(place, 'commit', '--quiet', '--message', 'Two')
      await git({ ...place, checkout: inner }, 'config', 'core.fsmonitor', place.program)
    },
    sprung: () => STATUS,
  },
]
