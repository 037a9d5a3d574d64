import { readdirSync, readFileSync } from 'node:fs'

/** One line of `/proc/PID/stat`, as far as it is needed here (proc_pid_stat(5)). */
export interface ProcStat {
  pid: number
  state: string
  ppid: number
  session: number
  /** Clock ticks since boot; with the pid it names a process for good. */
  startTime: number
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process has ended, or is another user's.
    return undefined
  }
}

function list(path: string): number[] {
  try {
    return readdirSync(path)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

export function allPids(): number[] {
  return list('/proc')
}

export function readStat(pid: number): ProcStat | undefined {
  const text = read(`/proc/${String(pid)}/stat`)
  if (text === undefined) return undefined
  // The command name in parentheses may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    pid,
    state: fields[0] ?? '',
    ppid: Number(fields[1]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
  }
}

/** Children that the main thread of a process has started; those of its other threads are only in `allPids`. */
export function childrenOf(pid: number): number[] {
  const text = read(`/proc/${String(pid)}/task/${String(pid)}/children`) ?? ''
  return text.split(' ').filter(Boolean).map(Number)
}

/** Empty for a zombie. */
export function readArgv(pid: number): string[] {
  const text = read(`/proc/${String(pid)}/cmdline`) ?? ''
  return text === '' ? [] : text.replace(/\0$/, '').split('\0')
}

export function readEnviron(pid: number): Record<string, string> | undefined {
  const text = read(`/proc/${String(pid)}/environ`)
  if (text === undefined || text === '') return undefined
  const pairs = text.split('\0').filter((pair) => pair.includes('='))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}
