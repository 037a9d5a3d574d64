import { randomUUID } from 'node:crypto'
import * as core from '@actions/core'
import { CommandFiles } from './command-files.ts'
import { safeLine, safeLines } from './sanitise.ts'

/** The GitHub Actions runner: what a step may read from it and say to it. The only importer of `@actions/core`. */
export interface Runner {
  readonly env: Readonly<Record<string, string | undefined>>
  input(name: string): string
  /** Registers a secret, and the forms of it that the runner does not derive itself, before its first use. */
  mask(secret: string): void
  info(text: string): void
  debug(text: string): void
  notice(title: string, text: string): void
  warning(title: string, text: string): void
  error(title: string, text: string): void
  group<T>(title: string, body: () => Promise<T>): Promise<T>
  /**
   * Runs `body`, which starts a program of the project, with workflow commands switched off; `print` shows one line of
   * foreign output. Throws ReleaseError like `expectUntouched` where the program wrote to the runner's files.
   */
  foreign<T>(body: (print: (line: string) => void) => Promise<T>): Promise<T>
  /** Throws ReleaseError (`tampered-job`) where somebody else wrote to the files through which this step speaks. */
  expectUntouched(): void
  output(name: string, value: string): void
  summary(markdown: string): Promise<void>
  saveState(name: string, value: string): void
  state(name: string): string
}

/** Shorter values would blank unrelated text: the runner replaces every occurrence of a mask. */
const SHORTEST_MASK = 8

function derivedForms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
  ]
}

function say(text: string, print: (line: string) => void): void {
  for (const line of safeLines(text)) print(line)
}

/** The runner of this process, through `@actions/core`. */
export function actionsRunner(env: Readonly<Record<string, string | undefined>>): Runner {
  const commands = new Commands()
  const commandFiles = new CommandFiles(env)
  const annotate = (
    title: string,
    text: string,
    print: (message: string, properties: core.AnnotationProperties) => void,
  ): void => {
    commands.whileOn(() => {
      print(safeLines(text).join('\n'), { title: safeLine(title) })
    })
  }
  return {
    env,
    input: (name) => core.getInput(name),
    mask(secret) {
      if (secret.length < SHORTEST_MASK || /[\r\n]/.test(secret)) return
      commands.whileOn(() => {
        for (const form of new Set(derivedForms(secret))) core.setSecret(form)
      })
    },
    info: (text) => {
      say(text, core.info)
    },
    debug: (text) => {
      commands.whileOn(() => {
        say(text, core.debug)
      })
    },
    notice: (title, text) => {
      annotate(title, text, core.notice)
    },
    warning: (title, text) => {
      annotate(title, text, core.warning)
    },
    error: (title, text) => {
      annotate(title, text, core.error)
    },
    group: (title, body) => core.group(safeLine(title), body),
    async foreign(body) {
      try {
        return await body((line) => {
          commands.switchOff()
          core.info(`| ${safeLine(line)}`)
        })
      } finally {
        commands.switchOn()
        // Also after a failure, which is then the lesser trouble.
        commandFiles.check()
      }
    },
    expectUntouched: () => {
      commandFiles.check()
    },
    output: (name, value) => {
      commandFiles.write('GITHUB_OUTPUT', () => {
        core.setOutput(name, value)
      })
    },
    async summary(markdown) {
      if (env['GITHUB_STEP_SUMMARY']) await core.summary.addRaw(markdown).write()
    },
    saveState: (name, value) => {
      commandFiles.write('GITHUB_STATE', () => {
        core.saveState(name, value)
      })
    },
    state: (name) => core.getState(name),
  }
}

/**
 * Switches workflow commands off while foreign output is shown, and on again for the moment one of ours is due: a mask
 * registered while they are off would be ignored, and printed.
 */
class Commands {
  #token: string | undefined

  switchOff(): void {
    if (this.#token !== undefined) return
    this.#token = `resume-${randomUUID()}`
    core.info(`::stop-commands::${this.#token}`)
  }

  switchOn(): void {
    if (this.#token !== undefined) core.info(`::${this.#token}::`)
    this.#token = undefined
  }

  whileOn(command: () => void): void {
    const wasOff = this.#token !== undefined
    this.switchOn()
    command()
    if (wasOff) this.switchOff()
  }
}
