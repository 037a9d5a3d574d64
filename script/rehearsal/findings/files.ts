import path from 'node:path'
import type { Gemspec } from '../gemspecs.ts'
import { type Finding, some } from './finding.ts'
import type { GemFacts } from './gem-facts.ts'

/** What the gem holds, compared with what is committed and what is on this machine. */
export function fileFindings(gem: Gemspec, { committed, local, packed }: GemFacts): Finding[] {
  const held = packed.get(gem.name)
  const files = held ?? new Set(gem.files)
  if (files.size === 0) return [empty(gem)]
  // A build of the project's own may have made what the commit does not hold.
  const missing = held ? [] : gem.files.filter((file) => !committed.has(path.posix.join(file, '.')))
  const belongs = (file: string): boolean => gem.requirePaths.some((directory) => file.startsWith(`${directory}/`))
  const leftOut = [...committed].filter((file) => file.endsWith('.rb') && belongs(file) && !files.has(file))
  // What an extension leaves in lib/ when it is compiled here, the machine of whoever installs the gem makes again.
  const source = gem.extensions.length > 0 ? /\.rb$/ : /\.(rb|so|bundle|jar)$/
  const onlyHere = [...local.keys()].filter((file) => source.test(file) && belongs(file) && !files.has(file))
  return [
    ...(missing.length > 0 ? [missingFiles(gem, missing, local)] : []),
    ...(leftOut.length > 0 ? [leftOutFiles(gem, leftOut)] : []),
    ...(onlyHere.length > 0 ? [filesOnlyHere(gem, onlyHere, local)] : []),
  ]
}

function leftOutFiles(gem: Gemspec, files: readonly string[]): Finding {
  return {
    code: 'file-left-out',
    weight: 'surprise',
    what: `${gem.name} does not hold ${count(files.length, 'committed file')} below ${gem.requirePaths.join(', ')}: ${some(files)}.`,
    fix: `Add what belongs to the gem to \`files\` in ${gem.file}.`,
  }
}

function filesOnlyHere(gem: Gemspec, files: readonly string[], local: GemFacts['local']): Finding {
  const reasons = new Set(files.map((file) => local.get(file) ?? 'untracked'))
  return {
    code: 'file-only-here',
    weight: 'surprise',
    what: `${gem.name} does not hold ${some(files)}, which is on this machine, but not in the commit (${[...reasons].join(' or ')} in git).`,
    fix: 'Commit what belongs to the gem, or let the task `build` make it.',
  }
}

function empty(gem: Gemspec): Finding {
  const meta = gem.dependencies.length > 0
  return {
    code: 'gem-empty',
    weight: meta ? 'surprise' : 'stops',
    what: `${gem.name} holds no file at all: \`files\` of ${gem.file} is empty in a fresh checkout.`,
    fix: meta
      ? 'Fine for a gem that only depends on others.'
      : 'List the files from what git tracks: `spec.files = Dir.chdir(__dir__) { `git ls-files -z`.split("\\x0") }`.',
  }
}

function missingFiles(gem: Gemspec, missing: readonly string[], local: GemFacts['local']): Finding {
  const ignored = missing.filter((file) => local.get(file) === 'ignored')
  const untracked = missing.filter((file) => local.get(file) === 'untracked')
  const reasons = [
    ...(ignored.length > 0 ? [`git ignores ${some(ignored)}`] : []),
    ...(untracked.length > 0 ? [`${some(untracked)} was never added`] : []),
  ]
  return {
    code: 'file-missing',
    weight: 'stops',
    what: `${gem.file} lists ${count(missing.length, 'file')} that a fresh checkout does not have: ${some(missing)}.`,
    fix:
      reasons.length > 0
        ? `Commit them, let the task \`build\` make them, or take them off the list (${reasons.join('; ')}).`
        : 'Commit them, let the task `build` make them, or take them off the list.',
  }
}

function count(number: number, what: string): string {
  return `${String(number)} ${what}${number === 1 ? '' : 's'}`
}
