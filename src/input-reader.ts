import type { Problem } from './errors.ts'
import type { Runner } from './world/runner.ts'
import { Secret } from './world/secret.ts'

/** Reads one set of inputs and collects every problem, so that they can be fixed in one go. */
export class InputReader {
  readonly problems: Problem[] = []
  readonly #runner: Runner

  constructor(runner: Runner) {
    this.#runner = runner
  }

  text(name: string): string {
    return this.#runner.input(name)
  }

  /** Registers the value as a secret before anybody can use it. */
  secret(name: string): Secret | undefined {
    const value = this.#runner.input(name)
    if (value === '') return undefined
    this.#runner.mask(value)
    return new Secret(value)
  }

  lines(name: string): string[] {
    return this.text(name)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  }

  choice<const T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.text(name).toLowerCase() || choices[0]
    const found = choices.find((choice) => choice === value)
    if (found === undefined) this.refuse(name, value, `one of ${choices.join(', ')}`)
    return found ?? choices[0]
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.choice(name, fallback ? ['true', 'false'] : ['false', 'true']) === 'true'
  }

  /** A whole number from 0 to `most`. */
  whole(name: string, fallback: number, most: number): number {
    const value = this.text(name) || String(fallback)
    if (/^\d{1,6}$/.test(value) && Number(value) <= most) return Number(value)
    this.refuse(name, value, `a whole number from 0 to ${String(most)}`)
    return fallback
  }

  refuse(name: string, value: string, rule: string, fix?: string): void {
    this.problems.push({
      code: 'invalid-input',
      what: `Input \`${name}\` is ${quote(value)}, but must be ${rule}.`,
      fix: fix ?? `Set \`${name}:\` to ${rule}, or leave it out.`,
    })
  }

  conflict(what: string, fix: string): void {
    this.problems.push({ code: 'invalid-input', what, fix })
  }
}

/** A value as it may be shown: a key that was put into the wrong input is not repeated. */
function quote(value: string): string {
  const shown = value.replace(/(rubygems_|gh[a-z]_|github_pat_)(?:\d+_eyJ[\w-]+(?:\.[\w-]+){2}|\w{8,})/g, '$1…')
  return JSON.stringify(shown.length > 100 ? `${shown.slice(0, 100)}…` : shown)
}
