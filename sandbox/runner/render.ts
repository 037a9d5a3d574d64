import { stripVTControlCharacters } from 'node:util'
import type { LineKind, LogLine, StepResult } from './step.ts'

export interface RenderOptions {
  /** Colours; when absent, only where stdout is a terminal. */
  colour?: boolean
}

const PREFIXES: Partial<Record<LineKind, string>> = {
  error: 'Error: ',
  warning: 'Warning: ',
  notice: 'Notice: ',
  debug: '##[debug]',
  command: '[command]',
}
const COLOURS: Partial<Record<LineKind, number>> = {
  group: 1,
  error: 31,
  warning: 33,
  notice: 36,
  debug: 35,
  command: 34,
  section: 32,
}
const CONTROL = /[^\P{Cc}\t]/gu
const ESCAPE = String.fromCharCode(27)
const COLOUR_SEQUENCE = new RegExp(`(${ESCAPE}\\[[\\d;]*m)`)

/** Shows log lines as GitHub's log viewer does, one by one as they come: fit for `onLine`. */
export class LogRenderer {
  private readonly write: (text: string) => void
  private readonly colour: boolean
  private inGroup = false

  constructor(write: (text: string) => void, options: RenderOptions = {}) {
    this.write = write
    this.colour = options.colour ?? process.stdout.isTTY
  }

  line(line: LogLine): void {
    if (line.kind === 'endgroup') {
      this.inGroup = false
      return
    }
    if (line.kind === 'group') this.inGroup = false
    const [first = '', ...rest] = line.text.split(/\r\n|\r|\n/)
    const marker = line.kind === 'group' ? '▼ ' : ''
    this.put(line.kind, marker + (PREFIXES[line.kind] ?? '') + first)
    // A further line of an annotation is coloured too, but carries no label.
    for (const text of rest) this.put(line.kind, text)
    if (line.kind === 'group') this.inGroup = true
  }

  private put(kind: LineKind, text: string): void {
    const shown = this.colour ? keepColours(text) : stripVTControlCharacters(text).replace(CONTROL, '')
    const colour = this.colour ? COLOURS[kind] : undefined
    const painted = colour === undefined ? shown : `${ESCAPE}[${String(colour)}m${shown}${ESCAPE}[0m`
    this.write(`${this.inGroup ? '  ' : ''}${painted}\n`)
  }
}

/** The log of a finished step. */
export function renderLog(step: Pick<StepResult, 'lines'>, options: RenderOptions = {}): string {
  const parts: string[] = []
  const renderer = new LogRenderer((text) => parts.push(text), options)
  for (const line of step.lines) renderer.line(line)
  return parts.join('')
}

/** The annotations and job summaries of steps, as below the graph on a run's page. Empty where there are none. */
export function renderSummary(
  steps: readonly Pick<StepResult, 'name' | 'annotations' | 'summary'>[],
  options: RenderOptions = {},
): string {
  const parts: string[] = []
  const renderer = new LogRenderer((text) => parts.push(text), options)
  const show = (kind: LineKind, text: string): void => renderer.line({ kind, text, source: 'runner', at: 0 })
  for (const step of steps) {
    for (const { level, title, file, line, message } of step.annotations) {
      const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${String(line)}`}: `
      show(level, `${place}${title === undefined ? '' : `${title}: `}${message}`)
    }
    if (step.summary.trim() === '') continue
    show('group', `Summary of ${step.name}`)
    for (const text of step.summary.trimEnd().split('\n')) show('plain', text)
    show('endgroup', '')
  }
  return parts.join('')
}

/** Colours stay; sequences that could move the cursor or set the terminal's title go. */
function keepColours(text: string): string {
  return text
    .split(COLOUR_SEQUENCE)
    .map((part) => (COLOUR_SEQUENCE.test(part) ? part : stripVTControlCharacters(part).replace(CONTROL, '')))
    .join('')
}
