import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Files } from '../scenarios/projects.ts'

export function git(directory: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Ada Gemwright', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false']
  return execFileSync('git', [...who, ...args], { cwd: directory, encoding: 'utf8' }).trim()
}

export function write(directory: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true })
    writeFileSync(path.join(directory, name), text)
  }
}

/** A repository with one commit of these files, on the branch `trunk`. */
export function repository(directory: string, files: Files): string {
  write(directory, files)
  git(directory, 'init', '--quiet', '--initial-branch=trunk')
  git(directory, 'add', '--all')
  git(directory, 'commit', '--quiet', '--message', 'Begin')
  return directory
}
