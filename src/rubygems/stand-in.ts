import path from 'node:path'
import { files } from '../world/files.ts'
import type { World } from '../world/world.ts'

/**
 * What leads a project's `gem push` to the program of ours that hands it over (src/gem-command.ts): Bundler runs what
 * GEM_COMMAND names, and everybody else the first `gem` on PATH. Not on Windows, where Ruby finds programs by other
 * rules: there only GEM_COMMAND is set.
 */
export async function standInForGem(
  { assets, runner, privateDirectory }: World,
  platform: NodeJS.Platform,
): Promise<Record<string, string>> {
  const words = [process.execPath, assets.gemCommand]
  const command = { GEM_COMMAND: words.map(shellWord).join(' ') }
  if (platform === 'win32') return command
  const directory = path.join(privateDirectory, 'bin')
  await files.makeDirectory(directory)
  await files.writeProgram(path.join(directory, 'gem'), program(words))
  return {
    ...command,
    PATH: [directory, ...(runner.env['PATH'] ? [runner.env['PATH']] : [])].join(path.delimiter),
    RELEASE_GEM_BIN: directory,
  }
}

/** A shell script, and from its second `#!` on a Ruby one: for `ruby -S gem`, which Rake's `ruby` uses as well. */
function program(words: readonly string[]): string {
  const arguments_ = words.map((word) => `'${word.replaceAll(/['\\]/g, String.raw`\$&`)}'`).join(', ')
  return [
    '#!/bin/sh',
    `RELEASE_GEM_BY_NAME=1 exec ${words.map(shellWord).join(' ')} "$@"`,
    '#!ruby',
    `exec({ 'RELEASE_GEM_BY_NAME' => '1' }, ${arguments_}, *ARGV)`,
    '',
  ].join('\n')
}

/** One word for the shell, and for Ruby's Shellwords, which Bundler splits GEM_COMMAND with. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
