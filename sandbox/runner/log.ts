import type { Masker } from './masker.ts'
import type { Annotation, AnnotationLevel, LineKind, LogLine, Source } from './step.ts'

const KEPT_PER_LEVEL = 10
const LONGEST_MESSAGE = 4096
const KINDS: readonly LineKind[] = ['group', 'endgroup', 'error', 'warning', 'notice', 'debug', 'command', 'section']
const MARKER = new RegExp(`^##\\[(${KINDS.join('|')})\\]`)

/**
 * The log of one step (actions/runner `src/Runner.Worker/ExecutionContext.cs`: `Write`, `AddIssue`, `Debug`).
 * Everything is masked with what is known to be secret at that moment.
 */
export class StepLog {
  readonly lines: LogLine[] = []
  readonly annotations: Annotation[] = []
  private readonly masker: Masker
  private readonly debugging: boolean
  private readonly onLine: (line: LogLine) => void

  constructor(masker: Masker, debugging: boolean, onLine: (line: LogLine) => void) {
    this.masker = masker
    this.debugging = debugging
    this.onLine = onLine
  }

  /** Writes a line as it is; the viewer gives a leading `##[kind]` its meaning, whoever wrote it. */
  output(text: string, source: Source = 'runner'): void {
    const masked = this.masker.mask(text)
    const marker = MARKER.exec(masked)
    const line: LogLine = {
      kind: KINDS.find((kind) => kind === marker?.[1]) ?? 'plain',
      text: masked.slice(marker?.[0].length ?? 0),
      source,
      at: Date.now(),
    }
    this.lines.push(line)
    this.onLine(line)
  }

  debug(text: string, source: Source = 'runner'): void {
    if (!this.debugging) return
    for (const line of text.split(/\r?\n/)) this.output(`##[debug]${line}`, source)
  }

  error(message: string): void {
    this.annotate({ level: 'error', message })
  }

  warning(message: string): void {
    this.annotate({ level: 'warning', message })
  }

  annotate(annotation: Annotation, source: Source = 'runner'): void {
    const message = this.masker.mask(annotation.message).slice(0, LONGEST_MESSAGE)
    if (this.count(annotation.level) < KEPT_PER_LEVEL) this.annotations.push({ ...annotation, message })
    if (message !== '') this.output(`##[${annotation.level}]${message}`, source)
  }

  private count(level: AnnotationLevel): number {
    return this.annotations.filter((annotation) => annotation.level === level).length
  }
}
