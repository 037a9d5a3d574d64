import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReleaseError } from '../src/errors.ts'
import type { GemRecord, LedgerRecord } from '../src/ledger.ts'
import { announceFailure, outcome, setOutputs } from '../src/report.ts'
import { summary } from '../src/summary.ts'
import { RecordedRunner } from './recorded-runner.ts'

const SHA = 'a'.repeat(64)

function gem(values: Partial<GemRecord> = {}): GemRecord {
  return {
    name: 'rack-lens',
    version: '1.2.3',
    platform: 'ruby',
    file: '/home/runner/pkg/rack-lens-1.2.3.gem',
    sha256: SHA,
    size: 5120,
    status: 'pushed',
    attested: false,
    url: 'https://rubygems.org/gems/rack-lens/versions/1.2.3',
    ...values,
  }
}

function record(gems: readonly GemRecord[], tags: readonly string[] = []): LedgerRecord {
  return {
    server: 'https://rubygems.org',
    commit: 'c'.repeat(40),
    repository: 'octo/rack-lens',
    gems,
    tags,
    releaseUrl: '',
    finished: false,
  }
}

const FAILED = gem({ name: 'lens-web', status: 'failed', file: 'C:\\pkg\\lens-web-1.2.3.gem' })
const PROBLEM = { code: 'push-refused', what: 'What.', why: 'Why.', fix: 'Fix.' } as const

function outputsOf(of: LedgerRecord): Record<string, string> {
  const runner = new RecordedRunner()
  setOutputs(of, runner)
  return runner.outputs
}

describe('outputs', () => {
  it('are all set where nothing has happened', () => {
    expect(outputsOf(record([]))).toEqual({
      gems: '[]',
      name: '',
      version: '',
      tag: '',
      published: 'false',
      checksums: '',
      'release-url': '',
    })
  })

  it('tell of half a release', () => {
    const notBuilt = gem({ name: 'lens-cli', status: 'not-tried', sha256: '', size: 0, file: '' })
    const outputs = outputsOf(record([gem(), FAILED, notBuilt]))
    expect(outputs).toMatchObject({ name: 'rack-lens', version: '1.2.3', published: 'false', tag: '' })
    expect(outputs['checksums']).toBe(`${SHA}  rack-lens-1.2.3.gem\n${SHA}  lens-web-1.2.3.gem`)
    expect(JSON.parse(outputs['gems'] ?? '')).toEqual([gem(), FAILED, notBuilt])
  })

  it.each<[GemRecord['status'][], string]>([
    [['pushed'], 'true'],
    [['already-published', 'pushed'], 'true'],
    [['pushed', 'failed'], 'false'],
    [['not-tried'], 'false'],
    [['pushed', 'unknown'], 'false'],
  ])('say for %j that published is %s', (statuses, published) => {
    expect(outputsOf(record(statuses.map((status) => gem({ status }))))).toMatchObject({ published })
  })
})

describe('the outcome', () => {
  it.each<[LedgerRecord, string]>([
    [record([]), 'Nothing was published by this run.'],
    [record([gem({ status: 'not-tried' })]), 'Nothing was published by this run.'],
    [record([gem()], ['v1.2.3']), 'rack-lens 1.2.3 is published on https://rubygems.org. Tag: v1.2.3.'],
    [
      record([gem({ platform: 'java' }), gem({ status: 'already-published' })]),
      'rack-lens 1.2.3 (java), rack-lens 1.2.3 are published on https://rubygems.org.',
    ],
    [record([gem(), FAILED]), 'Published: rack-lens 1.2.3. Not published: lens-web 1.2.3 (failed).'],
    [
      record([gem({ status: 'unknown' }), gem({ name: 'lens-web', status: 'not-tried' })]),
      'Nothing is known to be published. Not known: rack-lens 1.2.3.',
    ],
    [
      record([gem(), gem({ name: 'lens-cli', status: 'unknown' }), FAILED]),
      'Published: rack-lens 1.2.3. Not published: lens-web 1.2.3 (failed). Not known: lens-cli 1.2.3.',
    ],
    [
      record([gem(), gem({ name: 'lens-cli', status: 'unknown' })]),
      'Published: rack-lens 1.2.3. Not known: lens-cli 1.2.3.',
    ],
    [record([FAILED], ['v1.2.3']), 'Nothing was published by this run. Tag: v1.2.3.'],
  ])('is one true sentence', (of, sentence) => {
    expect(outcome(of)).toBe(sentence)
  })
})

describe('a failure', () => {
  it('is one annotation with all problems, each with its section of the documentation, and the outcome', () => {
    const runner = new RecordedRunner()
    announceFailure(
      new ReleaseError([PROBLEM, { code: 'await-timeout', what: 'Else.', fix: 'Other.' }]),
      record([gem()]),
      runner,
    )
    expect(runner.errors).toEqual([
      {
        title: 'push-refused (and 1 more)',
        text: [
          'What.\nWhy.\nFix.\nSee docs/troubleshooting.md#push-refused.',
          'Else.\nOther.\nSee docs/troubleshooting.md#await-timeout.',
          'rack-lens 1.2.3 is published on https://rubygems.org.',
        ].join('\n\n'),
      },
    ])
  })
})

describe('the job summary', () => {
  it('shows what is public, what failed, what to do and how long it took', () => {
    const text = summary(record([gem(), FAILED]), [{ name: 'Push', from: 250, took: 1500 }], new ReleaseError(PROBLEM))
    expect(text.split('\n')).toEqual([
      '## Release failed',
      '',
      '`Published: rack-lens 1.2.3. Not published: lens-web 1.2.3 (failed).`',
      '',
      '| Gem | Version | Platform | Status | SHA-256 | Size | Attested |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      `| [\`rack-lens\`](https://rubygems.org/gems/rack-lens/versions/1.2.3) | \`1.2.3\` | \`ruby\` | \`pushed\` | \`aaaaaaaaaaaa…\` | 5.1 kB | no |`,
      `| \`lens-web\` | \`1.2.3\` | \`ruby\` | \`failed\` | \`aaaaaaaaaaaa…\` | 5.1 kB | no |`,
      '',
      '### push-refused',
      '',
      '```text',
      'What.',
      'Why.',
      '```',
      '',
      'What to do:',
      '',
      '```text',
      'Fix.',
      '```',
      '',
      '<details><summary>Check it yourself</summary>',
      '',
      '```text',
      'gem fetch rack-lens --version 1.2.3 --clear-sources --source https://rubygems.org',
      "sha256sum --check --ignore-missing <<'SUMS'",
      `${SHA}  rack-lens-1.2.3.gem`,
      'SUMS',
      '```',
      '',
      '</details>',
      '',
      '<details><summary>Time taken</summary>',
      '',
      '```mermaid',
      'gantt',
      '  dateFormat x',
      '  axisFormat %-S.%L s',
      '  Push :250, 1750',
      '```',
      '',
      '</details>',
      '',
    ])
  })

  it('breaks what is to be read between words, and keeps its own lines', () => {
    const what = `${'word '.repeat(40).trim()}\n  indented: ${'x'.repeat(200)}`
    const text = summary(record([]), [], new ReleaseError({ ...PROBLEM, what }))
    const lines = text.split('\n')
    const from = lines.indexOf('```text') + 1
    const shown = lines.slice(from, lines.indexOf('```', from))
    expect(shown.slice(0, 3).map(({ length }) => length)).toEqual([94, 94, 9])
    expect(shown.slice(3)).toEqual(['  indented:', 'x'.repeat(200), 'Why.'])
  })

  it.each([
    [999, '999 B'],
    [4096, '4.1 kB'],
    [450_000_000, '450 MB'],
  ])('shows %i bytes as %s', (size, shown) => {
    expect(summary(record([gem({ size })]), [], undefined)).toContain(`| ${shown} |`)
  })

  it('says how to check a platform gem and its attestation', () => {
    const native = gem({ platform: 'arm64-darwin', attested: true })
    const lines = summary(record([native]), [], undefined).split('\n')
    const from = lines.indexOf('```text') + 1
    expect(lines.slice(from, lines.indexOf('```', from))).toEqual([
      'gem fetch rack-lens --version 1.2.3 --platform arm64-darwin --clear-sources --source https://rubygems.org',
      "sha256sum --check --ignore-missing <<'SUMS'",
      `${SHA}  rack-lens-1.2.3-arm64-darwin.gem`,
      'SUMS',
      '',
      "curl -fsS https://rubygems.org/api/v1/attestations/rack-lens-1.2.3-arm64-darwin.json | jq '.[0]' > rack-lens-1.2.3-arm64-darwin.gem.sigstore.json",
      'gh attestation verify rack-lens-1.2.3-arm64-darwin.gem --repo octo/rack-lens --bundle rack-lens-1.2.3-arm64-darwin.gem.sigstore.json',
    ])
  })

  it('keeps its structure whatever names, platforms and messages hold', () => {
    const hostile = fc
      .oneof(
        fc.string({
          unit: fc.constantFrom('`', '|', '\\', '\n', '\r', ' ', '#', '<', '>', '[', ']', '(', ')', 'x', '~'),
        }),
        fc.constantFrom('<img src=x onerror=alert(1)>', '[x](https://example.com)', '```\n# Pwned\n```', '|a|b|', '``'),
        fc.string({ unit: 'binary' }),
      )
      .map((text) => `x${text}`)
    const plain = render('x', 'x', 'x')
    fc.assert(
      fc.property(hostile, hostile, hostile, (name, version, what) => {
        expect(render(name, version, what)).toBe(plain)
      }),
      { numRuns: 2000 },
    )
  })
})

/** The Markdown of a failed release without what is inside code: what a reader's page is built of. */
function render(name: string, version: string, what: string): string {
  const gems = [gem({ name, version, status: 'failed' })]
  const text = summary(record(gems), [], new ReleaseError({ code: 'push-failed', what, fix: what }))
  return withoutCode(text)
}

/** CommonMark's rules: a fence is closed by one that is at least as long, a code span by a run of the same length. */
function withoutCode(markdown: string): string {
  const kept: string[] = []
  let fence: string | undefined
  // Only LF and CR end a line in CommonMark.
  for (const line of markdown.split(/\r\n|\n|\r/)) {
    const run = /^ {0,3}(`{3,})/.exec(line)?.[1]
    if (fence === undefined && run !== undefined) {
      fence = run
      kept.push('(fence)')
    } else if (fence !== undefined) {
      if (run !== undefined && run.length >= fence.length && line.trim() === run) fence = undefined
    } else kept.push(withoutSpans(line))
  }
  return [...kept, fence === undefined ? '' : '(open)'].join('\n')
}

function withoutSpans(line: string): string {
  // In a table a cell ends at a pipe that no backslash precedes, before anything inside it counts.
  const cells = line.startsWith('|') ? line.split(/(?<!\\)\|/) : [line]
  return cells.map((cell) => cell.replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, '(code)')).join('|')
}
