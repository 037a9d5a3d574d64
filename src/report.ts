import { documentation, type Problem, type ReleaseError } from './errors.ts'
import { type GemRecord, isPublished, type LedgerRecord } from './ledger.ts'
import { title } from './rubygems/versions.ts'
import { baseName } from './steps/build.ts'
import type { Runner } from './world/runner.ts'

/** Sets every output from what has happened; also when the release stopped half-way. */
export function setOutputs(record: LedgerRecord, runner: Runner): void {
  const [first] = record.gems
  runner.output('gems', JSON.stringify(record.gems))
  runner.output('name', first?.name ?? '')
  runner.output('version', first?.version ?? '')
  runner.output('tag', record.tags[0] ?? '')
  runner.output('published', String(isPublished(record)))
  runner.output('checksums', checksums(record))
  runner.output('release-url', record.releaseUrl)
}

/** The outputs of the build action; in a matrix, what is handed over also under names no other of its jobs uses. */
export function setBuildOutputs(record: LedgerRecord, matrixIndex: number | undefined, runner: Runner): void {
  const [first] = record.gems
  runner.output('gems', JSON.stringify(record.gems))
  runner.output('name', first?.name ?? '')
  runner.output('version', first?.version ?? '')
  runner.output('files', record.gems.map((gem) => gem.file).join('\n'))
  for (const [name, value] of Object.entries({ checksums: checksums(record), commit: record.commit })) {
    runner.output(name, value)
    if (matrixIndex !== undefined) runner.output(`${name}-${String(matrixIndex)}`, value)
  }
}

/** `SHA256  FILE` for every gem that was built, as `sha256sum --check` reads it. */
function checksums({ gems }: LedgerRecord): string {
  return gems
    .filter((gem) => gem.sha256 !== '')
    .map((gem) => `${gem.sha256}  ${baseName(gem.file)}`)
    .join('\n')
}

/** What became of the release, in one sentence that is true in every state. */
export function outcome(record: LedgerRecord): string {
  const open = record.gems.filter(({ status }) => status === 'unknown')
  return [
    settled(record, open),
    ...(open.length > 0 ? [`Not known: ${open.map(title).join(', ')}.`] : []),
    ...(record.tags.length > 0 ? [`Tag: ${record.tags.join(', ')}.`] : []),
  ].join(' ')
}

function settled(record: LedgerRecord, open: readonly GemRecord[]): string {
  const prospects = record.gems.filter((gem) => gem.status === 'would-push')
  if (prospects.length > 0)
    return `Dry run: ${prospects.map(title).join(', ')} would be pushed to ${record.server}. Nothing was published.`
  const out = record.gems.filter((gem) => gem.status === 'pushed' || gem.status === 'already-published')
  if (out.length === 0)
    return open.length > 0 ? 'Nothing is known to be published.' : 'Nothing was published by this run.'
  if (out.length === record.gems.length) {
    return `${out.map(title).join(', ')} ${out.length === 1 ? 'is' : 'are'} published on ${record.server}.`
  }
  const published = `Published: ${out.map(title).join(', ')}.`
  const rest = record.gems.filter((gem) => !out.includes(gem) && !open.includes(gem))
  if (rest.length === 0) return published
  return `${published} Not published: ${rest.map((gem) => `${title(gem)} (${gem.status})`).join(', ')}.`
}

/** The one error annotation of a failed run, and what to do next in the log. */
export function announceFailure(error: ReleaseError, record: LedgerRecord | undefined, runner: Runner): void {
  const [first, ...others] = error.problems
  const texts = error.problems.map(problemText)
  runner.error(
    `${first.code}${others.length > 0 ? ` (and ${String(others.length)} more)` : ''}`,
    [...texts, ...(record ? [outcome(record)] : [])].join('\n\n'),
  )
}

/** A problem as the text of an annotation: what, why, what to do, and where more is written. */
export function problemText({ code: name, what, why, fix }: Problem): string {
  return [what, ...(why === undefined ? [] : [why]), fix, `See ${documentation(name)}.`].join('\n')
}
