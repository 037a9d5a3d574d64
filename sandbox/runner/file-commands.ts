import { randomUUID } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addPath, type Effects } from './effects.ts'
import { splitLines } from './lines.ts'
import type { StepLog } from './log.ts'
import type { Masker } from './masker.ts'

const SUMMARY_LIMIT = 1024 * 1024

const PREFIXES = {
  path: 'add_path_',
  env: 'set_env_',
  step_summary: 'step_summary_',
  state: 'save_state_',
  output: 'set_output_',
} as const

/** Names of the files as they are in the `github` context: `output` is `$GITHUB_OUTPUT`. */
export type FileCommand = keyof typeof PREFIXES

export type CommandFiles = Record<FileCommand, string>

/** Makes the five empty files of a step (actions/runner `src/Runner.Worker/FileCommandManager.cs`). */
export async function createCommandFiles(temp: string): Promise<CommandFiles> {
  const directory = join(temp, '_runner_file_commands')
  await mkdir(directory, { recursive: true })
  const suffix = randomUUID()
  const at = (command: FileCommand): string => join(directory, PREFIXES[command] + suffix)
  const files = {
    path: at('path'),
    env: at('env'),
    step_summary: at('step_summary'),
    state: at('state'),
    output: at('output'),
  }
  await Promise.all(Object.values(files).map((file) => writeFile(file, '')))
  return files
}

/**
 * Reads `KEY=VALUE` lines and `KEY<<DELIMITER` blocks (`EnvFileKeyValuePairs` in `FileCommandManager.cs`). Pairs
 * before a malformed one have been handed out, and count, by the time it throws.
 */
export function* parseKeyValues(text: string): Generator<[key: string, value: string]> {
  let index = 0
  const readLine = (): { line: string; ended: boolean } | undefined => {
    if (index >= text.length) return undefined
    const feed = text.indexOf('\n', index)
    const line = text.slice(index, feed < 0 ? undefined : feed)
    index = feed < 0 ? text.length : feed + 1
    return { line, ended: feed >= 0 }
  }
  for (let next = readLine(); next; next = readLine()) {
    const { line } = next
    if (line === '') continue
    const equals = line.indexOf('=')
    const heredoc = line.indexOf('<<')
    if (equals < 0 && heredoc < 0) throw new Error(`Invalid format '${line}'`)
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      yield [line.slice(0, equals), line.slice(equals + 1)]
      continue
    }
    const key = line.slice(0, heredoc)
    const delimiter = line.slice(heredoc + 2)
    if (key === '' || delimiter === '') {
      throw new Error(`Invalid format '${line}'. Name must not be empty and delimiter must not be empty`)
    }
    const start = index
    let end = index
    for (let content = readLine(); content?.line !== delimiter; content = readLine()) {
      if (!content) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`)
      if (!content.ended) throw new Error('Invalid value. EOF marker missing new line.')
      end = index - 1
    }
    yield [key, end > start ? text.slice(start, end) : '']
  }
}

interface Processing {
  files: CommandFiles
  effects: Effects
  log: StepLog
  masker: Masker
}

/** Applies what a step has written into its files. `failed` when one of them was malformed. */
export async function processCommandFiles(step: Processing): Promise<{ failed: boolean; summary: string }> {
  const { effects, log } = step
  let failed = false
  let summary = ''
  const each: [FileCommand, (text: string) => void][] = [
    ['path', (text) => splitLines(text).forEach((line) => line && addPath(effects.path, line))],
    ['env', (text) => setEnv(text, step)],
    [
      'step_summary',
      (text) =>
        void (summary = splitLines(text)
          .map((line) => `${step.masker.mask(line)}\n`)
          .join('')),
    ],
    ['state', (text) => saveState(text, step)],
    ['output', (text) => setOutputs(text, step)],
  ]
  for (const [command, apply] of each) {
    try {
      const text = await readCommandFile(command, step)
      if (text !== undefined) apply(text)
    } catch (error) {
      log.error(`Unable to process file command '${command}' successfully.`)
      log.error(error instanceof Error ? error.message : String(error))
      failed = true
    }
  }
  return { failed, summary }
}

/** Nothing where the step has removed the file or its summary is too long. */
async function readCommandFile(command: FileCommand, { files, log }: Processing): Promise<string | undefined> {
  const size = await stat(files[command]).then(
    (found) => found.size,
    () => undefined,
  )
  if (size === undefined) {
    log.debug(`File does not exist '${files[command]}'`)
    return undefined
  }
  if (command === 'step_summary' && size > SUMMARY_LIMIT) {
    const [limit, actual] = [SUMMARY_LIMIT / 1024, Math.floor(size / 1024)]
    log.error(
      `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of ${String(limit)}k, got ${String(actual)}k. For more information see: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary`,
    )
    return undefined
  }
  return new TextDecoder().decode(await readFile(files[command]))
}

function setEnv(text: string, { effects, log }: Processing): void {
  for (const [key, value] of parseKeyValues(text)) {
    if (key.toUpperCase() === 'NODE_OPTIONS') {
      log.error("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.")
      continue
    }
    requireName(key)
    effects.env.set(key, value)
    log.debug(`${key}='${value}'`)
  }
}

function saveState(text: string, { effects, log }: Processing): void {
  for (const [key, value] of parseKeyValues(text)) {
    effects.state.set(key, value)
    log.debug(`Save intra-action state ${key} = ${value}`)
  }
}

function setOutputs(text: string, { effects, log }: Processing): void {
  for (const [key, value] of parseKeyValues(text)) {
    requireName(key)
    effects.outputs.set(key, value)
    log.debug(`Set output ${key} = ${value}`)
  }
}

function requireName(key: string): void {
  if (key === '') throw new Error("Value cannot be null. (Parameter 'name')")
}
