import { LineSplitter } from './lines.ts'

type Stream = 'stdout' | 'stderr'

/**
 * Turns the two streams of a step into lines. Of what has arrived by the time it looks, the runner takes stderr first
 * (`ProcessOutput` in actions/runner `src/Runner.Sdk/ProcessInvoker.cs`), so an `add-mask` on stdout may come too late
 * for what is printed to stderr right after it.
 */
export class StepOutput {
  private readonly raw: Record<Stream, Buffer[]> = { stdout: [], stderr: [] }
  private readonly waiting: Record<Stream, Buffer[]> = { stdout: [], stderr: [] }
  private readonly splitters: Record<Stream, LineSplitter>
  private look: NodeJS.Immediate | undefined

  constructor(onLine: (line: string, source: Stream) => void) {
    this.splitters = {
      stdout: new LineSplitter((line) => onLine(line, 'stdout')),
      stderr: new LineSplitter((line) => onLine(line, 'stderr')),
    }
  }

  take(stream: Stream, chunk: Buffer): void {
    this.raw[stream].push(chunk)
    this.waiting[stream].push(chunk)
    this.look ??= setImmediate(() => this.read())
  }

  /** Both streams are closed. */
  end(): void {
    clearImmediate(this.look)
    this.read()
    this.splitters.stderr.end()
    this.splitters.stdout.end()
  }

  /** All that came in so far, unmasked. */
  text(stream: Stream): string {
    return Buffer.concat(this.raw[stream]).toString('utf8')
  }

  private read(): void {
    this.look = undefined
    for (const stream of ['stderr', 'stdout'] as const) {
      for (const chunk of this.waiting[stream].splice(0)) this.splitters[stream].write(chunk)
    }
  }
}
