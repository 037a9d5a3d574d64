import { describe, expect, test } from 'vitest'
import { renderLog, renderSummary } from '../../sandbox/runner/render.ts'
import type { LineKind, LogLine } from '../../sandbox/runner/step.ts'

function lines(...entries: [LineKind, string][]): { lines: LogLine[] } {
  return { lines: entries.map(([kind, text]) => ({ kind, text, source: 'stdout', at: 0 })) }
}

const LOG = lines(
  ['group', 'Run it'],
  ['plain', 'inside'],
  ['endgroup', ''],
  ['error', 'first\nsecond'],
  ['warning', 'w'],
  ['notice', 'n'],
  ['debug', 'd'],
  ['command', 'git push'],
  ['plain', 'done'],
)

describe('renderLog', () => {
  test('indents groups and labels annotations', () => {
    expect(renderLog(LOG, { colour: false })).toBe(
      [
        '▼ Run it',
        '  inside',
        'Error: first',
        'second',
        'Warning: w',
        'Notice: n',
        '##[debug]d',
        '[command]git push',
        'done',
        '',
      ].join('\n'),
    )
  })

  test('a new group ends the one before', () => {
    const step = lines(['group', 'a'], ['plain', 'x'], ['group', 'b'], ['plain', 'y'])
    expect(renderLog(step, { colour: false })).toBe('▼ a\n  x\n▼ b\n  y\n')
  })

  test('colours only when asked to, or on a terminal', () => {
    const step = lines(['error', 'bad'], ['plain', '\u001b[32mgreen\u001b[0m'])
    expect(renderLog(step, { colour: true })).toBe('\u001b[31mError: bad\u001b[0m\n\u001b[32mgreen\u001b[0m\n')
    expect(renderLog(step, { colour: false })).toBe('Error: bad\ngreen\n')
    expect(renderLog(step)).toBe(renderLog(step, { colour: process.stdout.isTTY }))
  })

  test.each([[true], [false]])('lets no control sequence through (colour: %s)', (colour) => {
    const step = lines(['plain', 'a\u001b[2Jb\u001b]0;title\u0007c\u009b31md\u0008e\tf'])
    expect(renderLog(step, { colour }).replace(/[^\P{Cc}\n\t]/gu, '?')).toMatch(/^ab.*c.*d?e\tf\n$/)
    expect(renderLog(step, { colour })).not.toMatch(/[^\P{Cc}\n\t]/u)
  })
})

test('renderSummary shows annotations with their place and title, and the summary of each step', () => {
  const steps = [
    {
      name: 'Run release',
      annotations: [
        { level: 'error' as const, message: 'broken', title: 'Refused', file: 'lib/a.rb', line: 3 },
        { level: 'notice' as const, message: 'fine' },
      ],
      summary: '# Released\n\n| a |\n',
    },
    { name: 'Post release', annotations: [], summary: '' },
  ]
  expect(renderSummary(steps, { colour: false })).toBe(
    'Error: lib/a.rb:3: Refused: broken\nNotice: fine\n▼ Summary of Run release\n  # Released\n  \n  | a |\n',
  )
  expect(renderSummary(steps.slice(1), { colour: false })).toBe('')
})
