import type { Problem, ReleaseError } from './errors.ts'
import type { GemRecord, LedgerRecord } from './ledger.ts'
import { code, codeBlock, table } from './markdown.ts'
import type { Phase } from './phases.ts'
import { outcome } from './report.ts'

/** Gems for which the commands are written out; the others go the same way. */
const SHOWN = 5

/** The job summary: what is public, where something failed why and what to do, how to check it, and where time went. */
export function summary(record: LedgerRecord, phases: readonly Phase[], error: ReleaseError | undefined): string {
  const published = record.gems.filter(isPublic)
  const sections = [
    `## ${error ? 'Release failed' : 'Release'}`,
    code(outcome(record)),
    ...(record.gems.length > 0 ? [gemTable(record.gems)] : []),
    ...(error ? error.problems.map(problemSection) : []),
    ...(published.length > 0 ? [verification(published, record)] : []),
    ...(phases.length > 0 ? [timeline(phases)] : []),
  ]
  return `${sections.join('\n\n')}\n`
}

function isPublic({ status }: GemRecord): boolean {
  return status === 'pushed' || status === 'already-published'
}

function gemTable(gems: readonly GemRecord[]): string {
  const rows = gems.map((gem) => [
    isPublic(gem) ? `[${code(gem.name)}](${gem.url})` : code(gem.name),
    code(gem.version),
    code(gem.platform),
    code(gem.status),
    gem.sha256 === '' ? '' : code(gem.sha256),
    gem.size === 0 ? '' : String(gem.size),
    gem.attested ? 'yes' : 'no',
  ])
  return table(['Gem', 'Version', 'Platform', 'Status', 'SHA-256', 'Bytes', 'Attested'], rows)
}

function problemSection({ code: name, what, why, fix }: Problem): string {
  return [
    `### ${name}`,
    codeBlock([what, ...(why === undefined ? [] : [why])].join('\n')),
    'What to do:',
    codeBlock(fix),
  ].join('\n\n')
}

/** Commands with which anybody can compare what the server gives out with the digests above. */
function verification(gems: readonly GemRecord[], { server, repository }: LedgerRecord): string {
  const commands = gems.slice(0, SHOWN).flatMap(({ name, version, platform, sha256, attested }) => {
    const chosen = platform === 'ruby' ? '' : ` --platform ${platform}`
    const fullName = `${name}-${version}${platform === 'ruby' ? '' : `-${platform}`}`
    const file = `${fullName}.gem`
    const bundle = `${file}.sigstore.json`
    return [
      `gem fetch ${name} --version ${version}${chosen} --clear-sources --source ${server}`,
      `echo '${sha256}  ${file}' | sha256sum --check`,
      ...(attested
        ? [
            `curl -fsS ${server}/api/v1/attestations/${fullName}.json | jq '.[0]' > ${bundle}`,
            `gh attestation verify ${file} --bundle ${bundle} --repo ${repository}`,
          ]
        : []),
    ]
  })
  return folded('Check it yourself', codeBlock(commands.join('\n')))
}

/** When each step ran, as a Mermaid gantt chart; its names are ours, so that nothing foreign is in it. */
function timeline(phases: readonly Phase[]): string {
  const total = Math.max(...phases.map(({ from, took }) => from + took))
  const rows = phases.map(
    ({ name, from, took }) => `  ${name} :${String(Math.round(from))}, ${String(Math.round(from + Math.max(took, 1)))}`,
  )
  const chart = ['gantt', '  dateFormat x', `  axisFormat ${total < 60_000 ? '%S.%L s' : '%M:%S'}`, ...rows]
  return folded('Time taken', ['```mermaid', ...chart, '```'].join('\n'))
}

function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`
}
