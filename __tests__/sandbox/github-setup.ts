import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GitResult, tryGit } from '../../sandbox/github/git.ts'
import { type GitHub, type GitHubOptions, startGitHub } from '../../sandbox/github/github.ts'
import type { Repository } from '../../sandbox/github/repository.ts'

/** A GitHub with one repository of one commit, in a temporary directory that goes with it. */
export class TestGitHub implements AsyncDisposable {
  readonly github: GitHub
  readonly repository: Repository
  /** The commit on `main`. */
  readonly commit: string
  /** A token of the repository with `contents: write`. */
  readonly token: string
  private readonly directory: string
  private made = 0

  private constructor(github: GitHub, repository: Repository, commit: string, directory: string) {
    this.github = github
    this.repository = repository
    this.commit = commit
    this.directory = directory
    this.token = github.addToken({ repository: repository.name, permissions: { contents: 'write' } })
  }

  static async start(options: Partial<GitHubOptions> & { private?: boolean } = {}): Promise<TestGitHub> {
    const directory = mkdtempSync(join(tmpdir(), 'sandbox-github-'))
    const { private: hidden = false, ...rest } = options
    const github = await startGitHub({ directory: join(directory, 'github'), ...rest })
    const repository = await github.createRepository('octo/rack-lens', { private: hidden })
    const commit = await repository.commit({ 'rack-lens.gemspec': 'Gem::Specification.new\n', 'lib/lens.rb': '' })
    return new TestGitHub(github, repository, commit, directory)
  }

  tokenWith(contents: 'none' | 'read' | 'write', bypassRules = false): string {
    return this.github.addToken({ repository: this.repository.name, permissions: { contents }, bypassRules })
  }

  /** A path that does not exist yet, below the temporary directory. */
  newDirectory(): string {
    this.made += 1
    return join(this.directory, `work-${String(this.made)}`)
  }

  /** Clones the repository and returns the working copy. */
  async clone(token?: string): Promise<string> {
    const directory = this.newDirectory()
    const { code, stderr } = await withToken(token, ['clone', '--quiet', this.repository.url, directory])
    if (code !== 0) throw new Error(stderr)
    return directory
  }

  get stateFiles(): string[] {
    return readdirSync(join(this.directory, 'github')).toSorted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.github[Symbol.asyncDispose]()
    rmSync(this.directory, { recursive: true })
  }
}

/** Runs git with a token the way the action gives it to a child: through `GIT_CONFIG_COUNT`. */
export async function withToken(token: string | undefined, args: string[], cwd?: string): Promise<GitResult> {
  const basic = Buffer.from(`x-access-token:${token ?? ''}`).toString('base64')
  const env: Record<string, string> = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraheader',
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  }
  return await tryGit(args, { ...(cwd === undefined ? {} : { cwd }), ...(token === undefined ? {} : { env }) })
}
