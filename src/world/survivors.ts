import { readdirSync, readFileSync } from 'node:fs'

/** The variable by which a program of the project, and all it starts, is recognised as ours to end. */
export const CHILD = 'RELEASE_GEM_CHILD'
/** A survivor that forks while it is being killed is met again in the next round. */
const ROUNDS = 10

/**
 * Ends the processes that have left their process group, as daemons do: those whose environment still holds the mark
 * they were started with. Without a child's number, those of all children of that run. Only where there is a `/proc`;
 * a process that has also wiped its environment is not found, and is for the runner to end with the job's machine.
 */
export function endSurvivors(run: string, child?: number): void {
  const wanted = `${CHILD}=${run}.${child === undefined ? '' : `${String(child)}\0`}`
  for (let round = 0; round < ROUNDS; round++) {
    const found = processes().filter((pid) => holds(pid, wanted))
    if (found.length === 0) return
    for (const pid of found) kill(pid)
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid)
  } catch {
    // macOS and Windows have none.
    return []
  }
}

/** Of a process that is gone, or dead and not yet fetched by its parent, nothing is left to read. */
function holds(pid: number, entry: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${String(pid)}/environ`, 'latin1')}`.includes(`\0${entry}`)
  } catch {
    return false
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It has ended by itself, or belongs to somebody else by now.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error
  }
}
