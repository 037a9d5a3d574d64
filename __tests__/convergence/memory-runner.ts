import type { Runner } from '../../src/world/runner.ts'

/** A runner that keeps what it is told, for releases inside this process. */
export class MemoryRunner implements Runner {
  readonly env: Readonly<Record<string, string>>
  readonly lines: string[] = []
  readonly masks = new Set<string>()

  readonly #inputs: Readonly<Record<string, string>>

  constructor(env: Readonly<Record<string, string>>, inputs: Readonly<Record<string, string>>) {
    this.env = env
    this.#inputs = inputs
  }

  input(name: string): string {
    return this.#inputs[name] ?? ''
  }

  mask(secret: string): void {
    this.masks.add(secret)
  }

  info(text: string): void {
    this.lines.push(text)
  }

  debug(text: string): void {
    this.lines.push(text)
  }

  notice(title: string, text: string): void {
    this.lines.push(`${title}: ${text}`)
  }

  warning(title: string, text: string): void {
    this.lines.push(`${title}: ${text}`)
  }

  error(title: string, text: string): void {
    this.lines.push(`${title}: ${text}`)
  }

  async group<T>(title: string, body: () => Promise<T>): Promise<T> {
    this.lines.push(title)
    return body()
  }

  expectUntouched(): void {}

  async foreign<T>(body: (print: (line: string) => void) => Promise<T>): Promise<T> {
    return body((line) => this.lines.push(line))
  }

  output(): void {}

  async summary(): Promise<void> {}

  saveState(): void {}

  state(): string {
    return ''
  }
}
