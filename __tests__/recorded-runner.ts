import type { Runner } from '../src/world/runner.ts'

/** A runner that remembers what it was told, for tests of what talks to one. */
export class RecordedRunner implements Runner {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly inputs: Readonly<Record<string, string>>
  readonly masks: string[] = []
  readonly outputs: Record<string, string> = {}
  readonly errors: { title: string; text: string }[] = []

  constructor(inputs: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
    this.inputs = inputs
    this.env = env
  }

  input(name: string): string {
    return (this.inputs[name] ?? '').trim()
  }

  mask(secret: string): void {
    this.masks.push(secret)
  }

  info(): void {}

  debug(): void {}

  notice(): void {}

  warning(): void {}

  error(title: string, text: string): void {
    this.errors.push({ title, text })
  }

  async group<T>(_title: string, body: () => Promise<T>): Promise<T> {
    return body()
  }

  expectUntouched(): void {}

  async foreign<T>(body: (print: (line: string) => void) => Promise<T>): Promise<T> {
    return body(() => undefined)
  }

  output(name: string, value: string): void {
    this.outputs[name] = value
  }

  async summary(): Promise<void> {}

  saveState(): void {}

  state(): string {
    return ''
  }
}
