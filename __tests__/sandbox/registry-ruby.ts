import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from './registry-world.ts'

const run = promisify(execFile)

export interface Finished {
  code: number
  output: string
}

/** A machine with Debian's Ruby on it and nothing else of the user's: its own HOME and its own gems. */
export class RubyMachine {
  readonly home: string

  private constructor(home: string) {
    this.home = home
  }

  static async make(): Promise<RubyMachine> {
    return new RubyMachine(await temporaryDirectory())
  }

  async write(path: string, text: string): Promise<string> {
    const full = join(this.home, path)
    await mkdir(dirname(full), { recursive: true })
    await writeFile(full, text)
    return full
  }

  async credentials(host: string, key: string): Promise<void> {
    const path = await this.write('.gem/credentials', `---\n${host}: ${key}\n`)
    await chmod(path, 0o600)
  }

  /** Runs a command in `folder` of the home; the environment is this one and no other. */
  async run(folder: string, command: string, ...args: string[]): Promise<Finished> {
    const env = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: this.home,
      GEM_HOME: join(this.home, 'gems'),
      GEM_SPEC_CACHE: join(this.home, 'specs'),
      BUNDLE_PATH: join(this.home, 'bundle'),
      BUNDLE_APP_CONFIG: join(this.home, 'bundle-config'),
      BUNDLE_SILENCE_ROOT_WARNING: 'true',
      LANG: 'C.UTF-8',
    }
    const cwd = join(this.home, folder)
    await mkdir(cwd, { recursive: true })
    try {
      const { stdout, stderr } = await run(command, args, { cwd, env, timeout: 50_000 })
      return { code: 0, output: stdout + stderr }
    } catch (error) {
      if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error) || !('code' in error)) throw error
      return { code: Number(error.code), output: `${String(error.stdout)}${String(error.stderr)}` }
    }
  }

  /** Builds a gem with `gem build`; `lines` go into its gemspec. Returns its path. */
  async build(name: string, version: string, lines: string[] = []): Promise<string> {
    const folder = `src-${name}-${version}-${String(lines.length)}`
    const constant = name.replace(/^./, (letter) => letter.toUpperCase())
    await this.write(`${folder}/lib/${name}.rb`, `module ${constant}\n  VERSION = '${version}'\nend\n`)
    await this.write(
      `${folder}/exe/${name}`,
      `#!/usr/bin/env ruby\nrequire '${name}'\nputs "${name} #{${constant}::VERSION}"\n`,
    )
    const spec = [
      'Gem::Specification.new do |s|',
      `  s.name = '${name}'`,
      `  s.version = '${version}'`,
      "  s.summary = 'A gem for a test'",
      "  s.authors = ['Someone']",
      "  s.license = 'MIT'",
      "  s.homepage = 'https://example.com'",
      `  s.files = ['lib/${name}.rb', 'exe/${name}']`,
      "  s.bindir = 'exe'",
      `  s.executables = ['${name}']`,
      ...lines.map((line) => `  ${line}`),
      'end',
      '',
    ]
    await this.write(`${folder}/${name}.gemspec`, spec.join('\n'))
    const { code, output } = await this.run(folder, 'gem', 'build', `${name}.gemspec`)
    const file = /File: (.+)$/m.exec(output)?.[1]
    if (code !== 0 || file === undefined) throw new Error(output)
    return join(this.home, folder, file)
  }
}
