import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { isObject, parseJson } from '../json.ts'

/** A `gem push` that a release task asked for, as our stand-in for the gem command passes it on. */
export interface PushRequest {
  args: readonly string[]
  /** Directory the task ran it in. */
  cwd: string
}

/** What the stand-in prints and how it ends. */
export interface PushReply {
  message: string
  exitCode: number
}

/**
 * Listens in our private directory (a named pipe on Windows) for pushes of the release task. One JSON line each way,
 * one request a connection, one request at a time.
 */
export async function listenForPushes(
  privateDirectory: string,
  answer: (request: PushRequest) => Promise<PushReply>,
): Promise<{ address: string } & AsyncDisposable> {
  const address =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\${path.basename(privateDirectory)}`
      : path.join(privateDirectory, 'push.sock')
  const open = new Set<Socket>()
  let last: Promise<void> = Promise.resolve()
  const server = createServer((socket) => {
    open.add(socket)
    // A stand-in that was killed is no event: the push goes on, and its outcome is in the ledger.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    createInterface({ input: socket }).once('line', (line) => {
      const request = asRequest(parseJson(line))
      const before = last
      const reply = async (): Promise<void> => {
        await before
        const outcome = request ? await answer(request) : { message: 'release-gem: not a push request', exitCode: 1 }
        socket.end(`${JSON.stringify(outcome)}\n`)
      }
      last = reply()
    })
  })
  server.listen(address)
  await once(server, 'listening')
  return {
    address,
    async [Symbol.asyncDispose]() {
      await last
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function asRequest(value: unknown): PushRequest | undefined {
  if (!isObject(value) || !Array.isArray(value['args']) || typeof value['cwd'] !== 'string') return undefined
  return { args: value['args'].filter((argument) => typeof argument === 'string'), cwd: value['cwd'] }
}
