/**
 * Splits a byte stream into lines where .NET's `StreamReader.ReadLine` does, which is how the runner reads a step's
 * output (actions/runner `src/Runner.Sdk/ProcessInvoker.cs`): at LF, CRLF and at a CR by itself.
 */
export class LineSplitter {
  private readonly decoder = new TextDecoder()
  private readonly onLine: (line: string) => void
  private pending = ''
  private afterCarriageReturn = false

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine
  }

  write(chunk: Uint8Array): void {
    this.take(this.decoder.decode(chunk, { stream: true }))
  }

  /** Ends the stream; an unfinished last line counts as a line. */
  end(): void {
    this.take(this.decoder.decode())
    if (this.pending !== '') this.onLine(this.pending)
    this.pending = ''
  }

  private take(text: string): void {
    if (text === '') return
    const fresh = this.afterCarriageReturn && text.startsWith('\n') ? text.slice(1) : text
    this.afterCarriageReturn = text.endsWith('\r')
    const lines = (this.pending + fresh).split(/\r\n|\r|\n/)
    this.pending = lines.pop() ?? ''
    for (const line of lines) this.onLine(line)
  }
}

/** All lines of a text by the same rule; a final line end does not start another line. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
