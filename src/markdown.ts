import { safeLine, safeLines } from './world/sanitise.ts'

/** Text nobody vetted, as Markdown that can be nothing but that text: a code span longer than any run of backticks. */
export function code(text: string): string {
  const plain = safeLine(text.replace(/\s+/g, ' ')).trim()
  if (plain === '') return ''
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const pad = plain.startsWith('`') || plain.endsWith('`') ? ' ' : ''
  // A pipe ends a table cell even inside a code span; one after a backslash would be read in two ways.
  const cell = plain.replace(/(\\?)\|/g, (_, slash: string) => (slash ? String.raw`\ \|` : String.raw`\|`))
  return `${fence}${pad}${cell}${pad}${fence}`
}

/** A block of such text. */
export function codeBlock(text: string): string {
  const plain = safeLines(text).join('\n')
  const longest = Math.max(2, ...[...plain.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${plain}\n${fence}`
}

/** As many letters of code as GitHub shows in a line of a summary. */
const WIDTH = 96

/** Text with its long lines broken between words, for a block of code: what is to be read must not be scrolled for. */
export function wrapped(text: string): string {
  return text.split('\n').map(broken).join('\n')
}

function broken(line: string): string {
  const lines = ['']
  for (const word of line.split(/(?<=\S)(?= )/)) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + word.length > WIDTH) lines.push(word.trimStart())
    else lines[lines.length - 1] = last + word
  }
  return lines.join('\n')
}

/** A table; cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
