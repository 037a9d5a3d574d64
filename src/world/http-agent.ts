import { Socket } from 'node:net'
import { buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { ReleaseError } from '../errors.ts'
import { AT_ONCE } from './traffic.ts'

/** Our connections: direct ones, and those through the proxy that the environment names. */
export interface Agent {
  dispatcher: Dispatcher
  /** Ends all of them, also those that are still being made. */
  close(): Promise<void>
}

/** To one server: those of its API, and as many again for index and files, which caches give out. */
export const CONNECTIONS = 2 * AT_ONCE

const CONNECTION = {
  timeout: 10_000,
  // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in a job's environment does not switch verification off.
  rejectUnauthorized: true,
  allowH2: false,
}

/**
 * Loopback never goes through a proxy: rehearsals and tests live there, and no proxy could reach it. Throws ReleaseError
 * (`invalid-input`) where a variable names no proxy that could be used.
 */
export function proxyAgent(env: Readonly<Record<string, string | undefined>>): Agent {
  const noProxy = [env['no_proxy'] ?? env['NO_PROXY'], 'localhost', '127.0.0.1', '[::1]'].filter(Boolean).join(',')
  const httpProxy = proxyAddress(env, 'http_proxy')
  const httpsProxy = proxyAddress(env, 'https_proxy')
  const dialler = new Dialler()
  const dispatcher = new EnvHttpProxyAgent({
    noProxy,
    ...(httpProxy ? { httpProxy } : {}),
    ...(httpsProxy ? { httpsProxy } : {}),
    // Deadlines are ours: undici's own are idle times, which a trickling answer never lets expire.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: dialler.connect,
    requestTls: CONNECTION,
    proxyTls: CONNECTION,
    allowH2: false,
    connections: CONNECTIONS,
  })
  return {
    dispatcher,
    async close() {
      await dispatcher.destroy()
      dialler.giveUp()
    },
  }
}

/** The address of a proxy, as curl, git and Ruby read it: without a scheme it is `http`. */
function proxyAddress(env: Readonly<Record<string, string | undefined>>, lower: string): string | undefined {
  const name = env[lower] === undefined ? lower.toUpperCase() : lower
  const value = env[name]
  if (!value) return undefined
  const address = value.includes('://') ? value : `http://${value}`
  const url = URL.parse(address)
  if (url && /^https?:$/.test(url.protocol) && isDecodable(url.username) && isDecodable(url.password)) return address
  throw new ReleaseError({
    code: 'invalid-input',
    what: `${name} in the environment is not the address of a proxy. It is not shown, as it may hold a password.`,
    fix: 'Write it as `http://HOST:PORT` or `http://USER:PASSWORD@HOST:PORT`, with `%25` for a percent sign in the password.',
  })
}

function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

/**
 * Makes the direct connections, and remembers those that are not made yet: undici would keep the process alive until
 * their time is up.
 */
class Dialler {
  readonly #dial = buildConnector(CONNECTION)
  readonly #pending = new Set<Socket>()

  readonly connect: buildConnector.connector = (options, callback) => {
    const socket: unknown = this.#dial(options, (...outcome) => {
      if (socket instanceof Socket) this.#pending.delete(socket)
      callback(...outcome)
    })
    if (socket instanceof Socket) this.#pending.add(socket)
  }

  giveUp(): void {
    for (const socket of this.#pending) socket.destroy()
  }
}
