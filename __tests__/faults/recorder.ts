import type { Runner } from '../../src/world/runner.ts'

/** A runner that shows nothing and forgets nothing. Masks are kept, not applied: no text may depend on them. */
export class Recorder implements Runner {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly masks = new Set<string>()
  readonly lines: string[] = []
  readonly warnings: string[] = []
  readonly errors: string[] = []
  readonly outputs: Record<string, string> = {}
  /** Told of every line as it is shown. */
  onInfo: ((text: string) => void) | undefined
  readonly #inputs: Readonly<Record<string, string>>
  readonly #state: Record<string, string> = {}

  constructor(env: Readonly<Record<string, string | undefined>> = {}, inputs: Readonly<Record<string, string>> = {}) {
    this.env = env
    this.#inputs = inputs
  }

  /** Everything that anybody could read of the run. */
  get text(): string {
    const { lines, warnings, errors, outputs } = this
    return [...lines, ...warnings, ...errors, JSON.stringify(outputs), JSON.stringify(this.#state)].join('\n')
  }

  input(name: string): string {
    return this.#inputs[name] ?? ''
  }

  mask(secret: string): void {
    this.masks.add(secret)
  }

  info(text: string): void {
    this.lines.push(text)
    this.onInfo?.(text)
  }

  debug(text: string): void {
    this.lines.push(text)
  }

  notice(title: string, text: string): void {
    this.lines.push(`${title}: ${text}`)
  }

  warning(title: string, text: string): void {
    this.warnings.push(`${title}: ${text}`)
  }

  error(title: string, text: string): void {
    this.errors.push(`${title}: ${text}`)
  }

  group<T>(_title: string, body: () => Promise<T>): Promise<T> {
    return body()
  }

  expectUntouched(): void {}

  foreign<T>(body: (print: (line: string) => void) => Promise<T>): Promise<T> {
    return body((line) => {
      this.lines.push(line)
    })
  }

  output(name: string, value: string): void {
    this.outputs[name] = value
  }

  async summary(markdown: string): Promise<void> {
    this.lines.push(markdown)
  }

  saveState(name: string, value: string): void {
    this.#state[name] = value
  }

  state(name: string): string {
    return this.#state[name] ?? ''
  }
}
