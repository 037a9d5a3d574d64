import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')
const SOURCE = path.join(ROOT, 'src')

/** What each module imports of ours, types included: who is read first explains who is read second. */
function imports(folder: string): Map<string, string[]> {
  const names = globSync(`${folder}/**/*.ts`, { cwd: ROOT })
  const of = (name: string): string[] =>
    [...readFileSync(path.join(ROOT, name), 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map(([, to = '']) =>
      path.join(path.dirname(name), to),
    )
  return new Map(names.map((name) => [name, of(name)]))
}

/** A path of imports that comes back to where it began, if there is one. */
function circle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const walk = (name: string, trail: readonly string[]): string[] => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name]
    if (done.has(name)) return []
    for (const next of graph.get(name) ?? []) {
      const found = walk(next, [...trail, name])
      if (found.length > 0) return found
    }
    done.add(name)
    return []
  }
  for (const name of graph.keys()) {
    const found = walk(name, [])
    if (found.length > 0) return found
  }
  return []
}

const EDGES = /^(@actions\/|undici$|(node:)?(fs|child_process|net|http|https|process)(\/promises)?$)/

/** Packages that reach outside of the process, for each module that imports one. */
function reachesOutside(): string[] {
  return globSync('**/*.ts', { cwd: SOURCE })
    .flatMap((name) =>
      [...readFileSync(path.join(SOURCE, name), 'utf8').matchAll(/^(?:import|export) (?!type ).*from '([^.'][^']*)'/gm)]
        .filter(([, from = '']) => EDGES.test(from))
        .map(([, from = '']) => `${name} ${from}`),
    )
    .toSorted()
}

describe('modules', () => {
  it.each(['src', 'sandbox', 'script', 'bench'])('of %s import one another without circles', (folder) => {
    const graph = imports(folder)
    expect(graph.size).toBeGreaterThan(15)
    expect(circle(graph)).toEqual([])
  })

  it('of src import nothing from elsewhere', () => {
    const graph = imports('src')
    expect([...graph.values()].flat().filter((name) => !graph.has(name))).toEqual([])
  })

  it('of src reach the outside world only in world/, with exceptions that are few and known', () => {
    expect(reachesOutside().filter((line) => !line.startsWith('world/'))).toEqual(
      [
        // A program of its own, which stands in for `gem`.
        'gem-command.ts node:child_process',
        'gem-command.ts node:net',
        // Read a checkout: end on their own, and are not worth a process group.
        'git/authenticated.ts @actions/exec',
        'git/foreign-owner.ts @actions/exec',
        'git/git.ts @actions/exec',
        // Modes, owners and links of one file are what this is about.
        'rubygems/credentials-disk.ts node:fs',
        'rubygems/credentials-disk.ts node:fs/promises',
        'rubygems/credentials-disk.ts node:process',
        // Read from a handle that is opened once.
        'rubygems/gem-contents.ts node:fs',
        'rubygems/gem-file.ts node:fs/promises',
      ].toSorted(),
    )
  })
})
