import type { Secret } from '../world/secret.ts'
import type { World } from '../world/world.ts'
import { requestIdToken } from './oidc.ts'
import type { RunContext } from './run-context.ts'

export interface IdToken {
  value: Secret
  /** When it was issued, on the monotonic clock. */
  at: number
  /** Whether a registry has seen it. */
  sent: boolean
}

/** An ID token lives five minutes; an older one than this is not worth sending. */
const GOOD_FOR = 4 * 60 * 1000

export function isStale({ at }: IdToken, { clock }: Pick<World, 'clock'>): boolean {
  return clock.now() - at > GOOD_FOR
}

/** ID tokens of this run for the gem server. */
export class IdTokens {
  readonly #run: RunContext
  readonly #world: World
  #ahead: { audience: string; token: Promise<IdToken> } | undefined

  constructor(run: RunContext, world: World) {
    this.#run = run
    this.#world = world
  }

  /** Asks for one while something else is waited for. What goes wrong with it is told to whoever takes it. */
  askAhead(audience: string): void {
    const token = this.#ask(audience)
    token.catch(() => undefined)
    this.#ahead = { audience, token }
  }

  /** The one that was asked for ahead, or a new one. Throws as `requestIdToken`. */
  async take(audience: string): Promise<IdToken> {
    const ahead = this.#ahead
    this.#ahead = undefined
    const token = ahead?.audience === audience ? await ahead.token : undefined
    return token === undefined || isStale(token, this.#world) ? this.#ask(audience) : token
  }

  async #ask(audience: string): Promise<IdToken> {
    const { http, runner, clock } = this.#world
    const value = await requestIdToken(this.#run, audience, http, runner)
    return { value, at: clock.now(), sent: false }
  }
}
