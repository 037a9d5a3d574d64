import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import path from 'node:path'
import { node24 } from '../sandbox/runner/execution.ts'
import type { Options } from './options.ts'

/** Lines on where, with what and when this was measured. */
export function circumstances(options: Options, load: number): string[] {
  const memory = `${(totalmem() / 1024 ** 3).toFixed(0)} GiB`
  return [
    `* ${new Date().toISOString().slice(0, 10)}; ${String(availableParallelism())} cores (${cpus()[0]?.model ?? 'unknown'}), ${memory}, ${system()}; load before the run ${load.toFixed(1)}`,
    `* action at ${revision()}, Node.js ${answer(node24(), ['--version'])}`,
    `* ${answer('ruby', ['-e', 'print "Ruby ", RUBY_VERSION, ", RubyGems ", Gem::VERSION'])}; ${answer('bundle', ['--version'])}; ${answer('rake', ['--version'])}; ${answer('git', ['--version'])}; ${firstWords(answer('curl', ['--version']))}`,
    `* every request waits ${String(options.latencyMs)} ms before it is served; uploads run at ${bandwidth(options)} per connection; medians of ${String(options.runs)} runs, ours and theirs in turn`,
  ]
}

export function currentLoad(): number {
  return loadavg()[0] ?? 0
}

function bandwidth({ uploadBytesPerSecond: rate }: Options): string {
  return rate === undefined ? 'full speed' : `${String((rate * 8) / 1_000_000)} Mbit/s`
}

function revision(): string {
  const cwd = path.resolve(import.meta.dirname, '..')
  return answer('git', ['-c', 'safe.directory=*', 'rev-parse', '--short', 'HEAD'], cwd)
}

function system(): string {
  try {
    return /^PRETTY_NAME="(.+)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform
  } catch {
    return process.platform
  }
}

function firstWords(text: string): string {
  return text.split(' ').slice(0, 2).join(' ')
}

/** First line a program prints; throws a sentence for the user where it is not there. */
export function answer(program: string, args: readonly string[], cwd?: string): string {
  try {
    const text = execFileSync(program, args, { encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }) })
    return text.split('\n')[0]?.trim() ?? ''
  } catch {
    throw new Error(`The benchmark needs \`${program}\`, and it does not run on this machine.`)
  }
}
