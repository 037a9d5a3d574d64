import type { Exchange, Fault } from '../../sandbox/faults.ts'
import type { StepEvent } from '../../sandbox/runner/step.ts'
import type { SandboxResponse } from '../../sandbox/messages.ts'
import { type EdgeName, isOn } from './edges.ts'

/** Where in a run it is struck: at the n-th request of an edge or of all, or at one of three lines of its log. */
export type Boundary =
  | { name: string; edge: EdgeName; nth: number }
  | { name: string; anywhere: number }
  | { name: string; lines: readonly [(event: StepEvent) => boolean, RegExp, RegExp] }

/** A signal that follows something a run does not wait for may find that it has ended well by then. */
export function mayComeTooLate(boundary: Boundary, moment: Moment): boolean {
  return 'edge' in boundary ? moment === 'after' : boundary.name !== 'the start'
}

export type Moment = 'before' | 'during' | 'after'
export const MOMENTS: readonly Moment[] = ['before', 'during', 'after']

const STARTED = (event: StepEvent): boolean => event.type === 'started'

function line(pattern: RegExp): (event: StepEvent) => boolean {
  return (event) => event.type === 'line' && pattern.test(event.line.text)
}

/** Fourteen points of a release; the second push is only there in a set. */
export function boundaries(gems: 1 | 3): readonly Boundary[] {
  return [
    { name: 'the start', lines: [STARTED, /^Look around$/, /^Look around: /] },
    { name: 'the list of versions', edge: 'versions', nth: 1 },
    { name: 'the commit', edge: 'commit', nth: 1 },
    { name: 'the plan', lines: [line(/^Plan$/), /is released as prebuilt/, /^Inspect: /] },
    { name: 'the tag object', edge: 'tag object', nth: 1 },
    { name: 'the ID token', edge: 'token', nth: 1 },
    { name: 'the exchange', edge: 'exchange', nth: 1 },
    { name: 'the first push', edge: 'push', nth: 1 },
    gems === 3
      ? { name: 'the second push', edge: 'push', nth: 2 }
      : { name: 'the outcome of the push', lines: [line(/^Push$/), /Successfully registered/, /^Push: /] },
    { name: 'the digest', edge: 'digest', nth: 1 },
    { name: 'the tag', edge: 'tag ref', nth: 1 },
    { name: 'the outcome of the tag', lines: [line(/^Tag$/), /^Created tag/, /^Tag: /] },
    { name: 'the index', edge: 'index', nth: 1 },
    { name: 'the report', lines: [line(/^Await$/), /can be installed/, /published on http/] },
  ]
}

/** A test that moves when its run reaches the boundary, and a run that goes on when the test lets it. */
export class Barrier {
  readonly reached: Promise<void>
  #reach: () => void = () => undefined
  readonly #released: Promise<void>
  #release: () => void = () => undefined

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve
    })
    this.#released = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** Goes on as soon as whoever waits for the boundary has had a turn to act. */
  async releaseWhenReached(): Promise<void> {
    await Promise.race([this.reached, this.#released])
    await turn()
    this.#release()
  }

  release(): void {
    this.#release()
  }

  /** Stops the n-th request, of an edge or of all; `isStored` tells that a push has left its first trace. */
  fault(edge: EdgeName | undefined, nth: number, moment: Moment, isStored: () => boolean): Fault {
    let seen = 0
    return {
      name: `barrier ${moment} ${edge ?? 'request'} ${String(nth)}`,
      times: 1,
      on: (request) => (edge === undefined || isOn(edge, request)) && ++seen === nth,
      play: (exchange) => this.#play(exchange, moment, isStored),
    }
  }

  async #stop(): Promise<void> {
    this.#reach()
    await this.#released
  }

  async #play(
    { request, response, handle }: Exchange,
    moment: Moment,
    isStored: () => boolean,
  ): Promise<SandboxResponse | undefined> {
    if (moment === 'before') {
      await this.#stop()
      return handle()
    }
    if (moment === 'during' && isOn('push', { method: request.method ?? '', path: request.url ?? '' })) {
      const storing = { done: false }
      const answer = Promise.resolve(handle()).finally(() => {
        storing.done = true
      })
      while (!storing.done && !isStored()) await turn()
      await this.#stop()
      return answer
    }
    const answer = await handle()
    const body = Buffer.from(typeof answer.body === 'string' || Buffer.isBuffer(answer.body) ? answer.body : '')
    const half = moment === 'during' ? Math.ceil(body.length / 2) : body.length
    response.writeHead(answer.status, { 'content-length': String(body.length), ...answer.headers })
    await new Promise<void>((resolve) => {
      response.on('close', resolve)
      response.write(body.subarray(0, half), () => {
        resolve()
      })
    })
    if (moment === 'after') response.end()
    await this.#stop()
    if (!response.destroyed) response.end(body.subarray(half))
    return undefined
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
