/** What one case found, in a form that is printed and written alike. */
export interface Section {
  title: string
  /** What was run, in a sentence or two. */
  about: string
  tables: readonly Table[]
  targets: readonly Target[]
}

export interface Table {
  /** Above the table, where there are several. */
  caption?: string
  head: readonly string[]
  rows: readonly (readonly string[])[]
}

export interface Target {
  /** What was aimed at, such as "at least 8×". */
  aim: string
  measured: string
  met: boolean
  /** What stops it, shown by numbers; only where the target was missed. */
  limit?: string
}

export function markdown(section: Section): string {
  const { title, about, tables, targets } = section
  return [
    `## ${title}`,
    about,
    ...tables.map((one) => [...(one.caption === undefined ? [] : [one.caption, '']), ...tableLines(one)].join('\n')),
    ...(targets.length === 0 ? [] : [targets.map(targetLine).join('\n')]),
  ].join('\n\n')
}

function targetLine({ aim, measured, met, limit }: Target): string {
  const verdict = met ? 'met' : 'missed'
  return `* Target ${aim}: **${measured}, ${verdict}**.${limit !== undefined && !met ? ` ${limit}` : ''}`
}

/** Columns of equal width, so that the text can be read without being rendered; numbers to the right. */
function tableLines({ head, rows }: Table): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', width, column > 0)).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column > 0 ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`
  return [line(head), rule, ...rows.map(line)]
}

function pad(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width)
}
