/** Names a changelog goes by, the commonest first. */
export const CHANGELOG_FILES = [
  'CHANGELOG.md',
  'Changelog.md',
  'changelog.md',
  'CHANGES.md',
  'Changes.md',
  'HISTORY.md',
  'History.md',
  'NEWS.md',
  'CHANGELOG.markdown',
  'CHANGELOG',
  'HISTORY.rdoc',
] as const

interface Heading {
  line: number
  /** Depth: `##` is 2; a line underlined with `===` is 1, with `---` 2; rdoc's `==` is 2. */
  level: number
  text: string
}

/**
 * The part of a changelog that is about one version: what stands between its heading and the next one of the same or a
 * higher level. Understands Keep a Changelog (`## [1.2.3] - 2026-11-23`), `## v1.2.3`, `### Version 1.2.3 (date)`,
 * `# name 1.2.3`, underlined headings and rdoc's `=== 1.2.3`. Undefined where the version has no section, or an empty one.
 */
export function sectionFor(changelog: string, version: string): string | undefined {
  const lines = changelog.split(/\r\n|\n/)
  const headings = headingsOf(lines)
  const start = headings.find(({ text }) => names(text, version))
  if (!start) return undefined
  const next = headings.find(({ line, level }) => line > start.line && level <= start.level)
  const body = lines.slice(start.line + 1, next?.line).filter((line, index) => index > 0 || !isUnderline(line))
  const section = withoutLinkDefinitions(body).join('\n').trim()
  return section === '' ? undefined : section
}

/** The version as a word of its own: `1.2.3` is not meant by `11.2.3`, `1.2.3.1` or `1.2.3.rc1`. */
function names(heading: string, version: string): boolean {
  const escaped = version.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?:^|[^0-9A-Za-z.])v?${escaped}(?![0-9A-Za-z]|\\.[0-9A-Za-z]|-[0-9A-Za-z])`).test(heading)
}

function headingsOf(lines: readonly string[]): Heading[] {
  let fenced = false
  return lines.flatMap((line, index) => {
    if (/^ {0,3}(```|~~~)/.test(line)) fenced = !fenced
    const marked = /^(#{1,6}|={1,6}) *([^#=\s].*?)(?: [#=]+)?$/.exec(line)
    if (!fenced && marked?.[1] && marked[2]) return [{ line: index, level: marked[1].length, text: marked[2] }]
    const under = lines[index + 1] ?? ''
    if (!fenced && line.trim() !== '' && isUnderline(under))
      return [{ line: index, level: under.startsWith('=') ? 1 : 2, text: line }]
    return []
  })
}

function isUnderline(line: string): boolean {
  return /^(={3,}|-{3,})\s*$/.test(line)
}

/** `[1.2.3]: https://…` belongs to the whole file, not to the section it stands under. */
function withoutLinkDefinitions(lines: readonly string[]): string[] {
  return lines.filter((line) => !/^ {0,3}\[[^\]]+\]: +\S+\s*$/.test(line))
}
