import type { Runner } from '../../src/world/runner.ts'

/** A runner that shows nothing and remembers every line. Masks are kept, not applied: no text may depend on them. */
export class Recorder implements Runner {
  readonly env = {}
  readonly masks: string[] = []
  readonly lines: string[] = []

  input(): string {
    return ''
  }

  mask(secret: string): void {
    this.masks.push(secret)
  }

  info(text: string): void {
    this.lines.push(text)
  }

  debug(text: string): void {
    this.lines.push(text)
  }

  notice(title: string, text: string): void {
    this.lines.push(title, text)
  }

  warning(title: string, text: string): void {
    this.lines.push(title, text)
  }

  error(title: string, text: string): void {
    this.lines.push(title, text)
  }

  async group<T>(_title: string, body: () => Promise<T>): Promise<T> {
    return body()
  }

  expectUntouched(): void {}

  async foreign<T>(body: (print: (line: string) => void) => Promise<T>): Promise<T> {
    return body((line) => {
      this.lines.push(line)
    })
  }

  output(name: string, value: string): void {
    this.lines.push(name, value)
  }

  async summary(markdown: string): Promise<void> {
    this.lines.push(markdown)
  }

  saveState(name: string, value: string): void {
    this.lines.push(name, value)
  }

  state(): string {
    return ''
  }
}
