import { aim, type Fault, type FaultName, redirect } from '../../sandbox/faults.ts'
import type { RecordedRequest } from '../../sandbox/messages.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** The conversations of a release, by method and path. */
export const EDGES = {
  versions: { method: 'GET', path: /^\/api\/v1\/versions\// },
  token: { method: 'GET', path: /^\/token/ },
  exchange: { method: 'POST', path: /\/exchange_token$/ },
  push: { method: 'POST', path: /^\/api\/v1\/gems$/ },
  digest: { method: 'GET', path: /^\/api\/v2\// },
  index: { method: 'GET', path: /^\/info\// },
  commit: { method: 'GET', path: /\/git\/commits\// },
  tag: { method: 'GET', path: /\/git\/ref\// },
  'tag object': { method: 'POST', path: /\/git\/tags$/ },
  'tag ref': { method: 'POST', path: /\/git\/refs$/ },
} as const

export type EdgeName = keyof typeof EDGES

export const EDGE_NAMES: readonly EdgeName[] = [
  'versions',
  'token',
  'exchange',
  'push',
  'digest',
  'index',
  'commit',
  'tag',
  'tag object',
  'tag ref',
]

export function isOn(edge: EdgeName, request: Pick<RecordedRequest, 'method' | 'path'>): boolean {
  return request.method === EDGES[edge].method && EDGES[edge].path.test(request.path)
}

/** Troubles that pass: two of them at one edge must not keep a release from ending well. */
export const PASSING: readonly (FaultName | 'hang' | 'hang-after')[] = [
  'reset-before',
  'reset-unprocessed',
  'reset-after',
  'close-after',
  'reset-mid-answer',
  'close-mid-answer',
  '429-retry-after',
  '429-bare',
  '500',
  '500-after',
  '502-html',
  '503-html',
  '503-after',
  '504-html',
  '200-html',
  '200-html-after',
  'json-truncated',
  'duplicate-delivery',
  'hang',
  'hang-after',
]

/** Answers after which a release may give up, with a name for it. */
export const FINAL: readonly (FaultName | 'redirect')[] = ['403-html', 'json-types', 'redirect']

export type TroubleName = (typeof PASSING)[number] | (typeof FINAL)[number]

/** Marks requests of the test itself, which no trouble may hit. */
export const UNTROUBLED = { 'x-untroubled': 'yes' }

export function trouble(name: TroubleName, edge: EdgeName, times: number, clock: VirtualClock): Fault {
  const fault = troubleAt(name, edge, times, clock)
  return { ...fault, on: (request) => request.headers['x-untroubled'] === undefined && isOn(edge, request) }
}

function troubleAt(name: TroubleName, edge: EdgeName, times: number, clock: VirtualClock): Fault {
  if (name === 'hang' || name === 'hang-after') return hang(name, edge, times, clock)
  if (name !== 'redirect') return aim(name, EDGES[edge], times)
  return { ...aim('500', EDGES[edge], times), name, play: redirect(307, 'http://127.0.0.1:9/elsewhere') }
}

/** No answer ever: the virtual clock goes on until the client gives up. */
function hang(name: string, edge: EdgeName, times: number, clock: VirtualClock): Fault {
  return {
    name,
    times,
    on: (request) => isOn(edge, request),
    play: async ({ request, response, handle }) => {
      if (name === 'hang-after') await handle()
      else for await (const chunk of request) void chunk
      // Whoever has left meanwhile waits for nothing: time would go on for good, and leave no request after it any.
      if (response.destroyed) return undefined
      const stalled = clock.stalled()
      response.on('close', () => {
        stalled[Symbol.dispose]()
      })
      return undefined
    },
  }
}

/** Something that happens in the world at the moment a request arrives, before it is dealt with. */
export function meanwhile(edge: EdgeName, what: () => void): Fault {
  return {
    name: `meanwhile at ${edge}`,
    times: 1,
    on: (request) => isOn(edge, request),
    play: async ({ handle }) => {
      what()
      return handle()
    },
  }
}
