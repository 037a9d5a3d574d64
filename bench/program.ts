import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** One run of a program, from the moment it was asked for to its end. */
export interface Ran {
  /** Milliseconds. */
  wall: number
  /** Peak memory (resident set) of the process, or of the largest it started, in MiB; 0 where there is no `/proc`. */
  peak: number
  /** Milliseconds since the epoch. */
  from: number
  to: number
  lines: readonly Line[]
}

export interface Line {
  /** Milliseconds since the epoch. */
  at: number
  text: string
}

export interface Program {
  file: string
  args: readonly string[]
  cwd: string
  env: Record<string, string>
}

const SAMPLE = 25

/** Runs a program to its end. Throws with its last lines where it fails: a failed release must not count as a fast one. */
export async function run(program: Program): Promise<Ran> {
  const from = Date.now()
  const started = performance.now()
  const child = spawn(program.file, program.args, {
    cwd: program.cwd,
    env: program.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: Line[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) lines.push({ at: Date.now(), text: part })
    })
    stream.on('end', () => {
      if (rest !== '') lines.push({ at: Date.now(), text: rest })
    })
  }
  let peak = 0
  const sampler = setInterval(() => {
    peak = Math.max(peak, peakOf(child.pid))
  }, SAMPLE)
  let wall = 0
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => {
      wall = performance.now() - started
    })
    child.on('close', (exitCode) => {
      resolve(exitCode ?? 1)
    })
  }).finally(() => {
    clearInterval(sampler)
  })
  if (code !== 0)
    throw new Error(
      `${program.file} failed\n${lines
        .slice(-40)
        .map(({ text }) => text)
        .join('\n')}`,
    )
  return { wall, peak, from, to: from + wall, lines }
}

/** A bash script with the given environment. */
export async function script(text: string, cwd: string, env: Record<string, string>): Promise<Ran> {
  return run({ file: 'bash', args: ['-euo', 'pipefail', '-c', text], cwd, env })
}

/** High-water mark of a process or of the largest of its children, in MiB. */
function peakOf(pid: number | undefined): number {
  if (pid === undefined) return 0
  try {
    const id = String(pid)
    const own = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]
    const name = readFileSync(`/proc/${id}/comm`, 'utf8').trim()
    if (name !== 'bash') return Number(own ?? 0) / 1024
    const children = readFileSync(`/proc/${id}/task/${id}/children`, 'utf8').trim().split(' ')
    return Math.max(0, ...children.map((child) => (child === '' ? 0 : peakOf(Number(child)))))
  } catch {
    // It has ended by itself, or this system has no /proc.
    return 0
  }
}
