import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { annotationOf } from './annotation.ts'
import { type ActionCommand, parseCommand, trimAsDotnet, WORKFLOW_COMMANDS } from './command.ts'
import type { Effects } from './effects.ts'
import type { StepLog } from './log.ts'
import type { Masker } from './masker.ts'
import type { ExecutedCommand, RegisteredMask, Source } from './step.ts'

/** Commands that are not shown again in the log while `echo` is on (`OmitEcho`). */
const SILENT: ReadonlySet<string> = new Set(['add-mask', 'debug', 'warning', 'error', 'notice'])

const DEPRECATED =
  'command is deprecated and will be disabled soon. Please upgrade to using Environment Files. For more information see: https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/'
const DISABLED =
  'command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more information see: https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/'
const BAD_STOP_TOKEN =
  "You cannot use a endToken that is an empty string, the string 'pause-logging', or another workflow command. For more information see: https://docs.github.com/actions/learn-github-actions/workflow-commands-for-github-actions#example-stopping-and-starting-workflow-commands or opt into insecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS` environment variable to `true`."

interface Surroundings {
  log: StepLog
  masker: Masker
  effects: Effects
  workspace: string
  /** Debug logging also turns `echo` on. */
  echo: boolean
}

/** Reads a step's output line by line and obeys the commands in it (actions/runner `ActionCommandManager.cs`). */
export class CommandProcessor {
  readonly executed: ExecutedCommand[] = []
  readonly ignored: ExecutedCommand[] = []
  readonly masks: RegisteredMask[] = []
  /** A command that could not be carried out fails its step. */
  failed = false
  private readonly step: Surroundings
  private readonly known = new Set(WORKFLOW_COMMANDS)
  private readonly rawLines = { stdout: 0, stderr: 0 }
  private stopToken: string | undefined
  private echo: boolean

  constructor(step: Surroundings) {
    this.step = step
    this.echo = step.echo
  }

  line(text: string, source: 'stdout' | 'stderr'): void {
    const command = parseCommand(text, this.known)
    if (!command || !this.obey(command, text, source)) this.step.log.output(defuse(text), source)
    this.rawLines[source] += 1
  }

  /** False where the line is to be shown as it is. */
  private obey(command: ActionCommand, text: string, source: Source): boolean {
    const { log } = this.step
    const name = command.name.toLowerCase()
    const record = { ...command, source }
    if (this.stopToken !== undefined) {
      if (name !== this.stopToken.toLowerCase()) {
        log.debug(`Process commands has been stopped and waiting for '##[${this.stopToken}]' to resume.`)
        this.ignored.push(record)
        return false
      }
      log.output(text, source)
      this.known.delete(name)
      this.stopToken = undefined
      this.executed.push(record)
      return true
    }
    this.executed.push(record)
    if (name === 'stop-commands') {
      this.stop(command.data, text, source)
      return true
    }
    if (this.echo && !SILENT.has(name)) log.output(text, source)
    try {
      this.execute(name, command, source)
    } catch (error) {
      log.error(`Unable to process command '${SILENT.has(name) ? name : text}' successfully.`)
      log.error(error instanceof Error ? error.message : String(error))
      this.failed = true
    }
    return true
  }

  // A refused token is an error of the whole step on the real runner, not of the command alone.
  private stop(token: string, text: string, source: Source): void {
    const folded = token.toLowerCase()
    if (token === '' || folded === 'pause-logging' || this.known.has(folded)) {
      this.failed = true
      this.step.log.error(BAD_STOP_TOKEN)
      return
    }
    this.stopToken = token
    this.known.add(folded)
    if (token.length > 6) this.step.masker.add(token)
    this.step.log.output(text, source)
  }

  private execute(name: string, command: ActionCommand, source: Source): void {
    const { log, effects } = this.step
    switch (name) {
      case 'add-mask':
        this.mask(command.data, source)
        return
      case 'error':
      case 'warning':
      case 'notice':
        log.annotate(annotationOf(name, command, this.step.workspace), source)
        return
      case 'debug':
        log.debug(command.data, source)
        return
      case 'group':
        log.output(`##[group]${command.data}`, source)
        return
      case 'endgroup':
        log.output('##[endgroup]', source)
        return
      case 'echo':
        this.setEcho(command.data)
        return
      case 'set-output':
        effects.outputs.set(this.deprecatedName(name, command), command.data)
        return
      case 'save-state':
        effects.state.set(this.deprecatedName(name, command), command.data)
        return
      case 'set-env':
      case 'add-path':
        throw new Error(`The \`${name}\` ${DISABLED}`)
      case 'add-matcher':
        this.checkMatcher(command.data)
        return
      default:
      // remove-matcher: matchers are not applied here, so there is nothing to remove.
    }
  }

  private mask(value: string, source: Source): void {
    const { log, masker } = this.step
    if (trimAsDotnet(value) === '') {
      log.warning("Can't add secret mask for empty string in ##[add-mask] command.")
      return
    }
    if (this.echo) log.output('::add-mask::***', source)
    masker.addWithLines(value)
    this.masks.push({ value, position: log.lines.length, rawLines: { ...this.rawLines } })
  }

  private setEcho(value: string): void {
    const choice = trimAsDotnet(value).toUpperCase()
    if (choice !== 'ON' && choice !== 'OFF') {
      throw new Error(`Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '${value}'.`)
    }
    this.echo = choice === 'ON'
  }

  private deprecatedName(name: string, command: ActionCommand): string {
    this.step.log.warning(`The \`${name}\` ${DEPRECATED}`)
    const key = command.properties.get('name')
    if (key === undefined || key === '') throw new Error(`Required field 'name' is missing in ##[${name}] command.`)
    return key
  }

  private checkMatcher(file: string): void {
    if (file === '') this.step.log.warning('File path must be specified.')
    else JSON.parse(readFileSync(resolve(this.step.workspace, file), 'utf8'))
  }
}

// Markers of composite actions are the runner's own; it defuses them in what a step prints.
function defuse(text: string): string {
  return text.replaceAll('##[start-action', '##[\\start-action').replaceAll('##[end-action', '##[\\end-action')
}
