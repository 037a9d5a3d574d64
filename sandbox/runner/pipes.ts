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
  /** Begins to read what the child writes; nothing where the child's own stream is to be used. */
  read: () => Readable | undefined
  /** Closes our copy of the writing end, once the child has its own. */
  release: () => void
}

const UNNAMED: OutputPipe = { end: 'pipe', read: () => undefined, release: () => {} }

/** Made, and gone from the disk, but not yet used: `mkfifo` is a program of its own, and every step needs two. */
const spare: OutputPipe[] = []
const BATCH = 16

/**
 * Pipes for a child's output and errors. Node gives its children sockets instead, on which a script's `> /dev/stderr`
 * fails; the runner gives them pipes. They have names in `directory` for a moment.
 */
export async function outputPipes(directory: string): Promise<[OutputPipe, OutputPipe]> {
  if (process.platform !== 'linux') return [UNNAMED, UNNAMED]
  const [stdout, stderr] = [spare.pop(), spare.pop()]
  if (stdout && stderr) return [stdout, stderr]
  const paths = Array.from({ length: BATCH }, () => join(directory, `_pipe_${randomUUID()}`))
  await run('mkfifo', ['-m', '600', ...paths])
  spare.push(...paths.map(open))
  return outputPipes(directory)
}

function open(path: string): OutputPipe {
  // Without O_NONBLOCK, opening one end of a FIFO waits for the other.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  rmSync(path)
  return {
    end: writer,
    read: () => new Socket({ fd: reader, readable: true, writable: false }),
    release: () => closeSync(writer),
  }
}
