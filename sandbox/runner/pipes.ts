import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface OutputPipe {
  /** For `stdio` of the child. */
  end: number | 'pipe'
  /** Reads what the child writes; nothing where the child's own stream is to be used. */
  readable: Readable | undefined
  /** Closes our copy of the writing end, once the child has its own. */
  release: () => void
}

const UNNAMED: OutputPipe = { end: 'pipe', readable: undefined, release: () => {} }

/**
 * Pipes for a child's output and errors. Node gives its children sockets instead, on which a script's `> /dev/stderr`
 * fails; the runner gives them pipes.
 */
export async function outputPipes(directory: string): Promise<[OutputPipe, OutputPipe]> {
  if (process.platform !== 'linux') return [UNNAMED, UNNAMED]
  const [stdout, stderr] = [fifo(directory), fifo(directory)]
  await run('mkfifo', ['-m', '600', stdout, stderr])
  return [open(stdout), open(stderr)]
}

function fifo(directory: string): string {
  return join(directory, `_pipe_${randomUUID()}`)
}

function open(path: string): OutputPipe {
  // Without O_NONBLOCK, opening one end of a FIFO waits for the other.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  rmSync(path)
  const readable = new Socket({ fd: reader, readable: true, writable: false })
  return { end: writer, readable, release: () => closeSync(writer) }
}
