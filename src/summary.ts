import type { Problem, ReleaseError } from './errors.ts'
import type { GemRecord, LedgerRecord } from './ledger.ts'
import { code, codeBlock, table, wrapped } from './markdown.ts'
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
    // All of it would push the last columns out of sight; it is written out below.
    gem.sha256 === '' ? '' : code(`${gem.sha256.slice(0, 12)}…`),
    gem.size === 0 ? '' : readableSize(gem.size),
    gem.attested ? 'yes' : 'no',
  ])
  return table(['Gem', 'Version', 'Platform', 'Status', 'SHA-256', 'Size', 'Attested'], rows)
}

const UNITS = ['B', 'kB', 'MB', 'GB']

/** `812 B`, `4.1 kB`, `450 MB`: in thousands, as GitHub shows sizes of assets. */
function readableSize(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3))
  const value = bytes / 1000 ** unit
  return `${unit === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1)} ${UNITS[unit] ?? ''}`
}

function problemSection({ code: name, what, why, fix }: Problem): string {
  return [
    `### ${name}`,
    codeBlock(wrapped([what, ...(why === undefined ? [] : [why])].join('\n'))),
    'What to do:',
    codeBlock(wrapped(fix)),
  ].join('\n\n')
}

/** Commands with which anybody can compare what the server gives out with what this run has hashed and signed. */
function verification(gems: readonly GemRecord[], { server, repository }: LedgerRecord): string {
  const files = gems.map((gem) => ({ ...gem, fullName: fullNameOf(gem) }))
  const shown = files.slice(0, SHOWN)
  const fetching = shown.map(({ name, version, platform }) => {
    const chosen = platform === 'ruby' ? '' : ` --platform ${platform}`
    return `gem fetch ${name} --version ${version}${chosen} --clear-sources --source ${server}`
  })
  const attested = shown.filter((gem) => gem.attested)
  const proving = attested.flatMap(({ fullName }) => {
    const bundle = `${fullName}.gem.sigstore.json`
    return [
      '',
      `curl -fsS ${server}/api/v1/attestations/${fullName}.json | jq '.[0]' > ${bundle}`,
      `gh attestation verify ${fullName}.gem --repo ${repository} --bundle ${bundle}`,
    ]
  })
  const sums = files.map(({ sha256, fullName }) => `${sha256}  ${fullName}.gem`)
  const check = ["sha256sum --check --ignore-missing <<'SUMS'", ...sums, 'SUMS']
  return folded('Check it yourself', codeBlock([...fetching, ...check, ...proving].join('\n')))
}

function fullNameOf({ name, version, platform }: GemRecord): string {
  return `${name}-${version}${platform === 'ruby' ? '' : `-${platform}`}`
}

/** When each step ran, as a Mermaid gantt chart; its names are ours, so that nothing foreign is in it. */
function timeline(phases: readonly Phase[]): string {
  const total = Math.max(...phases.map(({ from, took }) => from + took))
  const rows = phases.map(
    ({ name, from, took }) => `  ${name} :${String(Math.round(from))}, ${String(Math.round(from + Math.max(took, 1)))}`,
  )
  const chart = ['gantt', '  dateFormat x', `  axisFormat ${total < 60_000 ? '%-S.%L s' : '%-M:%S'}`, ...rows]
  return folded('Time taken', ['```mermaid', ...chart, '```'].join('\n'))
}

function folded(title: string, content: string): string {
  return `<details><summary>${title}</summary>\n\n${content}\n\n</details>`
}
