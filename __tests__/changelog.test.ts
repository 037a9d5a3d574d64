import { describe, expect, it } from 'vitest'
import { sectionFor } from '../src/changelog.ts'

const KEEP = `# Changelog

All notable changes.

## [Unreleased]

### Added

- Nothing yet.

## [1.2.3] - 2026-11-23

### Fixed

- A bug ([#1]).

\`\`\`md
## 1.0.0
\`\`\`

## [1.2.2] - 2026-10-01

- Older.

[1.2.3]: https://example.com/compare
[#1]: https://example.com/1
`

describe('the section of a version', () => {
  it('is found in Keep a Changelog, with its sub-headings and code, without the file’s link definitions', () => {
    expect(sectionFor(KEEP, '1.2.3')).toBe('### Fixed\n\n- A bug ([#1]).\n\n```md\n## 1.0.0\n```')
    expect(sectionFor(KEEP, '1.2.2')).toBe('- Older.')
  })

  it.each([
    ['## v1.2.3', '## v1.2.2'],
    ['### Version 1.2.3 (2026-11-23)', '### Version 1.2.2'],
    ['# rack-lens 1.2.3 / 2026-11-23', '# rack-lens 1.2.2'],
    ['## [v1.2.3](https://example.com/v1.2.3) (2026-11-23)', '## [v1.2.2](https://example.com)'],
    ['1.2.3\n-----', '1.2.2\n-----'],
    ['Version 1.2.3\n=============', '1.2.2\n====='],
    ['=== 1.2.3 / 2026-11-23', '=== 1.2.2'],
    ['## 1.2.3 ##', '## 1.2.2 ##'],
  ])('is found under %j', (heading, next) => {
    const text = `${heading}\n\n- One.\n- Two.\n\n${next}\n\n- Older.\n`
    expect(sectionFor(text, '1.2.3')).toBe('- One.\n- Two.')
  })

  it.each(['## 11.2.3', '## 1.2.3.1', '## 1.2.3.rc1', '## 1.2.30', '## 1.2.3-beta', '## 2.1.2.3'])(
    'is not %j',
    (heading) => {
      expect(sectionFor(`${heading}\n\n- Other.\n`, '1.2.3')).toBeUndefined()
    },
  )

  it('is nothing when it is missing or empty', () => {
    expect(sectionFor(KEEP, '9.9.9')).toBeUndefined()
    expect(sectionFor('## 1.2.3\n\n## 1.2.2\n- x\n', '1.2.3')).toBeUndefined()
    expect(sectionFor('', '1.2.3')).toBeUndefined()
  })

  it('reads files with Windows line ends', () => {
    expect(sectionFor(KEEP.replaceAll('\n', '\r\n'), '1.2.2')).toBe('- Older.')
  })
})
