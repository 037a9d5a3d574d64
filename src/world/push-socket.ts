import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isObject, parseJson } from '../json.ts'

/** A `gem push` that a release task asked for, as our stand-in for the gem command passes it on. */
export interface PushRequest {
  args: readonly string[]
  /** Directory the task ran it in. */
  cwd: string
  /** Its RUBYGEMS_HOST, which a task may set for one push alone; absent where there is none. */
  environmentHost?: string
  /** Whether its GEM_HOST_API_KEY holds a key, which `gem push` sends before every other. */
  ownKey: boolean
  /** Whether it was found on PATH as `gem`; otherwise it was started as GEM_COMMAND. */
  byName: boolean
}

/** What the stand-in prints and how it ends: with this exit code, or with that of the real `gem`, which it then runs. */
export interface PushReply {
  message: string
  exitCode: number | 'by-gem'
}

/** Arguments of a command are less than this on every system. */
const REQUEST_LIMIT = 2 * 1024 * 1024
/** Bytes of a socket's path that every system takes (`sun_path`: 104 on macOS, 108 on Linux, with a zero). */
const LONGEST_PATH = 103

/**
 * Listens in our private directory (a named pipe on Windows) for pushes of the release task. One JSON line each way,
 * one request a connection, one request at a time.
 */
export async function listenForPushes(
  privateDirectory: string,
  answer: (request: PushRequest) => Promise<PushReply>,
): Promise<{ address: string } & AsyncDisposable> {
  const { address, remove } = await place(privateDirectory)
  const open = new Set<Socket>()
  let last: Promise<void> = Promise.resolve()
  const reply = async (line: string, socket: Socket): Promise<void> => {
    const request = asRequest(parseJson(line))
    const outcome = request ? await answer(request) : { message: 'release-gem: not a push request', exitCode: 1 }
    socket.end(`${JSON.stringify(outcome)}\n`)
  }
  const server = createServer((socket) => {
    open.add(socket)
    // A stand-in that was killed is no event: the push goes on, and its outcome is in the ledger.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    firstLine(socket, (line) => {
      last = last
        .then(() => reply(line, socket))
        .catch(() => {
          socket.destroy()
        })
    })
  })
  server.listen(address)
  await once(server, 'listening')
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.close()
      const closed = once(server, 'close')
      await last
      for (const socket of open) socket.destroySoon()
      await closed
      await remove()
    },
  }
}

async function nothing(): Promise<void> {
  // The private directory goes as a whole.
}

/**
 * Where the socket stands when its path below the private directory would be too long: in a directory of the same name
 * among the system's temporary files, which the post step finds by that name after the main step was killed.
 */
export function socketDirectory(privateDirectory: string): string {
  return path.join(tmpdir(), path.basename(privateDirectory))
}

/** Below our private directory, or, where the path would be too long for a socket, in a directory of its own (0700). */
async function place(privateDirectory: string): Promise<{ address: string; remove: () => Promise<void> }> {
  if (process.platform === 'win32') {
    return { address: `\\\\.\\pipe\\${path.basename(privateDirectory)}`, remove: nothing }
  }
  const address = path.join(privateDirectory, 'push.sock')
  if (Buffer.byteLength(address) <= LONGEST_PATH) return { address, remove: nothing }
  const short = socketDirectory(privateDirectory)
  // Not recursive: a directory that is there already is somebody else's.
  await mkdir(short, { mode: 0o700 })
  return { address: path.join(short, 'push.sock'), remove: () => rm(short, { recursive: true, force: true }) }
}

/** Not `readline`: it passes a socket's errors on as its own, and nobody listens for those. */
function firstLine(socket: Socket, take: (line: string) => void): void {
  let text = ''
  let taken = false
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    if (taken) return
    text += chunk
    const end = text.indexOf('\n')
    if (end >= 0) {
      taken = true
      take(text.slice(0, end))
    } else if (text.length > REQUEST_LIMIT) {
      socket.destroy()
    }
  })
}

function asRequest(value: unknown): PushRequest | undefined {
  if (!isObject(value) || !Array.isArray(value['args']) || typeof value['cwd'] !== 'string') return undefined
  return {
    args: value['args'].filter((argument) => typeof argument === 'string'),
    cwd: value['cwd'],
    ...(typeof value['host'] === 'string' && value['host'] !== '' ? { environmentHost: value['host'] } : {}),
    ownKey: value['ownKey'] === true,
    byName: value['byName'] === true,
  }
}
